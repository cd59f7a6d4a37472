/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of an address space, by their exact sum.
 */
#ifndef _MR_COMPAT_RSS_H
#define _MR_COMPAT_RSS_H

#include <linux/mm.h>
#include <linux/sched/signal.h>

/*
 * Pages of one kind (MM_ANONPAGES and so on).
 *
 * From 6.2 the counters are per CPU, and their fast read is off by up to a
 * batch for each CPU.  Before, each thread kept up to 64 events of its own,
 * folded in when it leaves the mm; those of @task's threads are added here, and
 * not those of other processes with the same mm.  A thread caught between the
 * two steps of its folding is counted twice, which the second look at its own
 * part detects in all but the narrowest window.
 *
 * The caller has a reference to the mm and to @task, which may be NULL: no thread
 * of it is left.
 */
static inline s64 mr_compat_rss_read(struct mm_struct *mm,
				     struct task_struct *task, int member)
{
#ifdef MR_HAVE_PERCPU_RSS
	return percpu_counter_sum(&mm->rss_stat[member]);
#elif defined(SPLIT_RSS_COUNTING)
	struct task_struct *t;
	s64 shared, cached, again;
	int tries = 8;

	if (!task)
		return atomic_long_read(&mm->rss_stat.count[member]);
	do {
		cached = 0;
		again = 0;
		rcu_read_lock();
		for_each_thread(task, t)
			if (READ_ONCE(t->mm) == mm)
				cached += READ_ONCE(t->rss_stat.count[member]);
		shared = atomic_long_read(&mm->rss_stat.count[member]);
		for_each_thread(task, t)
			if (READ_ONCE(t->mm) == mm)
				again += READ_ONCE(t->rss_stat.count[member]);
		rcu_read_unlock();
	} while (cached != again && --tries);
	return shared + again;
#else
	return atomic_long_read(&mm->rss_stat.count[member]);
#endif
}

/* Base pages of hugetlbfs; not part of the RSS. */
static inline s64 mr_compat_hugetlb_read(struct mm_struct *mm)
{
#ifdef CONFIG_HUGETLB_PAGE
	return atomic_long_read(&mm->hugetlb_usage);
#else
	return 0;
#endif
}

#endif /* _MR_COMPAT_RSS_H */

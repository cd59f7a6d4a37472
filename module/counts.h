/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading what an address space holds.
 */
#ifndef _MR_COUNTS_H
#define _MR_COUNTS_H

#include "module/account.h"
#include "module/compat/rss.h"

/*
 * All counters by their exact sum, see compat/rss.h.  A reference to @mm is held, and
 * to @task unless it is NULL; nothing here sleeps.
 */
static inline void mr_counts_read(struct mr_counts *counts, struct mm_struct *mm,
				  struct task_struct *task)
{
	counts->anon = mr_compat_rss_read(mm, task, MM_ANONPAGES);
	counts->file = mr_compat_rss_read(mm, task, MM_FILEPAGES);
	counts->shmem = mr_compat_rss_read(mm, task, MM_SHMEMPAGES);
	counts->swap = mr_compat_rss_read(mm, task, MM_SWAPENTS);
	counts->hugetlb = mr_compat_hugetlb_read(mm);
}

/* The yield of an address space that was not touched: all of it is left. */
static inline void mr_counts_untouched(struct mr_yield *yield,
				       struct mm_struct *mm,
				       struct task_struct *task)
{
	mr_counts_read(&yield->before, mm, task);
	yield->after = yield->before;
}

#endif /* _MR_COUNTS_H */

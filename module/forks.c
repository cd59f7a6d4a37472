// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until those who are being made have a cgroup.
 *
 * fork(2) looks for a fatal signal, puts the child among the processes, both under
 * the lock that a signal is sent under, and only then into its cgroup.  So a parent
 * that was killed may have one child more, for each of its threads, which is in no
 * list of a cgroup yet.  But it is among the processes by the time that the kill is
 * done.
 */
#include <linux/sched/signal.h>

#include "module/compat/cgroup.h"
#include "module/forks.h"

/* Is one still being made of those who were at that time? */
static bool mr_forks_any(u64 since)
{
	struct task_struct *p;
	bool any = false;

	rcu_read_lock();
	for_each_process(p) {
		/* Who comes later is no child of who was dead then. */
		if (p->start_time > since || !mr_compat_cgroup_none(p))
			continue;
		any = true;
		break;
	}
	rcu_read_unlock();
	return any;
}

/**
 * mr_forks_wait() - wait until whoever is being made now is in its cgroup
 * @rq: the call
 *
 * It takes them microseconds, but that they get a CPU is not said.
 *
 * Return: 0, -EINTR or -ETIMEDOUT.
 */
int mr_forks_wait(struct mr_request *rq)
{
	u64 since = ktime_get_ns();
	int ret;

	/* Who was killed was killed before. */
	smp_mb();
	while (mr_forks_any(since)) {
		ret = mr_request_rest(rq);
		if (ret)
			return ret;
		schedule_timeout_killable(1);
	}
	return 0;
}

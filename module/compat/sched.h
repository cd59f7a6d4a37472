/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task runs.
 */
#ifndef _MR_COMPAT_SCHED_H
#define _MR_COMPAT_SCHED_H

#include <linux/sched.h>

/* Is it on a CPU right now?  Until 7.x only SMP kernels say so. */
static inline bool mr_compat_task_on_cpu(struct task_struct *t)
{
#ifdef CONFIG_SMP
	return READ_ONCE(t->on_cpu);
#else
	return t == current;
#endif
}

#endif /* _MR_COMPAT_SCHED_H */

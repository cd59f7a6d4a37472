/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control groups.
 */
#ifndef _MR_COMPAT_CGROUP_H
#define _MR_COMPAT_CGROUP_H

#include <linux/cgroup.h>
#include <linux/sched.h>

#ifndef CONFIG_CGROUPS
#error "mrelease needs a kernel with CONFIG_CGROUPS"
#endif

/* Is a process in this cgroup of version 2, or in one below?  Under RCU. */
static inline bool mr_compat_cgroup_has(struct cgroup *cgrp,
					struct task_struct *task)
{
	return task_under_cgroup_hierarchy(task, cgrp);
}

/*
 * Is it in no cgroup yet, since it is still being made?  From 5.5 on everybody is in
 * a list of one from the end of his fork(2) until he exits.  Later than that each
 * version has its own idea of it, 7.x of zombies too.
 */
static inline bool mr_compat_cgroup_none(struct task_struct *task)
{
	return !(READ_ONCE(task->flags) & PF_EXITING) &&
	       list_empty(&task->cg_list);
}

#endif /* _MR_COMPAT_CGROUP_H */

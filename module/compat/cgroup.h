/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control groups.
 */
#ifndef _MR_COMPAT_CGROUP_H
#define _MR_COMPAT_CGROUP_H

#include <linux/cgroup.h>

/* Is a process in this cgroup of version 2, or in one below?  Under RCU. */
static inline bool mr_compat_cgroup_has(struct cgroup *cgrp,
					struct task_struct *task)
{
	return task_under_cgroup_hierarchy(task, cgrp);
}

#endif /* _MR_COMPAT_CGROUP_H */

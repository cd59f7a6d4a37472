/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Killing the process that a pidfd names, where kill(2) would be allowed.
 */
#ifndef _MR_TARGET_H
#define _MR_TARGET_H

#include <linux/pid.h>
#include <linux/sched.h>

struct mm_struct *mr_target_grab_mm(struct task_struct *task);
int mr_target_may_kill(struct task_struct *task);
bool mr_target_send_user(struct task_struct *task, const struct mm_struct *mm);
int mr_target_kill(struct pid *pid, const struct mm_struct *mm, bool refused,
		   bool *used);

#endif /* _MR_TARGET_H */

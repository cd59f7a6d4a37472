/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses an address space, and are they all on their way out?
 */
#ifndef _MR_SHARERS_H
#define _MR_SHARERS_H

#include <linux/sched.h>

/*
 * enum mr_state - of a process, or of several taken together: the worst of them
 * @MR_STATE_DYING: killed, or exiting with all threads
 * @MR_STATE_VFORK: made by vfork(2), will go on using the memory of its parent until
 *	it calls execve(2) or exits
 * @MR_STATE_DUMPING: killed, and dumping core
 * @MR_STATE_LIVE: will go on using its memory
 */
enum mr_state {
	MR_STATE_DYING,
	MR_STATE_VFORK,
	MR_STATE_DUMPING,
	MR_STATE_LIVE,
};

struct mr_crowd;

enum mr_state mr_process_state(struct task_struct *task);
bool mr_sharers_none(const struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins);
enum mr_state mr_sharers_state(struct mm_struct *mm, struct task_struct *task,
			       unsigned int pins, bool kthreads);
enum mr_state mr_sharers_outside(struct mm_struct *mm, struct task_struct *task,
				 unsigned int pins, const struct mr_crowd *crowd);
int mr_sharers_check(struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins, bool *awaits);
int mr_sharers_kill(struct mm_struct *mm, struct task_struct *task, bool awaits,
		    u32 *victims);
void mr_sharers_kick(struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins);

#endif /* _MR_SHARERS_H */

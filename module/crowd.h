/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several victims in one call: kill all, then release all.
 */
#ifndef _MR_CROWD_H
#define _MR_CROWD_H

#include "module/release.h"

struct cgroup;

/*
 * enum mr_progress - how far a member of a crowd has come
 * @MR_PROGRESS_NONE: found
 * @MR_PROGRESS_WAITING: to be pinned when others have been released
 * @MR_PROGRESS_PINNED: and killed, if that was asked for
 * @MR_PROGRESS_SETTLED: nobody alive uses its memory
 * @MR_PROGRESS_REAPED: to be torn down
 * @MR_PROGRESS_GOING: is being torn down
 * @MR_PROGRESS_DONE: the result is complete
 */
enum mr_progress {
	MR_PROGRESS_NONE,
	MR_PROGRESS_WAITING,
	MR_PROGRESS_PINNED,
	MR_PROGRESS_SETTLED,
	MR_PROGRESS_REAPED,
	MR_PROGRESS_GOING,
	MR_PROGRESS_DONE,
};

/*
 * struct mr_stake - an address space of a member
 * @victim: a reference, or NULL
 * @yield: what it gave
 */
struct mr_stake {
	struct mr_victim *victim;
	struct mr_yield yield;
};

/*
 * struct mr_member - one of a crowd
 * @rq: as for a single release; rq.result is @result
 * @result: what it came to
 * @error: valid when done
 * @progress: how far it is
 * @shares: another member has the same address space, whose bytes count once
 * @pid: in the pid namespace of the caller, 0 if it has none there
 * @size: pages that it used when it was pinned
 * @twin: the same process, as it was named before; NULL if it was not
 * @stakes: its address space; and a second one, if it was in execve(2)
 */
struct mr_member {
	struct mr_request rq;
	struct mrelease_result result;
	int error;
	enum mr_progress progress;
	bool shares;
	pid_t pid;
	unsigned long size;
	struct mr_member *twin;
	struct mr_stake stakes[2];
};

/*
 * struct mr_crowd - the victims of one call
 * @flags: MRELEASE_*, validated
 * @start: when the call came in
 * @deadline: KTIME_MAX for none
 * @cgrp: all of it is meant; NULL for an array
 * @nr: how many there are
 * @max: how many there is room for
 * @members: in the order in which they were found
 * @order: the same, as they are to be worked on
 */
struct mr_crowd {
	u32 flags;
	ktime_t start;
	ktime_t deadline;
	struct cgroup *cgrp;
	unsigned int nr;
	unsigned int max;
	struct mr_member *members;
	struct mr_member **order;
};

int mr_crowd_alloc(struct mr_crowd *crowd, unsigned int max);
void mr_crowd_free(struct mr_crowd *crowd);
struct mr_member *mr_crowd_add(struct mr_crowd *crowd);
void mr_crowd_remove(struct mr_crowd *crowd);
bool mr_crowd_has(const struct mr_crowd *crowd, struct task_struct *task);
void mr_crowd_twins(struct mr_crowd *crowd);
void mr_crowd_release(struct mr_crowd *crowd);
int mr_crowd_total(struct mr_crowd *crowd, struct mrelease_result *total);

/* member.c */
void mr_member_begin(struct mr_member *member);
bool mr_member_settle(struct mr_member *member);
void mr_member_reap(struct mr_member *member);
bool mr_member_gone(const struct mr_member *member);
void mr_member_let_go(struct mr_member *member);
void mr_member_see_off(struct mr_member *member);
void mr_member_done(struct mr_member *member, int error);

#endif /* _MR_CROWD_H */

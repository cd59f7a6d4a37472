/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one caller asked for, and how long it will wait.
 */
#ifndef _MR_REQUEST_H
#define _MR_REQUEST_H

#include <linux/freezer.h>
#include <linux/ktime.h>
#include <linux/mrelease.h>
#include <linux/sched/signal.h>

struct mr_crowd;
struct mr_handle;

/*
 * struct mr_request - one call; lives on the caller's stack
 * @handle: the victim, or NULL; the caller's open file holds it
 * @pidfd: the victim if there is no @handle
 * @flags: MRELEASE_*, validated
 * @start: when the call came in
 * @deadline: KTIME_MAX for none
 * @pid: reference to the struct pid of the victim
 * @task: reference to what was its thread group leader when the call began; good
 *	for the threads and the signal struct of the process, not for signals.  NULL
 *	when it is gone and only a handle knows what it had
 * @moved: the victim was signalled when it did not use any more, because of
 *	execve(2), what was pinned
 * @awaits: users of the memory that go by themselves: children of vfork(2)
 * @eager: rather -EAGAIN than wait for the victim; others are to be released first
 * @crowd: those that are released by the same call, NULL for a single one
 * @again: the numbers are those of another call, too, which is the one that counts
 * @result: what is told to the caller
 */
struct mr_request {
	struct mr_handle *handle;
	int pidfd;
	u32 flags;
	ktime_t start;
	ktime_t deadline;
	struct pid *pid;
	struct task_struct *task;
	bool moved;
	bool awaits;
	bool eager;
	const struct mr_crowd *crowd;
	bool again;
	struct mrelease_result *result;
};

/**
 * mr_request_check() - may this call go on?
 * @rq: the call
 *
 * Return: 0, -EINTR when the caller was killed, -ETIMEDOUT past the deadline;
 * left_reasons says so too then.
 */
static inline int mr_request_check(struct mr_request *rq)
{
	if (fatal_signal_pending(current)) {
		rq->result->left_reasons |= MRELEASE_LEFT_SIGNAL;
		return -EINTR;
	}
	if (rq->deadline != KTIME_MAX && ktime_after(ktime_get(), rq->deadline)) {
		rq->result->left_reasons |= MRELEASE_LEFT_TIMEOUT;
		return -ETIMEDOUT;
	}
	return 0;
}

/**
 * mr_request_jiffies() - how long may this call still sleep?
 * @rq: the call
 *
 * Return: jiffies until the deadline is certain to be over: of the present one a part
 * has passed, and of the last one, too.
 */
static inline long mr_request_jiffies(const struct mr_request *rq)
{
	s64 ns;

	if (rq->deadline == KTIME_MAX)
		return MAX_SCHEDULE_TIMEOUT;
	ns = ktime_to_ns(ktime_sub(rq->deadline, ktime_get()));
	return ns > 0 ? nsecs_to_jiffies(ns) + 2 : 1;
}

/**
 * mr_request_nap() - how long may this call sleep before it looks up?
 * @rq: the call
 *
 * A sleep that only a fatal signal ends is not ended when the machine is suspended
 * either, which then waits for this caller, and fails after twenty seconds.
 *
 * Return: jiffies, as mr_request_jiffies(), but not more than a second.
 */
static inline long mr_request_nap(const struct mr_request *rq)
{
	return min_t(long, HZ, mr_request_jiffies(rq));
}

/**
 * mr_request_rest() - between two looks at what a call waits for
 * @rq: the call
 *
 * Process context, no lock held, and no part in a pass: others with other flags wait
 * for that, and they may be running.  Stays here while the machine is suspended, or
 * the caller is in a frozen cgroup (v1).
 *
 * Return: as mr_request_check().
 */
static inline int mr_request_rest(struct mr_request *rq)
{
	try_to_freeze();
	return mr_request_check(rq);
}

int mr_release(struct mr_request *rq);

#endif /* _MR_REQUEST_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A release, from the pidfd to the result:
 *
 *	find -> pin -> may it be killed? -> SIGKILL -> look: is everybody who uses
 *	this memory on his way out? -> what do robust futexes need? -> mark it
 *	unstable -> reap -> unpin
 *
 * Pinned first, killed then: a victim that is killed first may be through
 * exit_mm() before anybody has looked for its memory.  Killed first, marked
 * then: nothing on the exit path reads MMF_UNSTABLE, but a process that is
 * still alive gets SIGBUS at its next fault.  So memory is marked and unmapped
 * only when no live process uses it, and until then every refusal is free.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "module/compat/pidfd.h"
#include "module/counts.h"
#include "module/handle.h"
#include "module/reap.h"
#include "module/release.h"
#include "module/report.h"
#include "module/sharers.h"

/**
 * mr_release_untouched() - say what is left, which is everything
 * @rq: the call
 * @victim: its reference is dropped
 * @reason: MRELEASE_LEFT_*, besides those in rq->result
 */
void mr_release_untouched(struct mr_request *rq, struct mr_victim *victim,
			  u32 reason)
{
	struct mr_yield yield = {};

	mr_counts_untouched(&yield, victim->mm, rq->task);
	yield.tally.reasons = reason;
	mr_release_account(rq, &yield);
	mr_victim_put(victim);
}

/**
 * mr_release_reap() - take everything out of an address space
 * @rq: the call
 * @victim: nobody alive uses it; a reference is held
 * @yield: what came back; zeroed by the caller
 *
 * Return: 0, -EINTR or -ETIMEDOUT; -EAGAIN for an eager call that would have to wait.
 */
int mr_release_reap(struct mr_request *rq, struct mr_victim *victim,
		    struct mr_yield *yield)
{
	mr_sharers_kick(victim->mm, rq->task, mr_victim_pins(victim));
	return mr_reap(victim, rq, yield);
}

/**
 * mr_release_account() - add what an address space gave to the result
 * @rq: the call
 * @yield: what it gave
 */
void mr_release_account(struct mr_request *rq, struct mr_yield *yield)
{
	yield->tally.reasons |= rq->result->left_reasons;
	mr_account(yield, PAGE_SHIFT, rq->result);
	rq->again |= yield->again;
}

/**
 * mr_release_finish() - reap an address space, and account for it
 * @rq: the call
 * @victim: nobody alive uses it; its reference is dropped
 *
 * Process context, no lock held.
 *
 * Return: 0, -EINTR or -ETIMEDOUT.
 */
int mr_release_finish(struct mr_request *rq, struct mr_victim *victim)
{
	struct mr_yield yield = {};
	int ret;

	ret = mr_release_reap(rq, victim, &yield);
	if (!ret && mr_release_tears_down(rq)) {
		ret = mr_victim_let_go(victim, rq) ?:
		      mr_victim_see_off(victim, rq, &yield);
	} else {
		mr_victim_put(victim);
	}
	mr_release_account(rq, &yield);
	return ret;
}

/*
 * Pin what the victim uses now if that is not @known: it was in execve(2) when it
 * was pinned first, and has an address space by now that nobody has seen; small,
 * but part of what was asked for.
 */
static struct mr_victim *mr_release_pin_other(struct mr_request *rq,
					      const struct mr_victim *known)
{
	struct mr_victim *victim = mr_release_pin(rq, known);
	u32 reasons = rq->result->left_reasons;
	bool eager = rq->eager;
	int ret;

	if (IS_ERR_OR_NULL(victim))
		return NULL;
	/* There is no second time for this one, and hardly anything to wait for. */
	rq->eager = false;
	ret = mr_look(rq, victim);
	rq->eager = eager;
	if (ret) {
		/* Nobody has asked for it, nor is any of it counted. */
		rq->result->left_reasons = reasons;
		mr_victim_put(victim);
		return NULL;
	}
	rq->result->notes |= MRELEASE_NOTE_NEW_MM;
	return victim;
}

/**
 * mr_release_settle() - make sure that nobody alive uses the victim's memory
 * @rq: the call, after mr_release_begin()
 * @victim: a reference; replaced by another when it was not the victim's any more,
 *	NULL when there is none
 * @other: set to a second one, or NULL
 *
 * Return: 0; -EPERM, -EINTR or -ETIMEDOUT, then the reference is gone and the result
 * complete; -EAGAIN for an eager call that would have to wait.
 */
int mr_release_settle(struct mr_request *rq, struct mr_victim **victim,
		      struct mr_victim **other)
{
	int ret;

	*other = NULL;
	if (!(rq->flags & MRELEASE_KILL))
		return 0;

	ret = mr_look(rq, *victim);
	if (ret == -ESTALE) {
		/* Others use what it had before execve(2): no concern of ours. */
		rq->result->left_reasons = 0;
		rq->moved = false;
		mr_victim_put(*victim);
		*victim = mr_release_pin(rq, NULL);
		if (IS_ERR(*victim)) {
			*victim = NULL;
			return 0;
		}
		ret = mr_look(rq, *victim);
	}
	if (ret == -EAGAIN)
		return ret;
	if (ret) {
		mr_release_untouched(rq, *victim, 0);
		*victim = NULL;
		return ret;
	}
	*other = mr_release_pin_other(rq, *victim);
	return 0;
}

/* From the process to the result. */
static int mr_release_one(struct mr_request *rq)
{
	struct mr_victim *victim, *other;
	int ret;

	ret = mr_release_begin(rq, &victim);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = mr_release_settle(rq, &victim, &other);
	if (ret || !victim)
		return ret;
	ret = mr_release_finish(rq, victim);
	if (other && !ret)
		ret = mr_release_finish(rq, other);
	else if (other)
		mr_victim_put(other);
	return ret;
}

/**
 * mr_release_find() - find the process that rq->handle or rq->pidfd names
 * @rq: rq->pid and rq->task are set, to be dropped by mr_release_drop()
 *
 * A handle may know of memory whose process is gone: rq->task is NULL then.
 *
 * Return: 0, -EBADF or -ESRCH.
 */
int mr_release_find(struct mr_request *rq)
{
	struct pid *pid;

	pid = rq->handle ? mr_handle_get_pid(rq->handle) :
			   mr_compat_pidfd_get_pid(rq->pidfd);
	if (IS_ERR(pid))
		return PTR_ERR(pid);

	rq->task = get_pid_task(pid, PIDTYPE_TGID);
	if (!rq->task && !rq->handle) {
		put_pid(pid);
		return -ESRCH;
	}
	rq->pid = pid;
	return 0;
}

/**
 * mr_release_drop() - forget the process
 * @rq: after mr_release_find(), or anew
 */
void mr_release_drop(struct mr_request *rq)
{
	if (!rq->pid)
		return;
	if (rq->task)
		put_task_struct(rq->task);
	put_pid(rq->pid);
	rq->pid = NULL;
}

/**
 * mr_release() - release one victim
 * @rq: the call; rq->result is filled whatever comes of it
 *
 * Process context, no lock held.
 *
 * Return: 0 or a negative errno, see MRELEASE_IOC_RELEASE in <linux/mrelease.h>.
 */
int mr_release(struct mr_request *rq)
{
	int ret;

	ret = mr_release_find(rq);
	if (!ret) {
		mr_report_begin(rq);
		ret = rq->task ? mr_release_one(rq) : -ESRCH;
		if (ret == -ESRCH && rq->handle)
			ret = mr_last_release(rq);
	}
	mr_report_end(rq, ret);
	mr_release_drop(rq);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The look between the kill and the release: does anybody who lives use this memory?
 */
#include <linux/sched/signal.h>

#include "module/release.h"
#include "module/sharers.h"

/*
 * How long somebody who lives and began to use the memory at the last moment may go
 * on before the call fails: most likely a child of vfork(2), about to exec.
 */
#define MR_NEWBORN_MS	1000

/*
 * Somebody who is alive uses the memory of the victim, which has been killed.
 * Returns 0 when he will not for long; -EPERM; -ESTALE when it is not the memory of
 * the victim any more.
 */
static int mr_look_living(struct mr_request *rq, struct mr_victim *victim,
			  ktime_t newborn)
{
	if (rq->moved)
		return -ESTALE;
	if (rq->flags & MRELEASE_KILL_SHARERS)
		return mr_sharers_kill(victim->mm, rq->task, rq->awaits,
				       &rq->result->victims);
	return rq->awaits || ktime_before(ktime_get(), newborn) ? 0 : -EPERM;
}

/**
 * mr_look() - wait until nobody who is alive uses the memory of the victim
 * @rq: the call; the victim has been killed
 * @victim: a reference is held
 *
 * A core dump that began just before the kill notices it, a child of vfork(2) calls
 * execve(2) or exits, sharers are killed if that was asked for.
 *
 * Return: 0; -EPERM when somebody goes on living; -ESTALE when that is no concern of
 * the victim's, which had left this memory; -EINTR or -ETIMEDOUT; -EAGAIN for an eager
 * call that would have to wait.
 */
int mr_look(struct mr_request *rq, struct mr_victim *victim)
{
	ktime_t newborn = ktime_add_ms(ktime_get(), MR_NEWBORN_MS);
	enum mr_state sharers;
	u32 before;
	int ret;

	for (;;) {
		before = rq->result->victims;
		if (mr_process_state(rq->task) == MR_STATE_LIVE)
			return -EPERM;
		sharers = mr_sharers_state(victim->mm, rq->task,
					   mr_victim_pins(victim), false);
		if (sharers == MR_STATE_DYING &&
		    mr_process_state(rq->task) == MR_STATE_DYING)
			return 0;

		ret = 0;
		if (sharers == MR_STATE_LIVE || sharers == MR_STATE_VFORK)
			ret = mr_look_living(rq, victim, newborn);
		if (!ret && rq->eager)
			return -EAGAIN;
		ret = ret ?: mr_request_rest(rq);
		if (ret) {
			if (sharers == MR_STATE_LIVE || sharers == MR_STATE_VFORK)
				rq->result->left_reasons |= MRELEASE_LEFT_SHARED;
			return ret;
		}
		/* Who was killed a moment ago may have made another one before. */
		if (rq->result->victims == before)
			schedule_timeout_killable(1);
		cond_resched();
	}
}

/**
 * mr_look_acceptable() - is the victim being killed, all of it?
 * @rq: the call
 * @victim: a reference is held
 *
 * The rule of process_mrelease(2).
 *
 * Return: 0 or -EINVAL.
 */
int mr_look_acceptable(struct mr_request *rq, struct mr_victim *victim)
{
	enum mr_state sharers, state;

	state = mr_process_state(rq->task);
	sharers = mr_sharers_state(victim->mm, rq->task,
				   mr_victim_pins(victim), true);
	if (max(state, sharers) == MR_STATE_DYING)
		return 0;
	if (state == MR_STATE_DUMPING || sharers == MR_STATE_DUMPING)
		rq->result->left_reasons |= MRELEASE_LEFT_DUMP;
	if (sharers == MR_STATE_LIVE || sharers == MR_STATE_VFORK)
		rq->result->left_reasons |= MRELEASE_LEFT_SHARED;
	return -EINVAL;
}

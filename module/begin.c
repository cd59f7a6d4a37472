// SPDX-License-Identifier: GPL-2.0-only
/*
 * The beginning of a release: pin the victim, and kill it.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "module/compat/mm.h"
#include "module/counts.h"
#include "module/handle.h"
#include "module/release.h"
#include "module/sharers.h"
#include "module/target.h"

/*
 * With flags 0 the victim's own exit may work from the other end, as beside
 * process_mrelease(2): mm_count is enough.  Otherwise nobody else may unmap,
 * so that accounting is complete: mm_users.
 */
static bool mr_release_pins_users(const struct mr_request *rq)
{
	return rq->flags || !mr_compat_exit_mmap_locked();
}

/**
 * mr_release_pin() - pin the address space that the victim uses now
 * @rq: the call
 * @known: unless it is this one; or NULL
 *
 * It is that of the first thread that has not been through exit_mm() yet.
 *
 * Return: a reference to be dropped by mr_victim_put(), NULL when there is only the
 * known one, or an ERR_PTR: -ESRCH, -EAGAIN.
 */
struct mr_victim *mr_release_pin(struct mr_request *rq,
				 const struct mr_victim *known)
{
	struct mr_victim *victim = ERR_PTR(-ESRCH);
	struct mr_victim *fresh;
	struct task_struct *t;

	/* What a kernel thread has is borrowed. */
	if (rq->task->flags & PF_KTHREAD)
		return victim;

	fresh = mr_victim_alloc(mr_handle_reserve(rq->handle));
	if (!fresh)
		return ERR_PTR(-EAGAIN);

	rcu_read_lock();
	for_each_thread(rq->task, t) {
		/* Keeps t->mm, and so mm_users above zero. */
		task_lock(t);
		if (t->mm && known && t->mm == known->mm)
			victim = NULL;
		else if (t->mm)
			victim = mr_victim_join(&fresh, t->mm,
						mr_release_pins_users(rq));
		task_unlock(t);
		if (!IS_ERR(victim))
			break;
	}
	rcu_read_unlock();

	mr_victim_free(fresh);
	if (!IS_ERR_OR_NULL(victim))
		mr_handle_saw(rq->handle, victim->mm);
	return victim;
}

/* What speaks against killing the victim, apart from the permission. */
static int mr_release_refusal(struct mr_request *rq, struct mm_struct *mm,
			      unsigned int pins)
{
	enum mr_state sharers;
	int ret = 0;

	if (mr_process_state(rq->task) == MR_STATE_DUMPING) {
		ret = -EBUSY;
	} else if (rq->flags & MRELEASE_KILL_SHARERS) {
		ret = mr_sharers_check(mm, rq->task, pins, &rq->awaits);
	} else {
		sharers = mr_sharers_outside(mm, rq->task, pins, rq->crowd);
		rq->awaits = sharers == MR_STATE_VFORK;
		if (sharers == MR_STATE_DUMPING)
			ret = -EBUSY;
		if (sharers == MR_STATE_LIVE)
			ret = -EINVAL;
	}
	if (ret)
		rq->result->left_reasons |= ret == -EBUSY ? MRELEASE_LEFT_DUMP :
							    MRELEASE_LEFT_SHARED;
	return ret;
}

/* Drop the reference; what gave a reason for its refusal is also counted. */
static void mr_release_refused(struct mr_request *rq, struct mr_victim *victim)
{
	if (rq->result->left_reasons)
		mr_release_untouched(rq, victim, 0);
	else
		mr_victim_put(victim);
}

/**
 * mr_release_unpinned() - say what is left of a victim that could not be pinned
 * @rq: the call, after mr_release_begin() failed with -EAGAIN
 */
void mr_release_unpinned(struct mr_request *rq)
{
	struct mm_struct *mm = mr_target_grab_mm(rq->task);
	struct mr_yield yield = {};

	if (!mm)
		return;
	mr_counts_untouched(&yield, mm, rq->task);
	if (rq->result->victims)
		yield.tally.reasons = MRELEASE_LEFT_EXITING;
	mr_release_account(rq, &yield);
	mmdrop(mm);
}

/*
 * Kill what nobody could pin, since too many are in release: in a crowd all are to be
 * killed first.  Returns 0, or an error when nobody was signalled.
 */
static int mr_release_kill_unpinned(struct mr_request *rq)
{
	struct mm_struct *mm = mr_target_grab_mm(rq->task);
	int refusal, ret;
	bool used;

	if (!mm)
		return -ESRCH;

	refusal = mr_release_refusal(rq, mm, 0);
	ret = mr_target_kill(rq->pid, mm, refusal, &used);
	mmdrop(mm);
	if (!ret) {
		rq->result->victims++;
		rq->moved = !used;
	} else if (ret == 1) {
		ret = refusal;
	} else {
		rq->result->left_reasons = 0;
	}
	return ret;
}

/* Pin and kill.  Returns the victim, or an ERR_PTR when nobody was signalled. */
static struct mr_victim *mr_release_kill(struct mr_request *rq)
{
	struct mr_victim *victim;
	int refusal;
	bool used;
	int ret;

	victim = mr_release_pin(rq, NULL);
	if (rq->crowd && victim == ERR_PTR(-EAGAIN))
		return ERR_PTR(mr_release_kill_unpinned(rq) ?: -EAGAIN);
	refusal = IS_ERR(victim) ? PTR_ERR(victim) :
				   mr_release_refusal(rq, victim->mm,
						      mr_victim_pins(victim));
	ret = mr_target_kill(rq->pid, IS_ERR(victim) ? NULL : victim->mm,
			     refusal, &used);
	if (!ret) {
		rq->result->victims++;
		rq->moved = !used;
		return victim;
	}
	/* Gone since it was pinned: what it left behind is still to be had. */
	if (ret == -ESRCH && !refusal)
		return victim;
	/* The reason is nobody's business who may not kill. */
	if (ret == 1)
		ret = refusal;
	else
		rq->result->left_reasons = 0;
	if (!IS_ERR(victim))
		mr_release_refused(rq, victim);
	return ERR_PTR(ret);
}

/* Without MRELEASE_KILL: somebody has killed it before. */
static int mr_release_begin_killed(struct mr_request *rq,
				   struct mr_victim *victim)
{
	int ret;

	/* No error, as in the syscall: the work has been done already. */
	if (!rq->flags && mr_compat_mm_flag_test(victim->mm, MMF_OOM_SKIP)) {
		rq->result->notes |= MRELEASE_NOTE_SKIPPED;
		mr_release_untouched(rq, victim, MRELEASE_LEFT_EXITING);
		return 1;
	}
	ret = mr_look_acceptable(rq, victim);
	if (ret)
		mr_release_refused(rq, victim);
	return ret;
}

/**
 * mr_release_begin() - pin the victim and, with MRELEASE_KILL, kill it
 * @rq: the call, after mr_release_find()
 * @victim: set to a reference, when 0 is returned
 *
 * One of a crowd may have been killed though it could not be pinned: -EAGAIN, and
 * rq->result->victims is 1.  It is pinned then if this is called again.
 *
 * Return: 0; 1 when there is nothing to do; or a negative errno, see
 * MRELEASE_IOC_RELEASE in <linux/mrelease.h>.  The result is complete for the last two.
 */
int mr_release_begin(struct mr_request *rq, struct mr_victim **victim)
{
	struct mr_victim *found;

	if ((rq->flags & MRELEASE_KILL) && !rq->result->victims)
		found = mr_release_kill(rq);
	else
		found = mr_release_pin(rq, NULL);
	if (IS_ERR(found))
		return PTR_ERR(found);
	*victim = found;
	return rq->flags & MRELEASE_KILL ? 0 : mr_release_begin_killed(rq, found);
}

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
#include <linux/cred.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "module/compat/mm.h"
#include "module/compat/pidfd.h"
#include "module/counts.h"
#include "module/reap.h"
#include "module/request.h"
#include "module/sharers.h"
#include "module/target.h"
#include "module/victim.h"

/*
 * How long somebody who lives and began to use the memory at the last moment may go
 * on before the call fails: most likely a child of vfork(2), about to exec.
 */
#define MR_NEWBORN_MS	1000

/*
 * With flags 0 the victim's own exit may work from the other end, as beside
 * process_mrelease(2): mm_count is enough.  Otherwise nobody else may unmap,
 * so that accounting is complete: mm_users.
 */
static bool mr_release_pins_users(const struct mr_request *rq)
{
	return rq->flags || !mr_compat_exit_mmap_locked();
}

/*
 * Pin the address space that the victim uses now, unless it is @known: that of
 * the first thread that has not been through exit_mm() yet.  Returns a reference
 * to be dropped by mr_victim_put(), NULL when there is only the known one, or an
 * ERR_PTR: -ESRCH, -EAGAIN.
 */
static struct mr_victim *mr_release_pin(struct mr_request *rq,
					const struct mr_victim *known)
{
	struct mr_victim *victim = ERR_PTR(-ESRCH);
	struct mr_victim *fresh;
	struct task_struct *t;

	/* What a kernel thread has is borrowed. */
	if (rq->task->flags & PF_KTHREAD)
		return victim;

	fresh = mr_victim_alloc();
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
	return victim;
}

/* What speaks against killing the victim, apart from the permission. */
static int mr_release_refusal(struct mr_request *rq, struct mr_victim *victim)
{
	enum mr_state sharers;
	int ret = 0;

	if (mr_process_state(rq->task) == MR_STATE_DUMPING) {
		ret = -EBUSY;
	} else if (rq->flags & MRELEASE_KILL_SHARERS) {
		ret = mr_sharers_check(victim->mm, rq->task, &rq->awaits);
	} else {
		sharers = mr_sharers_state(victim->mm, rq->task, false);
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

/* Say what is left, which is everything, and drop the reference. */
static void mr_release_untouched(struct mr_request *rq, struct mr_victim *victim,
				 u32 reason)
{
	struct mr_yield yield = {};

	mr_counts_untouched(&yield, victim->mm, rq->task);
	yield.tally.reasons = rq->result->left_reasons | reason;
	mr_account(&yield, PAGE_SHIFT, rq->result);
	mr_victim_put(victim);
}

/* Drop the reference; what gave a reason for its refusal is also counted. */
static void mr_release_refused(struct mr_request *rq, struct mr_victim *victim)
{
	if (rq->result->left_reasons)
		mr_release_untouched(rq, victim, 0);
	else
		mr_victim_put(victim);
}

/* Pin and kill.  Returns the victim, or an ERR_PTR when nobody was signalled. */
static struct mr_victim *mr_release_kill(struct mr_request *rq)
{
	struct mr_victim *victim;
	int refusal;
	bool used;
	int ret;

	victim = mr_release_pin(rq, NULL);
	refusal = IS_ERR(victim) ? PTR_ERR(victim) :
				   mr_release_refusal(rq, victim);
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

/*
 * Somebody who is alive uses the memory of the victim, which has been killed.
 * Returns 0 when he will not for long; -EPERM; -ESTALE when it is not the memory of
 * the victim any more.
 */
static int mr_release_living(struct mr_request *rq, struct mr_victim *victim,
			     ktime_t newborn)
{
	if (rq->moved)
		return -ESTALE;
	if (rq->flags & MRELEASE_KILL_SHARERS)
		return mr_sharers_kill(victim->mm, rq->task, rq->awaits,
				       &rq->result->victims);
	return rq->awaits || ktime_before(ktime_get(), newborn) ? 0 : -EPERM;
}

/*
 * Wait until nobody who is alive uses the memory: a core dump that began just before
 * the kill notices it, a child of vfork(2) calls execve(2) or exits, sharers are
 * killed if that was asked for.  Returns 0; -EPERM when somebody goes on living;
 * -ESTALE, see above; -EINTR or -ETIMEDOUT.
 */
static int mr_release_look(struct mr_request *rq, struct mr_victim *victim)
{
	ktime_t newborn = ktime_add_ms(ktime_get(), MR_NEWBORN_MS);
	enum mr_state sharers;
	u32 before;
	int ret;

	for (;;) {
		before = rq->result->victims;
		if (mr_process_state(rq->task) == MR_STATE_LIVE)
			return -EPERM;
		sharers = mr_sharers_state(victim->mm, rq->task, false);
		if (sharers == MR_STATE_DYING &&
		    mr_process_state(rq->task) == MR_STATE_DYING)
			return 0;

		ret = 0;
		if (sharers == MR_STATE_LIVE || sharers == MR_STATE_VFORK)
			ret = mr_release_living(rq, victim, newborn);
		ret = ret ?: mr_request_check(rq);
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

/* The rule of process_mrelease(2): is the victim being killed, all of it? */
static int mr_release_acceptable(struct mr_request *rq, struct mr_victim *victim)
{
	enum mr_state sharers, state;

	state = mr_process_state(rq->task);
	sharers = mr_sharers_state(victim->mm, rq->task, true);
	if (max(state, sharers) == MR_STATE_DYING)
		return 0;
	if (state == MR_STATE_DUMPING || sharers == MR_STATE_DUMPING)
		rq->result->left_reasons |= MRELEASE_LEFT_DUMP;
	if (sharers == MR_STATE_LIVE || sharers == MR_STATE_VFORK)
		rq->result->left_reasons |= MRELEASE_LEFT_SHARED;
	return -EINVAL;
}

/* HUGETLB implies it: only the teardown gives huge pages back to their pool. */
static bool mr_release_tears_down(const struct mr_request *rq)
{
	return rq->flags & (MRELEASE_TEARDOWN | MRELEASE_HUGETLB);
}

/*
 * Nobody alive uses this address space: take everything out of it, and drop the
 * reference to it.
 */
static int mr_release_reap(struct mr_request *rq, struct mr_victim *victim)
{
	struct mr_yield yield = {};
	int ret;

	mr_sharers_kick(victim->mm);
	ret = mr_reap(victim, rq, &yield);
	if (!ret && mr_release_tears_down(rq))
		ret = mr_victim_put_teardown(victim, rq, &yield);
	else
		mr_victim_put(victim);
	yield.tally.reasons |= rq->result->left_reasons;
	mr_account(&yield, PAGE_SHIFT, rq->result);
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

	if (IS_ERR_OR_NULL(victim))
		return NULL;
	if (mr_release_look(rq, victim)) {
		mr_victim_put(victim);
		return NULL;
	}
	rq->result->notes |= MRELEASE_NOTE_NEW_MM;
	return victim;
}

/* MRELEASE_KILL: the kill and what follows it. */
static int mr_release_killing(struct mr_request *rq)
{
	struct mr_victim *victim, *other;
	int ret;

	victim = mr_release_kill(rq);
	if (IS_ERR(victim))
		return PTR_ERR(victim);

	ret = mr_release_look(rq, victim);
	if (ret == -ESTALE) {
		/* Others use what it had before execve(2): no concern of ours. */
		rq->result->left_reasons = 0;
		rq->moved = false;
		mr_victim_put(victim);
		victim = mr_release_pin(rq, NULL);
		if (IS_ERR(victim))
			return 0;
		ret = mr_release_look(rq, victim);
	}
	if (ret) {
		mr_release_untouched(rq, victim, 0);
		return ret;
	}
	other = mr_release_pin_other(rq, victim);
	ret = mr_release_reap(rq, victim);
	if (other && !ret)
		ret = mr_release_reap(rq, other);
	else if (other)
		mr_victim_put(other);
	return ret;
}

/* Without MRELEASE_KILL: somebody has killed it before. */
static int mr_release_killed(struct mr_request *rq)
{
	struct mr_victim *victim;
	int ret;

	victim = mr_release_pin(rq, NULL);
	if (IS_ERR(victim))
		return PTR_ERR(victim);

	/* No error, as in the syscall: the work has been done already. */
	if (!rq->flags && mr_compat_mm_flag_test(victim->mm, MMF_OOM_SKIP)) {
		rq->result->notes |= MRELEASE_NOTE_SKIPPED;
		mr_release_untouched(rq, victim, MRELEASE_LEFT_EXITING);
		return 0;
	}

	ret = mr_release_acceptable(rq, victim);
	if (ret) {
		mr_release_refused(rq, victim);
		return ret;
	}
	return mr_release_reap(rq, victim);
}

/* One line for each kill: who, whom, how much. */
static void mr_release_log(const struct mr_request *rq, int error)
{
	const struct mrelease_result *result = rq->result;

	pr_info_ratelimited("%s[%d] uid %u killed %s[%d] uid %u: error %d, anon %llu kB, file %llu kB, shmem %llu kB, swap %llu kB, left %llu kB\n",
			    current->comm, task_tgid_nr(current),
			    from_kuid(&init_user_ns, current_uid()),
			    rq->task->comm, pid_nr(rq->pid),
			    from_kuid(&init_user_ns, task_uid(rq->task)), error,
			    result->anon_bytes >> 10, result->file_bytes >> 10,
			    result->shmem_bytes >> 10, result->swap_bytes >> 10,
			    result->left_bytes >> 10);
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

	rq->pid = mr_compat_pidfd_get_pid(rq->pidfd);
	if (IS_ERR(rq->pid))
		return PTR_ERR(rq->pid);

	rq->task = get_pid_task(rq->pid, PIDTYPE_TGID);
	if (!rq->task) {
		ret = -ESRCH;
		goto out_put_pid;
	}

	if (rq->flags & MRELEASE_KILL)
		ret = mr_release_killing(rq);
	else
		ret = mr_release_killed(rq);

	if (rq->result->victims)
		mr_release_log(rq, ret);
	put_task_struct(rq->task);
out_put_pid:
	put_pid(rq->pid);
	return ret;
}

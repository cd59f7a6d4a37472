// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of several victims, from stage to stage; see crowd.h.
 */
#include <linux/mm.h>

#include "module/crowd.h"
#include "module/report.h"

/**
 * mr_member_done() - there is nothing more to come
 * @member: has no stake any more
 * @error: what it came to
 */
void mr_member_done(struct mr_member *member, int error)
{
	ktime_t took = ktime_sub(ktime_get(), member->rq.start);

	member->error = error;
	member->progress = MR_PROGRESS_DONE;
	member->result.elapsed_ns = ktime_to_ns(took);
	mr_report_end(&member->rq, error);
}

/* Of mm_count at least a reference is held, and the counters need not be exact. */
static unsigned long mr_member_size(struct mm_struct *mm)
{
	return get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS);
}

/**
 * mr_member_begin() - pin a member and, with MRELEASE_KILL, kill it
 * @member: has been found; or has waited
 */
void mr_member_begin(struct mr_member *member)
{
	struct mr_victim *victim;
	int ret;

	if (member->progress == MR_PROGRESS_NONE)
		mr_report_begin(&member->rq);
	ret = mr_release_begin(&member->rq, &victim);
	if (ret == -EAGAIN) {
		member->progress = MR_PROGRESS_WAITING;
	} else if (ret == -ESRCH && member->result.victims) {
		/* Killed, but not pinned: its memory has gone by itself. */
		member->result.notes |= MRELEASE_NOTE_SKIPPED;
		mr_member_done(member, 0);
	} else if (ret) {
		mr_member_done(member, min(ret, 0));
	} else {
		member->stakes[0].victim = victim;
		member->size = mr_member_size(victim->mm);
		member->progress = MR_PROGRESS_PINNED;
	}
}

/* The stakes are gone: tell what they gave. */
static void mr_member_account(struct mr_member *member, int error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(member->stakes); i++)
		if (member->stakes[i].victim)
			mr_release_account(&member->rq, &member->stakes[i].yield);
	mr_member_done(member, error);
}

/**
 * mr_member_settle() - make sure that nobody alive uses its memory
 * @member: is pinned
 *
 * Return: false when it is too early, for an eager call.
 */
bool mr_member_settle(struct mr_member *member)
{
	struct mr_victim **victim = &member->stakes[0].victim;
	int ret;

	ret = mr_request_check(&member->rq);
	if (ret) {
		mr_release_untouched(&member->rq, *victim, 0);
		mr_member_done(member, ret);
		return true;
	}
	ret = mr_release_settle(&member->rq, victim, &member->stakes[1].victim);
	if (ret == -EAGAIN)
		return false;
	if (ret || !*victim)
		mr_member_done(member, ret);
	else
		member->progress = MR_PROGRESS_SETTLED;
	return true;
}

/**
 * mr_member_reap() - unmap all that it has
 * @member: is settled, and stays so when an eager call would have to wait
 */
void mr_member_reap(struct mr_member *member)
{
	struct mr_stake *stake;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(member->stakes); i++) {
		stake = &member->stakes[i];
		if (!stake->victim)
			continue;
		memset(&stake->yield, 0, sizeof(stake->yield));
		ret = mr_release_reap(&member->rq, stake->victim, &stake->yield) ?: ret;
		/* What was done already is part of what is told the next time. */
		if (ret == -EAGAIN)
			return;
	}
	if (!ret && mr_release_tears_down(&member->rq)) {
		member->progress = MR_PROGRESS_REAPED;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(member->stakes); i++)
		if (member->stakes[i].victim)
			mr_victim_put(member->stakes[i].victim);
	mr_member_account(member, ret);
}

/**
 * mr_member_gone() - have the threads of the victim let go of its memory?
 * @member: has been reaped
 *
 * Return: true if so.
 */
bool mr_member_gone(const struct mr_member *member)
{
	return atomic_read(&member->stakes[0].victim->mm->mm_users) <= 1;
}

/**
 * mr_member_let_go() - drop its references when it has let go, too
 * @member: has been reaped
 */
void mr_member_let_go(struct mr_member *member)
{
	struct mr_stake *stake;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(member->stakes); i++) {
		stake = &member->stakes[i];
		if (!stake->victim)
			continue;
		ret = mr_victim_let_go(stake->victim, &member->rq);
		if (ret) {
			member->error = ret;
			mr_release_account(&member->rq, &stake->yield);
			stake->victim = NULL;
		}
	}
	member->progress = MR_PROGRESS_GOING;
}

/**
 * mr_member_see_off() - wait for the end of its address space
 * @member: has let go, as have all others of its crowd
 */
void mr_member_see_off(struct mr_member *member)
{
	struct mr_stake *stake;
	int ret = member->error;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(member->stakes); i++) {
		stake = &member->stakes[i];
		if (stake->victim)
			ret = mr_victim_see_off(stake->victim, &member->rq,
						&stake->yield) ?: ret;
	}
	mr_member_account(member, ret);
}

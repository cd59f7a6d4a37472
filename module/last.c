// SPDX-License-Identifier: GPL-2.0-only
/*
 * A release by a victim fd when no thread of the process has its memory any more:
 * somebody else holds it up, or its exit is on the way through it.  A pidfd finds
 * nothing then.
 */
#include <linux/hrtimer.h>
#include <linux/sched/mm.h>

#include "module/counts.h"
#include "module/handle.h"
#include "module/release.h"
#include "module/sharers.h"

/* How often a caller looks whether the exit has come to its end. */
#define MR_LAST_NS	(200 * NSEC_PER_USEC)

/* Pinned by somebody: by mm_users, of which one is given to this function. */
static int mr_last_reap(struct mr_request *rq, struct mm_struct *mm)
{
	struct mr_victim *victim, *fresh;
	enum mr_state sharers;

	fresh = mr_victim_alloc(&rq->handle->reserve);
	if (!fresh) {
		/* May be the last one by now, which is not for a caller to put. */
		mmput_async(mm);
		return -EAGAIN;
	}
	victim = mr_victim_adopt(&fresh, mm);
	mr_victim_free(fresh);

	sharers = mr_sharers_state(mm, NULL, mr_victim_pins(victim), false);
	if (sharers == MR_STATE_DYING)
		return mr_release_finish(rq, victim);
	mr_release_untouched(rq, victim,
			     sharers == MR_STATE_DUMPING ? MRELEASE_LEFT_DUMP :
							   MRELEASE_LEFT_SHARED);
	return -EINVAL;
}

/*
 * Nobody uses it any more, and somebody is tearing it down; nothing can be done from
 * here but wait.  Returns 0, -EINTR or -ETIMEDOUT.
 */
static int mr_last_wait(struct mr_request *rq, struct mm_struct *mm)
{
	struct mr_yield yield = { .notes = MRELEASE_NOTE_ESTIMATED };
	int ret = 0;

	mr_counts_read(&yield.before, mm, NULL);
	while (!ret && !mr_mm_torn_down(mm)) {
		ktime_t pause = ns_to_ktime(MR_LAST_NS);

		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout_range(&pause, MR_LAST_NS, HRTIMER_MODE_REL);
		ret = mr_request_rest(rq);
	}
	mr_counts_read(&yield.after, mm, NULL);
	yield.tally.reasons = MRELEASE_LEFT_EXITING;
	mr_release_account(rq, &yield);
	return ret;
}

/**
 * mr_last_release() - release what a process has left behind
 * @rq: a call with a handle whose process has no memory of its own any more
 *
 * Nobody is signalled, so no permission is asked, as in a release without
 * MRELEASE_KILL.  Process context, no lock held.
 *
 * Return: 0 or a negative errno, see MRELEASE_IOC_RELEASE in <linux/mrelease.h>.
 */
int mr_last_release(struct mr_request *rq)
{
	struct mm_struct *mm;
	int ret;

	mm = mr_handle_get_mm(rq->handle);
	if (!mm)
		return -ESRCH;
	if (mr_mm_torn_down(mm))
		ret = -ESRCH;
	else if (mmget_not_zero(mm))
		ret = mr_last_reap(rq, mm);
	else
		ret = mr_last_wait(rq, mm);
	mmdrop(mm);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling others than the caller what a call came to, see report.h.
 */
#include <linux/cred.h>
#include <linux/sched.h>

#include "module/report.h"
#include "module/request.h"
#include "module/stats.h"

#define CREATE_TRACE_POINTS
#include "module/trace.h"

/* One line for each kill: who, whom, how much. */
static void mr_report_log(const struct mr_request *rq, int error)
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

/* A call that failed before anybody was signalled or anything unmapped. */
static bool mr_report_is_refusal(const struct mr_request *rq, int error)
{
	return error && error != -EINTR && error != -ETIMEDOUT &&
	       !rq->result->victims;
}

static enum mr_refused mr_report_reason(const struct mr_request *rq, int error)
{
	switch (error) {
	case -EBADF:
		return MR_REFUSED_PIDFD;
	case -ESRCH:
		return MR_REFUSED_GONE;
	case -EAGAIN:
		return MR_REFUSED_FULL;
	case -EBUSY:
		return MR_REFUSED_DUMP;
	case -EINVAL:
		if (rq->result->left_reasons & MRELEASE_LEFT_DUMP)
			return MR_REFUSED_DUMP;
		if (rq->result->left_reasons & MRELEASE_LEFT_SHARED)
			return MR_REFUSED_SHARED;
		return rq->flags & MRELEASE_KILL ? MR_REFUSED_SCOPE :
						   MR_REFUSED_ALIVE;
	default:
		/* EPERM, or whatever a security module says. */
		return MR_REFUSED_PERMISSION;
	}
}

/**
 * mr_report_begin() - a victim has been found
 * @rq: the call; @rq->pid is there, and @rq->task unless only a handle knows of it
 */
void mr_report_begin(const struct mr_request *rq)
{
	trace_release_begin(rq);
}

/**
 * mr_report_end() - a release is over
 * @rq: the call, with its result
 * @error: what it came to
 *
 * @rq->pid and @rq->task are still there if mr_report_begin() was called, else
 * both are NULL.
 */
void mr_report_end(const struct mr_request *rq, int error)
{
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), rq->start));
	enum mr_refused reason;

	if (mr_report_is_refusal(rq, error)) {
		reason = mr_report_reason(rq, error);
		mr_stats_refused(reason);
		trace_release_refused(rq->pid ? pid_nr(rq->pid) : 0, rq->flags,
				      error, reason);
		return;
	}
	if (rq->result->victims)
		mr_report_log(rq, error);
	mr_stats_end(rq, error, ns);
	trace_release_end(rq, error, ns);
}

/**
 * mr_report_refused() - a call is refused before a victim is looked for
 * @flags: of the call, as far as they are known
 * @error: what it is told
 *
 * Return: @error.
 */
int mr_report_refused(u32 flags, int error)
{
	enum mr_refused reason;

	switch (error) {
	case -EPERM:
		reason = MR_REFUSED_OFF;
		break;
	case -ENOMEM:
		reason = MR_REFUSED_FULL;
		break;
	default:
		reason = MR_REFUSED_ARGUMENTS;
	}
	mr_stats_refused(reason);
	trace_release_refused(0, flags, error, reason);
	return error;
}

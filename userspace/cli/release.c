// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "report.h"
#include "select.h"

const char *open_strerror(int err)
{
	switch (err) {
	case ESRCH:
		return "no such process";
	case EINVAL:
	case ENOENT:
		return "a thread, not a process; give the Tgid of its "
		       "/proc/PID/status";
	}
	return mrelease_strerror(err, NULL);
}

static void victim_release(struct victim *v, const struct options *opts,
			   const struct session *s)
{
	if (!v->opened)
		return;
	if (mrelease_release_threads(
		    s->handle, v->pidfd, opts->flags, opts->timeout_ms,
		    opts->threads ? opts->threads : 1, &v->res))
		v->err = errno;
}

static const char *victim_strerror(const struct victim *v, bool killing)
{
	if (!v->opened)
		return open_strerror(v->err);
	if (v->pid == getpid())
		return "that is this very command; nothing was done";

	/* Of the many causes of EINVAL most are ruled out by now. */
	if (v->err == EINVAL && !killing && !v->res.left_reasons)
		return "it is not being killed; use mrelease kill";
	return mrelease_strerror(v->err, &v->res);
}

/*
 * Ask for flags that are not there, and EINVAL would be the answer for each
 * victim; say it once, in words, and before anybody is killed.
 */
int check_flags(const struct options *opts, const struct session *s)
{
	uint32_t missing = opts->flags &
			   ~(uint32_t)mrelease_features(s->handle);
	struct mrelease_info info;
	const char *name;

	if (!missing)
		return -1;

	name = mrelease_flag_name(missing & -missing);
	if (mrelease_backend(s->handle) != MRELEASE_BACKEND_DEVICE) {
		complain("--%s needs the module; nothing was done: %s", name,
			 session_strerror(s->device_err));
		return EXIT_NO_DEVICE;
	}

	mrelease_get_info(s->handle, &info);
	complain("the module (version %s) cannot do %s%s on this kernel; "
		 "nothing was done: leave it out, or load a newer module",
		 info.version, missing == MRELEASE_KILL ? "" : "--", name);
	return EXIT_FAILED;
}

/*
 * Kill all, then release all, as many at a time as the module takes: what one of them
 * holds does not keep another from being killed.
 */
static void release_together(struct selection *sel, const struct options *opts,
			     const struct session *s,
			     struct mrelease_target *targets,
			     struct mrelease_result *total)
{
	struct mrelease_result sum;
	size_t i, next = 0;
	uint32_t nr, j;
	int err;

	memset(total, 0, sizeof(*total));
	while (next < sel->nr) {
		for (i = next, nr = 0; i < sel->nr && nr < MRELEASE_MANY_MAX;
		     i++) {
			if (sel->victims[i].opened)
				targets[nr++].pidfd = sel->victims[i].pidfd;
		}
		err = 0;
		if (mrelease_release_many(s->handle, targets, nr, opts->flags,
					  opts->timeout_ms, &sum) &&
		    errno != ETIMEDOUT && errno != EINTR)
			err = errno;
		result_add(total, &sum);
		for (j = 0; next < i; next++) {
			struct victim *v = &sel->victims[next];

			if (!v->opened)
				continue;
			v->res = targets[j].result;
			v->err = err ? err : -targets[j].error;
			j++;
		}
	}
}

static bool kills_together(const struct options *opts, const struct session *s,
			   const struct selection *sel)
{
	return sel->nr > 1 && opts->threads < 2 &&
	       (opts->flags & MRELEASE_KILL) &&
	       (mrelease_features(s->handle) & MRELEASE_FEAT_CMD(2));
}

static int release_all(const struct options *opts, const struct session *s,
		       struct selection *sel)
{
	bool killing = opts->flags & MRELEASE_KILL;
	struct mrelease_target *targets = NULL;
	struct mrelease_result total;
	int status = EXIT_DONE;
	struct progress progress;
	struct report report;
	size_t i;

	if (kills_together(opts, s, sel)) {
		targets = calloc(sel->nr, sizeof(*targets));
		if (!targets) {
			complain("out of memory; nothing was done");
			return EXIT_FAILED;
		}
	}
	report_begin(&report, opts, s);
	if (targets) {
		progress_begin(&progress, opts, sel);
		release_together(sel, opts, s, targets, &total);
		progress_end(&progress);
		report_total(&report, &total);
	}
	for (i = 0; i < sel->nr; i++) {
		struct victim *v = &sel->victims[i];

		if (!targets) {
			progress_begin(&progress, opts, sel);
			victim_release(v, opts, s);
			progress_end(&progress);
		}
		if (v->err)
			v->text = victim_strerror(v, killing);
		report_victim(&report, v);
		if (v->err) {
			complain("pid %d: %s", (int)v->pid, v->text);
			status = EXIT_FAILED;
		}
	}
	report_end(&report);
	free(targets);
	return status;
}

/*
 * The processes are all opened first: a release takes time, in which others may
 * exit.
 */
int command_release(const struct options *opts)
{
	struct selection sel;
	struct session s;
	int status;

	if (opts->dry_run) {
		status = select_victims(opts, &sel);
		if (status < 0) {
			status = dry_run(opts, &sel);
			select_free(&sel);
		}
		return status;
	}

	status = session_begin(&s, opts);
	if (status >= 0)
		return status;

	status = check_flags(opts, &s);
	if (status < 0)
		status = select_victims(opts, &sel);
	if (status < 0) {
		status = release_all(opts, &s, &sel);
		select_free(&sel);
	}
	session_close(&s);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* All processes of a cgroup and of those below it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/internal.h"
#include "../lib/sys.h"
#include "progress.h"
#include "report.h"
#include "select.h"

static const char *cgroup_strerror(int err, const struct mrelease_result *total)
{
	switch (err) {
	case EBADF:
	case ENOTDIR:
		return "not a cgroup; give a directory below /sys/fs/cgroup";
	case ENOENT:
	case ENODEV:
		return "there is no such cgroup any more";
	case EACCES:
		return "this user may not open it; use more privilege";
	case EINVAL:
		return "this command itself is inside, as it is of every "
		       "process in the root; nothing was done";
	case EOPNOTSUPP:
		return "it is threaded, and has threads, not processes; take "
		       "the one above that is a domain";
	case EPERM:
		if (!total)
			return "this user may not look into it; use more "
			       "privilege";
		return total->victims ? "not all of its processes were killed" :
					"none of its processes was killed";
	case ETIMEDOUT:
		return "the time ran out before all was done; allow more time";
	}
	return mrelease_strerror(err, total);
}

/* Who is in there, for --dry-run or for the names. */
static int list_members(const struct options *opts, int fd,
			struct selection *sel)
{
	struct mr_pids pids = { 0 };
	size_t i;

	memset(sel, 0, sizeof(*sel));
	if (mr_pids_read(&pids, fd)) {
		complain("%s: %s", opts->dir, cgroup_strerror(errno, NULL));
		free(pids.list);
		return EXIT_FAILED;
	}
	for (i = 0; i < pids.nr; i++) {
		if (select_add(sel, pids.list[i], opts->dry_run))
			continue;
		select_free(sel);
		free(pids.list);
		complain("out of memory; nothing was done");
		return EXIT_FAILED;
	}
	free(pids.list);
	return -1;
}

static const char *name_of(const struct selection *sel, pid_t pid)
{
	size_t i;

	for (i = 0; i < sel->nr; i++) {
		if (sel->victims[i].pid == pid)
			return sel->victims[i].name;
	}
	/* Forked since. */
	return "?";
}

static void show(struct report *report, const struct selection *sel,
		 const struct mrelease_target *t)
{
	struct victim v = {
		.pid = t->pid,
		.pidfd = -1,
		.opened = true,
		.err = -t->error,
		.res = t->result,
	};

	snprintf(v.name, sizeof(v.name), "%s", name_of(sel, t->pid));
	if (v.err)
		v.text = mrelease_strerror(v.err, &v.res);
	report_victim(report, &v);
	if (v.err)
		complain("pid %d: %s", (int)v.pid, v.text);
}

static int release_cgroup(const struct options *opts, const struct session *s,
			  const struct selection *sel, int fd)
{
	struct mrelease_target *targets;
	struct mrelease_result total;
	uint32_t nr = MRELEASE_CGROUP_MAX;
	struct progress progress;
	struct report report;
	int err = 0;
	uint32_t i;

	targets = calloc(nr, sizeof(*targets));
	if (!targets) {
		complain("out of memory; nothing was done");
		return EXIT_FAILED;
	}
	progress_begin(&progress, opts, sel);
	if (mrelease_release_cgroup(s->handle, fd, targets, &nr, opts->flags,
				    opts->timeout_ms, &total))
		err = errno;
	progress_end(&progress);

	report_begin(&report, opts, s);
	report_total(&report, &total);
	for (i = 0; i < nr && i < MRELEASE_CGROUP_MAX; i++)
		show(&report, sel, &targets[i]);
	report_end(&report);
	free(targets);
	if (!err && !nr && !opts->json)
		printf("Nobody is in %s.\n", opts->dir);
	if (!err)
		return EXIT_DONE;
	complain("%s: %s", opts->dir, cgroup_strerror(err, &total));
	return EXIT_FAILED;
}

int command_cgroup(const struct options *opts)
{
	struct selection sel;
	struct session s;
	int status;
	int fd;

	fd = mr_sys_open(opts->dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0) {
		complain("%s: %s", opts->dir, cgroup_strerror(errno, NULL));
		return EXIT_FAILED;
	}
	status = list_members(opts, fd, &sel);
	if (status < 0 && opts->dry_run) {
		status = dry_run(opts, &sel);
		select_free(&sel);
	} else if (status < 0) {
		status = session_begin(&s, opts);
		if (status < 0) {
			status = check_flags(opts, &s);
			if (status < 0)
				status = release_cgroup(opts, &s, &sel, fd);
			session_close(&s);
		}
		select_free(&sel);
	}
	close(fd);
	return status;
}

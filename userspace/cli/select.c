// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "select.h"

#define COMMAND_MAX 4096
#define COMM_MAX 15

/* From here on the number may be used again without harm. */
static void victim_open(struct victim *v, pid_t pid)
{
	memset(v, 0, sizeof(*v));
	v->pid = pid;
	strcpy(v->name, "?");

	v->pidfd = mr_sys_pidfd_open(pid);
	if (v->pidfd < 0) {
		v->err = errno;
		return;
	}
	v->opened = true;
	process_name(pid, v->name, sizeof(v->name));
	v->oom_score = process_oom_score(pid);
}

static void victim_close(struct victim *v)
{
	if (v->opened)
		close(v->pidfd);
	v->opened = false;
}

static struct victim *selection_add(struct selection *sel)
{
	struct victim *more;

	if (sel->nr == sel->room) {
		sel->room = sel->room ? sel->room * 2 : 16;
		more = realloc(sel->victims, sel->room * sizeof(*more));
		if (!more)
			return NULL;
		sel->victims = more;
	}
	return &sel->victims[sel->nr++];
}

bool select_add(struct selection *sel, pid_t pid, bool open)
{
	struct victim *v = selection_add(sel);

	if (!v)
		return false;
	if (open) {
		victim_open(v, pid);
		return true;
	}
	memset(v, 0, sizeof(*v));
	v->pid = pid;
	v->pidfd = -1;
	process_name(pid, v->name, sizeof(v->name));
	return true;
}

void select_free(struct selection *sel)
{
	size_t i;

	for (i = 0; i < sel->nr; i++)
		victim_close(&sel->victims[i]);
	free(sel->victims);
	memset(sel, 0, sizeof(*sel));
}

/* What pkill(1) calls exact: the whole text, and not a part of it. */
static bool text_matches(const regex_t *regex, const char *text, bool exact)
{
	regmatch_t where;

	if (regexec(regex, text, 1, &where, 0))
		return false;
	return !exact || (!where.rm_so && !text[where.rm_eo]);
}

static bool name_matches(const struct options *opts, pid_t pid)
{
	char text[COMMAND_MAX];

	if (!opts->name)
		return true;
	if (!opts->full || !process_command(pid, text, sizeof(text)))
		process_name(pid, text, sizeof(text));
	return text_matches(&opts->regex, text, opts->exact);
}

/*
 * What a number stands for can change while it is looked at.  So look, pin it by
 * a pidfd, and look again: a process that is still there then was there all the
 * time, and what was read second is its own.
 */
static bool victim_match(struct victim *v, const struct options *opts,
			 pid_t pid)
{
	if (!name_matches(opts, pid) || !process_has_memory(pid))
		return false;

	victim_open(v, pid);
	if (!v->opened)
		return v->err != ESRCH && v->err != EINVAL && v->err != ENOENT;
	if (name_matches(opts, pid) && process_has_memory(pid) &&
	    mr_sys_poll(v->pidfd, 0) == 0)
		return true;
	victim_close(v);
	return false;
}

static bool parse_pid(const char *text, pid_t *pid)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	*pid = (pid_t)value;
	return !errno && !*end && *pid == value && value > 0;
}

/* Keep the one with the higher score, the older one if they are the same. */
static void keep_worst(struct selection *sel)
{
	struct victim *kept = &sel->victims[0];
	struct victim *v = &sel->victims[1];

	if (v->opened && (!kept->opened || v->oom_score > kept->oom_score)) {
		struct victim worse = *v;

		*v = *kept;
		*kept = worse;
	}
	victim_close(v);
	sel->nr = 1;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a;
	const pid_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* Those of /proc, in the order of their numbers. */
static pid_t *list_pids(size_t *nr)
{
	pid_t *pids = NULL;
	size_t room = 0;
	char path[PATH_ROOM];
	struct dirent *entry;
	DIR *dir;
	pid_t pid;

	*nr = 0;
	root_path(path, sizeof(path), "/proc");
	dir = opendir(path);
	if (!dir)
		return NULL;
	while ((entry = readdir(dir)) != NULL) {
		if (!parse_pid(entry->d_name, &pid))
			continue;
		if (*nr == room) {
			pid_t *more;

			room = room ? room * 2 : 256;
			more = realloc(pids, room * sizeof(*pids));
			if (!more) {
				free(pids);
				pids = NULL;
				break;
			}
			pids = more;
		}
		pids[(*nr)++] = pid;
	}
	closedir(dir);
	if (pids)
		qsort(pids, *nr, sizeof(*pids), compare_pids);
	return pids;
}

static int nothing_matches(const struct options *opts)
{
	if (opts->name && !opts->full && strlen(opts->name) > COMM_MAX)
		complain("no process matches '%s'; names are cut after %d "
			 "characters, --full looks at the command line",
			 opts->name, COMM_MAX);
	else if (opts->name)
		complain("no process matches '%s'", opts->name);
	else
		complain("no process has an OOM score");
	return EXIT_FAILED;
}

static int select_matching(const struct options *opts, struct selection *sel)
{
	pid_t self = getpid();
	size_t nr;
	size_t i;
	pid_t *pids = list_pids(&nr);

	if (!pids) {
		complain("cannot read /proc; nothing was done");
		return EXIT_FAILED;
	}
	for (i = 0; i < nr; i++) {
		struct victim v;
		struct victim *slot;

		/* Nobody means this command, or the end of the system. */
		if (pids[i] == self || pids[i] == 1)
			continue;
		if (!victim_match(&v, opts, pids[i]))
			continue;
		/* The kernel would never choose it, either. */
		if (opts->oom_score && v.opened && v.oom_score <= 0) {
			victim_close(&v);
			continue;
		}
		slot = selection_add(sel);
		if (!slot) {
			victim_close(&v);
			free(pids);
			complain("out of memory; nothing was done");
			return EXIT_FAILED;
		}
		*slot = v;
		if (opts->oom_score && sel->nr == 2)
			keep_worst(sel);
	}
	free(pids);
	return sel->nr ? -1 : nothing_matches(opts);
}

int select_victims(const struct options *opts, struct selection *sel)
{
	size_t i;
	int status;

	memset(sel, 0, sizeof(*sel));
	if (!opts->nr_pids) {
		status = select_matching(opts, sel);
		if (status >= 0)
			select_free(sel);
		return status;
	}

	for (i = 0; i < opts->nr_pids; i++) {
		struct victim *v = selection_add(sel);

		if (!v) {
			select_free(sel);
			complain("out of memory; nothing was done");
			return EXIT_FAILED;
		}
		victim_open(v, opts->pids[i]);
	}
	return -1;
}

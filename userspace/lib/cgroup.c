// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A cgroup and what is below it.  With the module and version 2 the module does it.
 * Else, and for version 1, by what cgroup.procs says, again and again until there is
 * nobody new, each process by its pidfd.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sys.h"

#define NSEC_PER_MSEC 1000000ULL

/* So many at once: each has an open descriptor meanwhile. */
#define BATCH 64

/* How long those that were killed get for their exit before they are looked for. */
#define EXIT_MS 200

/*
 * struct work - one call
 * @kept: those who are not gone yet, or refused: pidfd, and pid
 * @batch: those who are released together
 */
struct work {
	const struct mrelease *h;
	uint32_t flags;
	uint64_t deadline;
	int cgroup_fd;
	struct mrelease_target *targets;
	uint32_t room;
	uint32_t nr;
	struct mrelease_result *total;
	struct mrelease_target batch[BATCH];
	uint32_t in_batch;
	struct mrelease_target *kept;
	size_t nr_kept;
	int err;
};

/* Is this number still a process that was dealt with before? */
static bool is_kept(struct work *w, pid_t pid)
{
	size_t i;

	for (i = 0; i < w->nr_kept; i++) {
		struct mrelease_target *t = &w->kept[i];

		if (t->pid != pid)
			continue;
		if (mr_sys_poll(t->pidfd, 0) == 0)
			return true;
		close(t->pidfd);
		*t = w->kept[--w->nr_kept];
		i--;
	}
	return false;
}

static void keep(struct work *w, const struct mrelease_target *t)
{
	struct mrelease_target *more;

	more = realloc(w->kept, (w->nr_kept + 1) * sizeof(*more));
	if (!more) {
		close(t->pidfd);
		w->err = ENOMEM;
		return;
	}
	w->kept = more;
	w->kept[w->nr_kept++] = *t;
}

static uint32_t time_left(const struct work *w)
{
	uint64_t now = mr_sys_now();
	uint64_t left;

	if (w->deadline == UINT64_MAX)
		return 0;
	left = now < w->deadline ? (w->deadline - now) / NSEC_PER_MSEC : 0;
	return left ? (uint32_t)left : 1;
}

static bool timed_out(const struct work *w)
{
	return w->deadline != UINT64_MAX && mr_sys_now() >= w->deadline;
}

/* Tell of one, and remember it as long as it may be found again. */
static void batch_done(struct work *w, struct mrelease_target *t,
		       uint64_t exit_by)
{
	uint64_t now = mr_sys_now();
	uint64_t wait = now < exit_by ? (exit_by - now) / NSEC_PER_MSEC : 0;

	/* It was gone before anything could be done to it: nobody. */
	if (t->error != -ESRCH || t->result.victims) {
		struct mrelease_target told = *t;

		told.pidfd = -1;
		if (w->nr < w->room)
			w->targets[w->nr] = told;
		w->nr++;
		if (!w->err && t->error)
			w->err = EPERM;
		if (t->error == -ETIMEDOUT || t->error == -EINTR)
			w->err = -t->error;
	}
	if (t->error && !t->result.victims)
		wait = 0;
	if (mr_sys_poll(t->pidfd, (uint32_t)wait) == 0)
		keep(w, t);
	else
		close(t->pidfd);
}

static void batch_release(struct work *w)
{
	struct mrelease_result sum;
	pid_t pids[BATCH];
	uint64_t exit_by;
	uint32_t i;

	if (!w->in_batch)
		return;
	for (i = 0; i < w->in_batch; i++)
		pids[i] = w->batch[i].pid;
	if (mrelease_release_many(w->h, w->batch, w->in_batch, w->flags,
				  time_left(w), &sum) &&
	    errno != ETIMEDOUT && errno != EINTR) {
		w->err = errno;
		for (i = 0; i < w->in_batch; i++)
			close(w->batch[i].pidfd);
		w->in_batch = 0;
		return;
	}
	mr_total_add(w->total, &sum);
	exit_by = mr_sys_now() + EXIT_MS * NSEC_PER_MSEC;
	for (i = 0; i < w->in_batch; i++) {
		/* Without /proc the call does not know it. */
		w->batch[i].pid = pids[i];
		batch_done(w, &w->batch[i], exit_by);
	}
	w->in_batch = 0;
}

/*
 * Between the list and pidfd_open(2) a number may have gone to another process.  One
 * that is in a second list, which was read after that, is a member now.
 */
static int batch_fill(struct work *w, struct mr_pids *pids, size_t *next)
{
	struct mr_pids again = { 0 };
	uint32_t i, nr = 0;

	while (*next < pids->nr && w->in_batch < BATCH) {
		pid_t pid = pids->list[(*next)++];
		struct mrelease_target *t = &w->batch[w->in_batch];

		if (is_kept(w, pid))
			continue;
		memset(t, 0, sizeof(*t));
		t->pid = pid;
		t->pidfd = mr_sys_pidfd_open(pid);
		if (t->pidfd >= 0)
			w->in_batch++;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			w->err = errno;
	}
	if (!w->in_batch)
		return 0;
	if (mr_pids_read(&again, w->cgroup_fd)) {
		/* Else it has been removed, and nobody is in it. */
		if (errno != EBADF && errno != ENODEV)
			w->err = errno;
		again.nr = 0;
	}
	for (i = 0; i < w->in_batch; i++) {
		if (mr_pids_have(&again, w->batch[i].pid))
			w->batch[nr++] = w->batch[i];
		else
			close(w->batch[i].pidfd);
	}
	free(again.list);
	w->in_batch = nr;
	return (int)nr;
}

/* Once through all; returns how many were new. */
static uint32_t pass(struct work *w, struct mr_pids *pids)
{
	uint32_t found = 0;
	size_t next = 0;

	while (next < pids->nr && !timed_out(w)) {
		found += (uint32_t)batch_fill(w, pids, &next);
		batch_release(w);
	}
	return found;
}

int mr_cgroup_release(const struct mrelease *h, int cgroup_fd,
		      struct mrelease_target *targets, uint32_t *nr,
		      uint32_t flags, uint32_t timeout_ms,
		      struct mrelease_result *total)
{
	struct mr_pids pids = { 0 };
	struct work w = {
		.h = h,
		.flags = flags,
		.deadline = UINT64_MAX,
		.cgroup_fd = cgroup_fd,
		.targets = targets,
		.room = *nr,
		.total = total,
	};
	uint64_t start = mr_sys_now();
	size_t i;

	*nr = 0;
	if (h->backend != MRELEASE_BACKEND_DEVICE) {
		if (mr_fallback_check(h->backend, flags))
			return -1;
		w.deadline = mr_fallback_deadline(timeout_ms);
	} else if (timeout_ms) {
		w.deadline = start + timeout_ms * NSEC_PER_MSEC;
	}

	if (mr_pids_read(&pids, w.cgroup_fd)) {
		free(pids.list);
		return -1;
	}
	if (mr_pids_have(&pids, getpid())) {
		free(pids.list);
		errno = EINVAL;
		return -1;
	}

	while (pass(&w, &pids)) {
		if (timed_out(&w) || mr_pids_read(&pids, w.cgroup_fd))
			break;
	}
	if (timed_out(&w) && w.err != EINTR)
		w.err = ETIMEDOUT;
	for (i = 0; i < w.nr_kept; i++)
		close(w.kept[i].pidfd);
	free(w.kept);
	free(pids.list);
	*nr = w.nr;
	total->elapsed_ns = mr_sys_now() - start;
	if (!w.err)
		return 0;
	errno = w.err;
	return -1;
}

MRELEASE_API int mrelease_release_cgroup(const struct mrelease *h,
					 int cgroup_fd,
					 struct mrelease_target *targets,
					 uint32_t *nr, uint32_t flags,
					 uint32_t timeout_ms,
					 struct mrelease_result *total)
{
	struct mrelease_result unused;
	uint32_t room = nr && targets ? *nr : 0;
	uint32_t unasked;
	uint32_t i;

	if (!total)
		total = &unused;
	memset(total, 0, sizeof(*total));
	if (!nr)
		nr = &unasked;
	*nr = 0;
	if (!h || !(flags & MRELEASE_KILL)) {
		errno = EINVAL;
		return -1;
	}
	if (cgroup_fd < 0) {
		errno = EBADF;
		return -1;
	}
	for (i = 0; i < room; i++) {
		memset(&targets[i], 0, sizeof(targets[i]));
		targets[i].pidfd = -1;
	}

	*nr = room;
	if (h->info.features & MRELEASE_FEAT_CMD(3)) {
		if (!mr_device_cgroup(h->fd, cgroup_fd, room ? targets : NULL,
				      nr, flags, timeout_ms, total))
			return 0;
		/* Of version 1, or none at all: its files will tell. */
		if (errno != EBADF)
			return -1;
		*nr = room;
	}
	return mr_cgroup_release(h, cgroup_fd, targets, nr, flags, timeout_ms,
				 total);
}

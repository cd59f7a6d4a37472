// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several victims in one call: kill all, then release all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "sys.h"

/*
 * struct pending - what is known of an element between the kill and the release
 * @before: what it had
 * @size: the same, in one number
 * @twin: index of the element that names the same process
 * @open: it was killed, and is to be released
 */
struct pending {
	struct mr_usage before;
	uint64_t size;
	uint32_t twin;
	bool open;
};

/* The element before this one that is the same process; itself if there is none. */
static uint32_t find_twin(const struct pending *list, uint32_t i)
{
	uint32_t j;

	for (j = 0; list[i].before.known && j < i; j++) {
		if (list[j].before.known &&
		    list[j].before.pid == list[i].before.pid)
			return j;
	}
	return i;
}

static void begin(struct mrelease_target *t, struct pending *list, uint32_t i,
		  uint32_t flags)
{
	struct pending *p = &list[i];

	p->twin = i;
	if (t->pidfd < 0) {
		t->error = -EBADF;
		return;
	}
	/* Once it is killed its numbers are those of a dying process. */
	mr_usage_read(t->pidfd, &p->before);
	p->twin = find_twin(list, i);
	t->pid = p->before.pid;
	if (p->twin != i)
		return;
	if (mr_fallback_begin(t->pidfd, flags, &p->before, &t->result)) {
		t->error = -errno;
		return;
	}
	p->size = p->before.anon + p->before.file + p->before.shmem +
		  p->before.swap + p->before.hugetlb;
	p->open = true;
}

static struct pending *largest(struct pending *list, uint32_t nr)
{
	struct pending *found = NULL;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (list[i].open && (!found || list[i].size > found->size))
			found = &list[i];
	}
	return found;
}

static int fallback_many(const struct mrelease *h,
			 struct mrelease_target *targets, uint32_t nr,
			 uint32_t flags, uint32_t timeout_ms)
{
	uint64_t deadline, start;
	struct pending *list;
	struct pending *p;
	uint32_t i;

	if (mr_fallback_check(h->backend, flags))
		return -1;
	list = calloc(nr, sizeof(*list));
	if (!list)
		return -1;
	start = mr_sys_now();
	deadline = mr_fallback_deadline(timeout_ms);

	for (i = 0; i < nr; i++)
		begin(&targets[i], list, i, flags);
	while ((p = largest(list, nr))) {
		struct mrelease_target *t = &targets[p - list];

		p->open = false;
		if (mr_fallback_finish(h->backend, t->pidfd, &p->before,
				       deadline, &t->result))
			t->error = -errno;
		t->result.elapsed_ns = mr_sys_now() - start;
	}
	for (i = 0; i < nr; i++) {
		if (list[i].twin == i)
			continue;
		targets[i].error = targets[list[i].twin].error;
		targets[i].result = targets[list[i].twin].result;
		targets[i].result.notes |= MRELEASE_NOTE_JOINED;
	}
	free(list);
	return 0;
}

/* A module that has not got the command. */
static void one_by_one(const struct mrelease *h,
		       struct mrelease_target *targets, uint32_t nr,
		       uint32_t flags, uint32_t timeout_ms)
{
	uint64_t start = mr_sys_now();
	uint64_t spent;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		struct mrelease_target *t = &targets[i];
		uint32_t left = timeout_ms;

		spent = (mr_sys_now() - start) / 1000000;
		if (timeout_ms)
			left = spent < timeout_ms ? timeout_ms - spent : 1;
		if (mrelease_release(h, t->pidfd, flags, left, &t->result))
			t->error = -errno;
		t->result.elapsed_ns = mr_sys_now() - start;
	}
}

/* What the elements came to, where it was not the module that says so. */
static int sum_up(const struct mrelease_target *targets, uint32_t nr,
		  struct mrelease_result *total)
{
	int err = 0;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (targets[i].error == -EINTR)
			err = EINTR;
		else if (targets[i].error == -ETIMEDOUT && err != EINTR)
			err = ETIMEDOUT;
		if (!(targets[i].result.notes & MRELEASE_NOTE_JOINED))
			mr_total_add(total, &targets[i].result);
	}
	if (!err)
		return 0;
	errno = err;
	return -1;
}

MRELEASE_API int mrelease_release_many(const struct mrelease *h,
				       struct mrelease_target *targets,
				       uint32_t nr, uint32_t flags,
				       uint32_t timeout_ms,
				       struct mrelease_result *total)
{
	struct mrelease_result unused;
	uint64_t start;
	uint32_t i;
	int ret;

	if (!total)
		total = &unused;
	memset(total, 0, sizeof(*total));
	if (!h || (nr && !targets)) {
		errno = EINVAL;
		return -1;
	}
	if (nr > MRELEASE_MANY_MAX) {
		errno = E2BIG;
		return -1;
	}
	for (i = 0; i < nr; i++) {
		int pidfd = targets[i].pidfd;

		memset(&targets[i], 0, sizeof(targets[i]));
		targets[i].pidfd = pidfd;
	}
	if (!nr)
		return 0;

	if (h->info.features & MRELEASE_FEAT_CMD(2))
		return mr_device_many(h->fd, targets, nr, flags, timeout_ms,
				      total);

	start = mr_sys_now();
	if (h->backend == MRELEASE_BACKEND_DEVICE)
		one_by_one(h, targets, nr, flags, timeout_ms);
	else if (fallback_many(h, targets, nr, flags, timeout_ms))
		return -1;
	ret = sum_up(targets, nr, total);
	total->elapsed_ns = mr_sys_now() - start;
	return ret;
}

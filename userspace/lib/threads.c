// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One victim, several threads: the module lets callers with the same flags share the
 * work, so each thread makes the same call, and the one that was told most tells it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "internal.h"
#include "sys.h"

/* More than a system call needs, and what the C library puts below a stack. */
#define STACK_BYTES (256 * 1024)

/* struct helper - a thread, and what it was told; err: 0 or errno */
struct helper {
	pthread_t thread;
	const struct mrelease *h;
	int pidfd;
	uint32_t flags;
	uint32_t timeout_ms;
	int err;
	struct mrelease_result res;
};

static void *help(void *arg)
{
	struct helper *w = arg;

	w->err = mrelease_release(w->h, w->pidfd, w->flags, w->timeout_ms,
				  &w->res) ?
			 errno :
			 0;
	return NULL;
}

static uint64_t unmapped(const struct mrelease_result *res)
{
	return res->anon_bytes + res->file_bytes + res->shmem_bytes +
	       res->swap_bytes + res->hugetlb_bytes;
}

/*
 * Those who work together are all told the sum.  One that comes when the others are
 * through finds the victim gone, or nothing left.
 */
static bool knows_more(const struct helper *a, const struct helper *b)
{
	if (!a->err != !b->err)
		return !a->err;
	if (unmapped(&a->res) != unmapped(&b->res))
		return unmapped(&a->res) > unmapped(&b->res);
	return a->res.victims > b->res.victims;
}

/* Start as many as there is memory for; no signal of the program's goes to them. */
static uint32_t start(struct helper *helpers, uint32_t nr)
{
	pthread_attr_t attr;
	sigset_t all, old;
	uint32_t i;

	if (pthread_attr_init(&attr))
		return 0;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < nr; i++) {
		if (pthread_create(&helpers[i].thread, &attr, help,
				   &helpers[i]))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return i;
}

MRELEASE_API int mrelease_release_threads(const struct mrelease *h, int pidfd,
					  uint32_t flags, uint32_t timeout_ms,
					  uint32_t threads,
					  struct mrelease_result *res)
{
	/* The first one is the caller's own. */
	struct helper team[MRELEASE_THREADS_MAX];
	const struct helper *best = team;
	uint64_t began;
	int cancel;
	uint32_t i;

	if (!threads || threads > MRELEASE_THREADS_MAX) {
		if (res)
			memset(res, 0, sizeof(*res));
		errno = EINVAL;
		return -1;
	}
	if (threads == 1 || !h || h->backend != MRELEASE_BACKEND_DEVICE ||
	    pidfd < 0)
		return mrelease_release(h, pidfd, flags, timeout_ms, res);

	for (i = 0; i < threads; i++) {
		team[i] = (struct helper){
			.h = h,
			.pidfd = pidfd,
			.flags = flags,
			.timeout_ms = timeout_ms,
		};
	}
	began = mr_sys_now();
	/* They use this function's stack. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	threads = 1 + start(team + 1, threads - 1);
	help(&team[0]);
	for (i = 1; i < threads; i++) {
		pthread_join(team[i].thread, NULL);
		if (knows_more(&team[i], best))
			best = &team[i];
	}
	pthread_setcancelstate(cancel, NULL);

	if (res) {
		*res = best->res;
		res->elapsed_ns = mr_sys_now() - began;
	}
	if (!best->err)
		return 0;
	errno = best->err;
	return -1;
}

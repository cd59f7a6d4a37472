// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is still to come, said once a second while a release takes longer than that:
 * the call itself says nothing before its end, so another thread looks at what the
 * processes have.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "progress.h"

#define STEP_S 1

/* Pages that a process has, in bytes; none once its address space is gone. */
static uint64_t resident(pid_t pid)
{
	unsigned long pages = 0;
	char path[64];
	char text[128];

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (file_read(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void show(struct progress *p)
{
	char bytes[16], time[16];
	uint64_t left = 0;
	size_t with = 0;
	size_t i;

	for (i = 0; i < p->sel->nr; i++) {
		uint64_t size = resident(p->sel->victims[i].pid);

		left += size;
		with += size > 0;
	}
	format_bytes(bytes, sizeof(bytes), left);
	format_time(time, sizeof(time), mr_sys_now() - p->begin);
	/* One line, written over each time. */
	fprintf(stderr,
		"\rmrelease: %s: %zu of %zu processes still have %s\033[K",
		time, with, p->sel->nr, bytes);
	p->shown = true;
}

static void *look(void *arg)
{
	struct progress *p = arg;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&p->lock);
	while (!p->done) {
		until.tv_sec += STEP_S;
		while (!p->done && pthread_cond_timedwait(&p->wake, &p->lock,
							  &until) != ETIMEDOUT)
			;
		if (!p->done)
			show(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void progress_begin(struct progress *p, const struct options *opts,
		    const struct selection *sel)
{
	pthread_condattr_t attr;
	sigset_t all, old;

	memset(p, 0, sizeof(*p));
	if (opts->json || !isatty(STDERR_FILENO))
		return;
	p->sel = sel;
	p->begin = mr_sys_now();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);

	/* Signals are for the one that waits in the kernel. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->running = !pthread_create(&p->thread, NULL, look, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void progress_end(struct progress *p)
{
	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	p->done = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	p->running = false;
	if (p->shown)
		fputs("\r\033[K", stderr);
}

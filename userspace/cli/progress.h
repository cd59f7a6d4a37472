/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress on a terminal, while a call takes its time. */
#ifndef MRELEASE_PROGRESS_H
#define MRELEASE_PROGRESS_H

#include <pthread.h>

#include "select.h"

struct progress {
	const struct selection *sel;
	uint64_t begin;
	pthread_t thread;
	pthread_mutex_t lock; /* done */
	pthread_cond_t wake;
	bool running;
	bool done;
	bool shown;
};

/* Where standard error is a terminal; sel must stay as it is until the end. */
void progress_begin(struct progress *p, const struct options *opts,
		    const struct selection *sel);

/* Leaves an empty line. */
void progress_end(struct progress *p);

#endif /* MRELEASE_PROGRESS_H */

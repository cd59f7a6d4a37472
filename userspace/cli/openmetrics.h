/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the module, for whoever watches many machines.
 */
#ifndef MRELEASE_OPENMETRICS_H
#define MRELEASE_OPENMETRICS_H

#include "cli.h"

#define METRICS_BUCKETS 64

/* A number that a module of another version may not have. */
struct counter {
	bool there;
	uint64_t value;
};

/* How many releases took @us microseconds or less; 0: how many there were. */
struct bucket {
	uint64_t us;
	uint64_t up_to;
};

struct metrics {
	int enabled; /* -1: not known */
	struct counter counters[7][12];
	struct bucket buckets[METRICS_BUCKETS];
	size_t nr_buckets;
	uint64_t elapsed_ns;
};

/* -1 and errno when they are there but cannot be read. */
int metrics_read(struct metrics *m);

void metrics_print(FILE *out, const struct session *s,
		   const struct mrelease_info *info, const struct metrics *m);

#endif /* MRELEASE_OPENMETRICS_H */

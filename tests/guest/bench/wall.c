// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times: all methods on all victims, side by side.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

static void report(const struct kind *kind, enum method method, int round,
		   const struct shot *shot)
{
	printf("{\"part\":\"wall\",\"victim\":\"%s\",\"method\":\"%s\",\"round\":%d,"
	       "\"ret\":%d,\"call_ns\":%llu,\"cpu_ns\":%llu,\"back_ns\":%llu,\"watched_ns\":%llu,"
	       "\"expected\":%lld,\"at_return\":%lld,\"freed\":%llu,"
	       "\"flushes\":%llu,\"let_go\":%s}\n",
	       kind->name, ways[method].name, round, shot->ret,
	       (unsigned long long)shot->call_ns,
	       (unsigned long long)shot->cpu_ns,
	       (unsigned long long)shot->back_ns,
	       (unsigned long long)shot->watched_ns, (long long)shot->expected,
	       (long long)shot->at_return, shot->res.freed_bytes,
	       (unsigned long long)shot->flushes,
	       shot->let_go ? "true" : "false");
}

/* One of each, beginning with another in each round. */
static void take_all(const struct kind *kind, int round, bool tell)
{
	enum method list[METHODS];
	unsigned int nr = 0, i;
	struct shot shot;

	for (enum method m = 0; m < METHODS; m++)
		if ((kind->methods & 1U << m) && method_possible(m))
			list[nr++] = m;
	for (i = 0; i < nr; i++) {
		enum method m = list[(i + round) % nr];

		method_take(m, kind, &shot);
		if (tell)
			report(kind, m, round, &shot);
	}
}

int part_wall(const char *only)
{
	/* What is done the first time only. */
	take_all(&kinds[0], 0, false);
	for (unsigned int i = 0; i < nr_kinds; i++) {
		if (only && strcmp(only, kinds[i].name))
			continue;
		for (int round = 0; round < rounds(ROUNDS); round++)
			take_all(&kinds[i], round, true);
	}
	return 0;
}

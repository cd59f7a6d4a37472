// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time that the kernel spends in TLB flushes for a release, by its function graph
 * tracer, which is on for one function only.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "tap.h"

#define TRACING "/sys/kernel/tracing/"
#define FUNCTION "flush_tlb_mm_range"

static void set(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "%s", file);
	if (write_file(path, text))
		tap_bail("%s to %s", text, path);
}

/* Lines like " 1)   0.532 us    |  flush_tlb_mm_range();" */
static void read_trace(uint64_t *calls, double *us)
{
	FILE *f = fopen(TRACING "trace", "re");
	char line[512];

	*calls = 0;
	*us = 0;
	if (!f)
		tap_bail("trace");
	while (fgets(line, sizeof(line), f)) {
		char *unit = strstr(line, " us "), *at = unit;

		if (!unit || !strstr(line, FUNCTION))
			continue;
		while (at > line &&
		       (at[-1] == '.' || (at[-1] >= '0' && at[-1] <= '9')))
			at--;
		*us += strtod(at, NULL);
		++*calls;
	}
	fclose(f);
}

/* Opening it for that does it. */
static void empty_trace(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		tap_bail("trace");
	close(fd);
}

static void trace_switch(bool on)
{
	set("tracing_on", on ? "1" : "0");
}

static void take(const struct kind *kind, enum method method, int round)
{
	struct shot shot;
	uint64_t calls;
	double us;

	empty_trace();
	around_call = trace_switch;
	method_take(method, kind, &shot);
	around_call = NULL;
	read_trace(&calls, &us);
	printf("{\"part\":\"tlb\",\"victim\":\"%s\",\"method\":\"%s\",\"round\":%d,"
	       "\"call_ns\":%llu,\"flush_calls\":%llu,\"flush_ns\":%.0f,\"flushes\":%llu}\n",
	       kind->name, ways[method].name, round,
	       (unsigned long long)shot.call_ns, (unsigned long long)calls,
	       us * 1000, (unsigned long long)shot.flushes);
}

int part_tlb(void)
{
	static const enum method methods[] = { KILL_SYSCALL, KILL };

	set("tracing_on", "0");
	set("set_ftrace_filter", FUNCTION);
	set("set_graph_function", FUNCTION);
	set("max_graph_depth", "1");
	set("current_tracer", "function_graph");
	for (unsigned int k = 0; k < nr_kinds; k++) {
		if (strcmp(kinds[k].name, "anon") &&
		    strcmp(kinds[k].name, "running") &&
		    strcmp(kinds[k].name, "64 threads"))
			continue;
		for (int round = 0; round < rounds(ROUNDS); round++)
			for (unsigned int i = 0; i < 2; i++)
				take(&kinds[k], methods[(i + round) % 2],
				     round);
	}
	set("current_tracer", "nop");
	return 0;
}

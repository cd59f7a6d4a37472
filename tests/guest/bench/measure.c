// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instruments.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "tap.h"

int rounds(int usual)
{
	const char *text = getenv("BENCH_ROUNDS");

	return text && *text ? atoi(text) : usual;
}

/* What /proc/meminfo calls MemFree, without the time that writing a text takes. */
uint64_t free_bytes(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		tap_bail("sysinfo");
	return (uint64_t)info.freeram * info.mem_unit;
}

uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Those that one CPU has sent to another; 0 where nobody counts them. */
uint64_t tlb_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "re");
	uint64_t sum = 0;
	char line[1024];

	if (!f)
		tap_bail("/proc/interrupts");
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "TLB:"), *end;

		if (!at)
			continue;
		for (at += 4;; at = end) {
			unsigned long n = strtoul(at, &end, 10);

			if (end == at)
				break;
			sum += n;
		}
	}
	fclose(f);
	return sum;
}

void drop_page_cache(void)
{
	if (write_file("/proc/sys/vm/drop_caches", "1"))
		tap_bail("drop_caches");
}

void go_first(void)
{
	struct sched_param fifo = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo))
		tap_bail("sched_setscheduler");
}

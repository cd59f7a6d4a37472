// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Torture: what the machine has less of than at first, and should not.
 *
 * The machine has work of its own: kernel threads come and go, a CPU keeps pages and
 * objects for itself, and what was swapped out lies in memory.  All of that can be
 * asked for, so it is taken into account rather than allowed for.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "torture.h"

/* What else lives in the machine may have come and gone between two looks. */
#define SLAB_SLACK 8
#define FREE_SLACK_KIB (12L * 1024)
/* Kernels that remember who allocated what need memory for that. */
#define FREE_SLACK_SLOW_KIB (96L * 1024)

enum per { PER_NOTHING, PER_PROCESS, PER_THREAD };

/* Objects that a release has references to, directly or not. */
static struct {
	const char *name;
	enum per per; /* kernel threads have these, too */
	long first;
} slabs[] = {
	{ "mm_struct", PER_NOTHING, 0 },    { "task_struct", PER_THREAD, 0 },
	{ "signal_cache", PER_PROCESS, 0 }, { "pid", PER_THREAD, 0 },
	{ "files_cache", PER_NOTHING, 0 },  { "sighand_cache", PER_PROCESS, 0 },
};

/* Directories whose names are numbers. */
static long count_numbers(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	long n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += isdigit((unsigned char)entry->d_name[0]) != 0;
	closedir(dir);
	return n;
}

static long count_threads(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300];
	long n = 0;

	if (!dir)
		tap_bail("/proc");
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", entry->d_name);
		n += count_numbers(path);
	}
	closedir(dir);
	return n;
}

static long count_per(enum per per)
{
	switch (per) {
	case PER_PROCESS:
		return count_numbers("/proc");
	case PER_THREAD:
		return count_threads();
	default:
		return 0;
	}
}

static bool weigh_objects(bool first)
{
	unsigned int i;
	bool ok = true;
	long now, own;

	for (i = 0; i < ARRAY_SIZE(slabs); i++) {
		if (slab_active(slabs[i].name) < 0)
			continue;
		own = count_per(slabs[i].per);
		now = slab_settled(slabs[i].name,
				   first ? LONG_MAX :
					   slabs[i].first + own + SLAB_SLACK) -
		      own;
		if (first) {
			slabs[i].first = now;
			continue;
		}
		tap_note("%s: %ld, now %ld, and %ld of who lives",
			 slabs[i].name, slabs[i].first, now, own);
		ok &= torture_hold(now <= slabs[i].first + SLAB_SLACK,
				   "no object of this kind has leaked");
	}
	return ok;
}

/* Free pages that a CPU keeps for itself; MemFree has not got them. */
static long kept_kib(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long pages = 0, n;
	char line[256];

	if (!f)
		tap_bail("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	fclose(f);
	return pages * (long)(FILES_PAGE / 1024);
}

/* What is swapped out, compressed. */
static long zram_kib(void)
{
	FILE *f = fopen("/sys/block/zram0/mm_stat", "re");
	long long used = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*s %*s %lld", &used) != 1)
		used = 0;
	fclose(f);
	return used / 1024;
}

static struct memory {
	long free, kept, zram;
} was;

static struct memory memory_now(void)
{
	return (struct memory){
		.free = proc_kib("/proc/meminfo", "MemFree"),
		.kept = kept_kib(),
		.zram = zram_kib(),
	};
}

static long memory_sum(const struct memory *m)
{
	return m->free + m->kept + m->zram;
}

void torture_weigh_note(unsigned long seconds)
{
	struct memory now;

	drop_caches();
	now = memory_now();
	tap_note(
		"after %lu s: free %ld KiB, kept by CPUs %ld, zram %ld; slab %ld KiB; mm_struct %ld; %u signals",
		seconds, now.free, now.kept, now.zram,
		proc_kib("/proc/meminfo", "Slab"), slab_active("mm_struct"),
		world->kills);
}

/* What of the machine's memory has changed by a MiB and more. */
static void note_meminfo(bool first)
{
	static struct {
		char name[32];
		long kib;
	} before[80];
	char line[128], name[32];
	unsigned int i = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	long kib;

	if (!f)
		return;
	while (i < ARRAY_SIZE(before) && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31s %ld kB", name, &kib) != 2)
			continue;
		if (first) {
			strcpy(before[i].name, name);
			before[i].kib = kib;
		} else if (!strcmp(before[i].name, name) &&
			   labs(kib - before[i].kib) >= 1024) {
			tap_note("%s %ld KiB, now %ld KiB", name, before[i].kib,
				 kib);
		}
		i++;
	}
	fclose(f);
}

static bool weigh_memory(bool first)
{
	long slack = world->slow ? FREE_SLACK_SLOW_KIB : FREE_SLACK_KIB;
	struct memory now = memory_now();
	unsigned int i;

	/* Groups, swap and huge pages go by work queues; what has leaked stays away. */
	for (i = 0;
	     i < 200 && !first && memory_sum(&now) < memory_sum(&was) - slack;
	     i++) {
		sleep_ms(100);
		drop_caches();
		now = memory_now();
	}
	if (i)
		tap_note("memory: %u ms later", i * 100);
	note_meminfo(first);
	if (first) {
		was = now;
		return true;
	}
	tap_note(
		"free %ld KiB, now %ld; kept by CPUs %ld, now %ld; zram %ld, now %ld",
		was.free, now.free, was.kept, now.kept, was.zram, now.zram);
	return torture_hold(memory_sum(&now) >= memory_sum(&was) - slack,
			    "free memory is where it was");
}

bool torture_weigh(bool first)
{
	bool ok = weigh_objects(first);

	return ok & weigh_memory(first);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: icount mem=1024 timeout=300 */
/*
 * What a release costs follows what is mapped, not how large the ranges are that
 * a process has reserved: sanitizers and garbage collectors reserve terabytes.
 * The clock of this machine counts instructions, so the costs repeat.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define GIB (1UL << 30)
#define PAGE 4096UL
#define SPOTS 1024
#define VMAS 10000
#define TOUCHED (SPOTS * PAGE)
#define TABLES (SPOTS * (2UL << 20))

/*
 * struct shape - of an address space
 * @reserve: bytes that are mapped
 * @step: between the pages of it that are touched
 * @spots: how many are
 * @vmas: further VMAs, of a page each
 * @used: these are touched, too
 */
struct shape {
	const char *name;
	size_t reserve;
	size_t step;
	unsigned int spots;
	unsigned int vmas;
	bool used;
};

/* Many pages, so that a timer's tick is little beside them. */
static const struct shape dense = { "dense",   8 * TOUCHED, PAGE,
				    8 * SPOTS, 0,	    false };
static const struct shape reserved = { "16 TiB reserved", 16384 * GIB, PAGE,
				       8 * SPOTS,	  0,	       false };
static const struct shape table = {
	"a table for each page", TABLES, 2UL << 20, SPOTS, 0, false
};
static const struct shape spread = {
	"spread over 1 TiB", 1024 * GIB, GIB, SPOTS, 0, false
};
static const struct shape unused = { "VMAs, unused", 8 * TOUCHED, PAGE,
				     8 * SPOTS,	     VMAS,	  false };
static const struct shape half = {
	"VMAs, half of them", TOUCHED, PAGE, SPOTS, VMAS / 2, true
};
static const struct shape full = { "VMAs", TOUCHED, PAGE, SPOTS, VMAS, true };

static int dev;

static char *map(size_t bytes, int prot)
{
	char *mem = mmap(NULL, bytes, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

static void body(void *arg)
{
	const struct shape *shape = arg;
	char *mem = map(shape->reserve, PROT_READ | PROT_WRITE);
	unsigned int i;

	/* EINVAL where there are none: PREEMPT_RT. */
	if (madvise(mem, shape->reserve, MADV_NOHUGEPAGE) && errno != EINVAL)
		_exit(95);
	for (i = 0; i < shape->spots; i++)
		mem[i * shape->step] = 1;
	/* Neighbours of different rights are not merged. */
	for (i = 0; i < shape->vmas; i++) {
		mem = map(PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
		if (!shape->used)
			continue;
		if (i & 1)
			*(volatile char *)mem;
		else
			*mem = 1;
	}
	victim_ready();
	for (;;)
		pause();
}

/* Instructions of a release, the least of some; 2 points. */
static uint64_t cost(const struct shape *shape)
{
	struct victim victim;
	struct mrelease_result res;
	uint64_t took, least = UINT64_MAX;
	int i, ret = 0;

	/* The first time has more to do; ticks and work queues only ever add. */
	for (i = 0; i < 5; i++) {
		victim = victim_start(body, (void *)shape);
		took = now_ns();
		ret = ret   ?:
			      dev_release(dev, victim.pidfd, MRELEASE_KILL,
					  &res);
		took = now_ns() - took;
		least = took < least ? took : least;
		victim_end(&victim);
	}
	tap_ok(!ret, "%s: released", shape->name);
	tap_ok(res.anon_bytes >= TOUCHED && !res.left_bytes, "%s: all of it",
	       shape->name);
	tap_note("%-24s %9llu instructions", shape->name,
		 (unsigned long long)least);
	return least;
}

int main(void)
{
	/* Or the victim's own exit would run in between, on the only CPU. */
	struct sched_param fifo = { .sched_priority = 10 };
	uint64_t base, far, one, two;

	dev = dev_open();
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo))
		tap_bail("sched_setscheduler");
	tap_plan(18);
	base = cost(&dense);
	tap_ok(cost(&reserved) < base + base / 10,
	       "16 TiB that are only reserved cost nothing");
	/* Those near to what is used are looked at. */
	tap_ok(cost(&unused) < base + 700 * VMAS,
	       "VMAs that nobody uses cost next to nothing");
	base = cost(&table);
	far = cost(&spread);
	/* In the one they share tables of the next level, in the other they do not. */
	tap_ok(far < 3 * base, "nor does the distance between pages");
	one = cost(&half);
	two = cost(&full);
	tap_ok(two < 2 * one + two / 10, "linear in the number of VMAs");
	return tap_done();
}

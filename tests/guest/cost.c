// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a page costs, in instructions: run by tests/cost in a guest whose clock
 * counts them.  Each way is taken on two sizes, and the slope between them is
 * what is printed, so that all that does not depend on the size drops out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "victim.h"

#define PAGE 4096
#define SMALL_MIB 64
#define LARGE_MIB 192
#define PATH "/mnt/data"

enum way { MUNMAP, SYSCALL, FLAGS_0, KILL, EVICT, WAYS };

static const char *const names[WAYS] = {
	[MUNMAP] = "munmap(2) of one's own",
	[SYSCALL] = "process_mrelease(2) after kill(2)",
	[FLAGS_0] = "mrelease, flags 0, after kill(2)",
	[KILL] = "mrelease KILL",
	[EVICT] = "mrelease KILL|EVICT",
};

enum what { ANON, FILE_YOUNG, FILE_OLD, KINDS };

struct job {
	size_t bytes;
	enum what what;
	enum way way;
	uint64_t *own;
};

static int dev;

static char *map_file(size_t bytes)
{
	int fd = open(PATH, O_RDONLY | O_CLOEXEC);
	volatile char sum = 0;
	char *mem = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);

	if (mem == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < bytes; i += PAGE)
		sum += mem[i];
	return mem;
}

static char *map_anon(size_t bytes)
{
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED || madvise(mem, bytes, MADV_NOHUGEPAGE))
		_exit(1);
	memset(mem, 1, bytes);
	return mem;
}

static void body(void *arg)
{
	const struct job *job = arg;
	char *mem = job->what == ANON ? map_anon(job->bytes) :
					map_file(job->bytes);
	uint64_t start;

	/* Clears the accessed bits. */
	if (job->what == FILE_OLD && write_file("/proc/self/clear_refs", "1"))
		_exit(2);
	start = now_ns();
	if (job->way == MUNMAP) {
		munmap(mem, job->bytes);
		*job->own = now_ns() - start;
	}
	victim_ready();
	for (;;)
		pause();
}

/* Instructions of one call, on a victim of this size. */
static uint64_t cost(enum way way, enum what what, size_t mib, uint64_t *own)
{
	struct job job = { mib << 20, what, way, own };
	struct victim victim;
	uint64_t start, took;
	int ret = 0;

	/* Each page touched once: the cost depends on what it has seen before. */
	if (what != ANON)
		write_file("/proc/sys/vm/drop_caches", "1");
	victim = victim_start(body, &job);
	if (way == SYSCALL || way == FLAGS_0)
		ret = sys_pidfd_send_signal(victim.pidfd, SIGKILL);
	start = now_ns();
	if (way == SYSCALL)
		ret = ret ?: sys_process_mrelease(victim.pidfd, 0);
	else if (way != MUNMAP)
		ret = ret   ?:
			      dev_release(
				      dev, victim.pidfd,
				      way == FLAGS_0 ? 0 :
				      way == EVICT   ? MRELEASE_KILL |
							     MRELEASE_EVICT :
						     MRELEASE_KILL,
				      NULL);
	took = now_ns() - start;
	if (ret)
		tap_note("%s: %s", names[way], err_name(ret));
	victim_end(&victim);
	return way == MUNMAP ? *own : took;
}

int main(void)
{
	/* Or the victim's own exit would run in between, on the only CPU. */
	struct sched_param fifo = { .sched_priority = 10 };
	uint64_t *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	dev = dev_open();
	if (own == MAP_FAILED ||
	    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo))
		tap_bail("set-up");

	printf("%-36s %12s %12s %12s\n", "instructions per 4 KiB page",
	       "anonymous", "clean file", "not accessed");
	for (enum way way = 0; way < WAYS; way++) {
		double slope[KINDS];

		for (enum what what = 0; what < KINDS; what++) {
			uint64_t small, large;

			/* Once for what is done the first time only. */
			cost(way, what, SMALL_MIB, own);
			small = cost(way, what, SMALL_MIB, own);
			large = cost(way, what, LARGE_MIB, own);
			slope[what] = (double)(int64_t)(large - small) /
				      ((LARGE_MIB - SMALL_MIB) * 256);
		}
		printf("%-36s %12.1f %12.1f %12.1f\n", names[way], slope[ANON],
		       slope[FILE_YOUNG], slope[FILE_OLD]);
	}
	return 0;
}

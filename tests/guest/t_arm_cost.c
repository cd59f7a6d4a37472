// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What victim fds cost, and what is true at POLLIN: 10 000 of them in bytes and time,
 * the exit of any process while there is one, and how much is back in MemFree when a
 * pidfd or a victim fd says that the process is gone.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "caller.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"
#include "weigh.h"

#define HANDLES 10000
#define EXITS 300
#define RUNS 5
#define BYTES (128 * MIB)
#define PATIENCE 60000

static int dev;
static int *fds;

static long slab_kib(void)
{
	return proc_kib("/proc/meminfo", "Slab");
}

static double us_each(uint64_t start, unsigned int n)
{
	return (now_ns() - start) / 1e3 / n;
}

/* 3 points. */
static void test_handles(void)
{
	struct rlimit limit = { HANDLES + 100, HANDLES + 100 };
	struct victim victim = victim_anon(MIB, VICTIM_SLEEP, -1);
	double arm_us, close_us, end_ms;
	long before, with, after;
	bool ok = true, back = true;
	uint64_t start;
	int i;

	fds = calloc(HANDLES, sizeof(*fds));
	if (!fds || setrlimit(RLIMIT_NOFILE, &limit))
		tap_bail("setrlimit");
	before = slab_kib();
	start = now_ns();
	for (i = 0; i < HANDLES; i++) {
		fds[i] = arm(dev, victim.pidfd, MRELEASE_TEARDOWN);
		ok &= fds[i] >= 0;
	}
	arm_us = us_each(start, HANDLES);
	with = slab_kib();
	tap_ok(ok, "%d victim fds of one process", HANDLES);

	start = now_ns();
	kill(victim.pid, SIGKILL);
	for (i = 0; i < HANDLES; i++)
		back &= arm_poll(fds[i], PATIENCE);
	end_ms = (now_ns() - start) / 1e6;
	tap_ok(back, "%d victim fds: POLLIN on each", HANDLES);
	victim_reap(&victim);

	start = now_ns();
	for (i = 0; i < HANDLES; i++)
		close(fds[i]);
	close_us = us_each(start, HANDLES);
	sleep_ms(500);
	after = slab_kib();
	tap_ok((with - before) * 1024 / HANDLES < 4096,
	       "a victim fd takes less than 4 KiB");
	tap_note(
		"%d victim fds: %ld bytes each, ARM %.1f us, close(2) %.1f us each; kill to the last POLLIN %.1f ms; Slab %+ld KiB in the end",
		HANDLES, (with - before) * 1024 / HANDLES, arm_us, close_us,
		end_ms, after - before);
	free(fds);
}

static double exits_us(void)
{
	uint64_t start = now_ns();
	pid_t pid;
	int i;

	for (i = 0; i < EXITS; i++) {
		pid = fork();
		if (pid < 0)
			tap_bail("fork");
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return us_each(start, EXITS);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * No points: what a fork(2), exit and wait(2) take while there is a victim fd.  With
 * MRELEASE_LONG in the environment, or as `t_arm_cost exits`.
 */
static void measure_exits(void)
{
	double without[RUNS], with[RUNS];
	struct victim victim = victim_anon(MIB, VICTIM_SLEEP, -1);
	int i, fd;

	for (i = 0; i < RUNS; i++) {
		/* The probe stays for two seconds. */
		sleep_ms(i ? 2500 : 0);
		without[i] = exits_us();
		fd = arm_now(dev, victim.pidfd, MRELEASE_TEARDOWN);
		with[i] = exits_us();
		close(fd);
	}
	victim_end(&victim);
	qsort(without, RUNS, sizeof(*without), compare);
	qsort(with, RUNS, sizeof(*with), compare);
	tap_note(
		"fork, exit, wait: %.1f us without a victim fd (%.1f to %.1f), %.1f us with one (%.1f to %.1f)",
		without[RUNS / 2], without[0], without[RUNS - 1],
		with[RUNS / 2], with[0], with[RUNS - 1]);
}

enum way { STOCK, SYSCALL, RELEASE, TEARDOWN, TAKEN, BY_FD, WAYS };

static const char *const names[WAYS] = {
	[STOCK] = "kill(2)",
	[SYSCALL] = "kill(2) + process_mrelease(2)",
	[RELEASE] = "RELEASE, KILL",
	[TEARDOWN] = "RELEASE, KILL | TEARDOWN",
	[TAKEN] = "kill(2), armed with TEARDOWN",
	[BY_FD] = "RELEASE, KILL, by that victim fd",
};

struct seen {
	int64_t free;
	uint64_t when;
};

/* A process of its own: polls one descriptor, and looks. */
static pid_t watch(int fd, struct seen *seen)
{
	pid_t pid = fork();
	struct weight w;

	if (pid < 0)
		tap_bail("fork");
	if (pid)
		return pid;
	if (!arm_poll(fd, PATIENCE))
		_exit(1);
	weigh(&w);
	seen->when = now_ns();
	seen->free = w.free;
	_exit(0);
}

/* 1 point. */
static void test_way(enum way way)
{
	struct seen *seen = caller_shared(2 * sizeof(*seen));
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	bool takes = way == TAKEN || way == BY_FD;
	int fd = arm_now(dev, victim.pidfd, takes ? MRELEASE_TEARDOWN : 0);
	pid_t watchers[2] = { watch(victim.pidfd, &seen[0]),
			      watch(fd, &seen[1]) };
	struct weight before;
	int i, status, ret = 0;
	bool ok = true;
	uint64_t start;

	weigh_settle(dev);
	weigh(&before);
	start = now_ns();
	switch (way) {
	case RELEASE:
	case TEARDOWN:
		ret = dev_release(dev, victim.pidfd,
				  MRELEASE_KILL |
					  (way == TEARDOWN ? MRELEASE_TEARDOWN :
							     0),
				  NULL);
		break;
	case BY_FD:
		ret = arm_release(fd, MRELEASE_KILL, NULL);
		break;
	default:
		kill(victim.pid, SIGKILL);
		if (way == SYSCALL)
			sys_process_mrelease(victim.pidfd, 0);
	}
	for (i = 0; i < 2; i++)
		ok &= waitpid(watchers[i], &status, 0) == watchers[i] &&
		      !status;
	victim_reap(&victim);
	close(fd);
	tap_ok(ok && !ret &&
		       seen[1].free - before.free >= (int64_t)BYTES * 9 / 10,
	       "%s: the memory is back at POLLIN of a victim fd", names[way]);
	tap_note(
		"%-33s pidfd: %4lld MiB of %lu after %6.1f ms; victim fd: %4lld MiB after %6.1f ms",
		names[way], (long long)(seen[0].free - before.free) >> 20,
		BYTES >> 20, (seen[0].when - start) / 1e6,
		(long long)(seen[1].free - before.free) >> 20,
		(seen[1].when - start) / 1e6);
}

int main(int argc, char **argv)
{
	enum way way;

	if (argc > 1 && !strcmp(argv[1], "exits")) {
		dev = dev_open();
		measure_exits();
		return 0;
	}
	tap_plan(3 + WAYS);
	dev = dev_open();
	for (way = 0; way < WAYS; way++) {
		if (way == SYSCALL && !have_process_mrelease())
			tap_skip(
				"this kernel has not that call",
				"%s: the memory is back at POLLIN of a victim fd",
				names[way]);
		else
			test_way(way);
	}
	if (getenv("MRELEASE_LONG"))
		measure_exits();
	test_handles();
	return tap_done();
}

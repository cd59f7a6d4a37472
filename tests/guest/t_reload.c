// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module is loaded and unloaded many times, with a release in flight in
 * between.  It cannot go while one is, goes when none is, and leaves nothing
 * behind: no address space, no task, no warning.
 *
 * MRELEASE_KO names the module file.
 */
/* guest: smp=2 mem=1024 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

/* With MRELEASE_LONG in the environment all of them, else a tenth. */
#define CYCLES 200
#define VICTIM_BYTES (16 * 1024 * 1024)
/*
 * A leak of one object for each cycle would be 20 or more.  What else runs in the
 * machine may have started a process or two meanwhile.
 */
#define SLACK 10

/* Bits of /proc/sys/kernel/tainted: a died task, a warning. */
#define TAINT_SPLAT ((1UL << 7) | (1UL << 9))

static const char *module_file(void)
{
	static const char *const places[] = { "/lib/mrelease.ko",
					      "/mrelease.ko" };
	const char *path = getenv("MRELEASE_KO");
	unsigned int i;

	if (path)
		return path;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!access(places[i], R_OK))
			return places[i];
	errno = ENOENT;
	tap_bail("mrelease.ko");
}

static int load(const char *path)
{
	/* Kernels that the tests are given for a comparison have no BTF. */
	const char *params =
		access("/sys/kernel/btf/vmlinux", R_OK) ? "unchecked=1" : "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		tap_bail("%s", path);
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Once; a module in use is not waited for. */
static int unload(void)
{
	return syscall(SYS_delete_module, "mrelease", O_NONBLOCK) ? -errno : 0;
}

/* An address space may still be put, which takes a moment. */
static int unload_idle(void)
{
	uint64_t end = now_ns() + 10000000000ULL;
	int ret;

	while ((ret = unload()) == -EAGAIN && now_ns() < end)
		sleep_ms(1);
	return ret;
}

static unsigned long tainted(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint = 0;

	if (!f || fscanf(f, "%lu", &taint) != 1)
		tap_bail("/proc/sys/kernel/tainted");
	fclose(f);
	return taint;
}

/* A release, from the open to the close of the device. */
struct flight {
	struct victim victim;
	int dev;
	int ret;
	struct mrelease_result res;
	atomic_bool landed;
};

static void *fly(void *arg)
{
	struct flight *flight = arg;

	flight->ret = dev_release(flight->dev, flight->victim.pidfd,
				  MRELEASE_KILL, &flight->res);
	atomic_store(&flight->landed, true);
	close(flight->dev);
	return NULL;
}

/* What went wrong in how many cycles. */
struct tally {
	int load;
	int release;
	int went;
	int unload;
	int status;
	int in_flight;
};

/* The module is loaded when this is called, and is not when it returns. */
static void run_cycle(struct tally *tally)
{
	struct flight flight = {
		.victim = victim_anon(VICTIM_BYTES, VICTIM_SLEEP, -1),
		.dev = dev_open(),
	};
	bool refused = false;
	pthread_t thread;
	int ret;

	if (pthread_create(&thread, NULL, fly, &flight))
		tap_bail("pthread_create");
	do {
		ret = unload();
		refused |= ret == -EAGAIN || ret == -EBUSY;
		/* Only when it has closed the device may it succeed. */
		tally->went += !ret && !atomic_load(&flight.landed);
	} while (ret && !atomic_load(&flight.landed));
	pthread_join(thread, NULL);

	tally->in_flight += refused;
	tally->release += flight.ret || flight.res.anon_bytes < VICTIM_BYTES;
	tally->status += !was_killed(victim_reap(&flight.victim));
	if (ret)
		tally->unload += unload_idle() != 0;
}

int main(void)
{
	const char *path = module_file();
	long mm, task, mm_end, task_end;
	unsigned long taint = tainted();
	int cycles = getenv("MRELEASE_LONG") ? CYCLES : CYCLES / 10;
	struct tally tally = {};
	int i;

	tap_plan(10);
	tap_ok(!unload_idle(), "unloaded before the first cycle");
	mm = slab_active("mm_struct");
	task = slab_active("task_struct");

	for (i = 0; i < cycles; i++) {
		if (load(path)) {
			tally.load++;
			break;
		}
		run_cycle(&tally);
	}
	tap_ok(!tally.load && i == cycles, "loaded %d times", cycles);
	tap_ok(!tally.release && !tally.status,
	       "each time a release in between");
	tap_ok(!tally.went && tally.in_flight > cycles / 2,
	       "not unloaded while a release is in flight");
	tap_ok(!tally.unload, "unloaded when none is");
	tap_note("%d times refused while in flight", tally.in_flight);

	mm_end = slab_settled("mm_struct", mm);
	task_end = slab_settled("task_struct", task);
	tap_note("mm_struct %ld before, %ld after; task_struct %ld, %ld", mm,
		 mm_end, task, task_end);
	if (mm > 0)
		tap_ok(mm_end <= mm + SLACK, "no address space leaked");
	else
		tap_skip("no /proc/slabinfo", "no address space leaked");
	if (task > 0)
		tap_ok(task_end <= task + SLACK, "no task leaked");
	else
		tap_skip("no /proc/slabinfo", "no task leaked");

	tap_ok(!(tainted() & ~taint & TAINT_SPLAT), "no warning");
	tap_ok(access(MRELEASE_DEVICE, F_OK) && errno == ENOENT,
	       "no device while unloaded");
	tap_ok(!load(path), "loaded again at the end");
	return tap_done();
}

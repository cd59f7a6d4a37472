// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releases when there is no memory left, which is when they are wanted: each flag
 * alone and all together, with the victim or the caller in a memory cgroup that is at
 * its limit, and with none left in the whole machine.  The release completes, and the
 * memory is there.
 *
 * Without CMA (arm64), whose free pages are counted and not for everybody.
 */
/* guest: smp=2 mem=768 disk=ext4:64 append=cma=0 timeout=600 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "hold.h"
#include "kinds.h"
#include "sys.h"
#include "tap.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON_BYTES (64 * MIB)
#define PART_BYTES (8 * MIB)
#define HUGE_PAGES "4"
#define GROUPS "/sys/fs/cgroup/pressure"
#define AT_LIMIT GROUPS "/victim"
#define AT_CALL GROUPS "/caller"
#define ALL_FLAGS                                                              \
	(MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED | MRELEASE_HUGETLB | \
	 MRELEASE_TEARDOWN)

enum where { VICTIM_AT_LIMIT, CALLER_AT_LIMIT, NOTHING_FREE };

static const char *const places[] = { "victim at its limit",
				      "caller at its limit", "nothing free" };

static const struct {
	uint32_t flags;
	const char *name;
} ways[] = {
	{ 0, "flags 0" },
	{ MRELEASE_KILL, "KILL" },
	{ MRELEASE_KILL | MRELEASE_EVICT, "EVICT" },
	{ MRELEASE_KILL | MRELEASE_SHARED, "SHARED" },
	{ MRELEASE_KILL | MRELEASE_HUGETLB, "HUGETLB" },
	{ MRELEASE_KILL | MRELEASE_KILL_SHARERS, "KILL_SHARERS" },
	{ MRELEASE_KILL | MRELEASE_TEARDOWN, "TEARDOWN" },
	{ ALL_FLAGS, "all" },
};

/*
 * struct shared - what the caller and the test tell each other
 * @args: the call
 * @ret: of the call
 * @ns: duration
 * @go: call now
 * @done: it has returned
 */
struct shared {
	struct mrelease_args args;
	int ret;
	uint64_t ns;
	volatile bool go;
	volatile bool done;
};

static int dev;
static struct shared *sh;
static struct weight before, after;
static int file = -1;
static bool huge;
static uint64_t features;

static void spare_me(const char *score)
{
	if (write_file("/proc/self/oom_score_adj", score))
		_exit(94);
}

static void join(const char *group)
{
	char path[96], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_file(path, pid))
		_exit(93);
}

/* Some of everything. */
static void victim_body(void *arg)
{
	spare_me("-1000");
	if (arg)
		join(arg);
	kind_touch(kind_map(PART_BYTES, RW, MAP_SHARED, -1), PART_BYTES, PAGE);
	if (file >= 0)
		read_pages(kind_map(PART_BYTES, PROT_READ, MAP_PRIVATE, file),
			   PART_BYTES);
	if (huge)
		kind_touch(kind_map(PART_BYTES, RW, MAP_HUGETLB, -1),
			   PART_BYTES, PAGE);
	map_touched(ANON_BYTES, false);
	kind_live();
}

/* What it uses, and not a page more. */
static void limit(const char *group)
{
	char path[96], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/memory.current", group);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		tap_bail("%s", path);
	close(fd);
	snprintf(path, sizeof(path), "%s/memory.max", group);
	if (write_file(path, text))
		tap_bail("%s", path);
}

/* Everything that this needs is there before. */
static void call(void)
{
	uint64_t start = now_ns();

	sh->ret = ioctl(dev, MRELEASE_IOC_RELEASE, &sh->args) ? -errno : 0;
	sh->ns = now_ns() - start;
	sh->done = true;
}

/* It cannot even open a file any more, so the test weighs for it. */
static void caller_body(void *arg)
{
	spare_me("-1000");
	join(arg);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		_exit(92);
	map_touched(PART_BYTES, false);
	sh->done = false;
	victim_ready();
	while (!sh->go)
		sched_yield();
	call();
	for (;;)
		sched_yield();
}

/*
 * Take memory until the kernel has nothing but its reserve, and 1 MiB, so that the OOM
 * killer does not come; on each CPU, so that none has pages on its own list either.
 * One process: to start another takes memory that is not there any more.
 */
static void filler_body(void *arg)
{
	int64_t until = *(int64_t *)arg;
	size_t size = GIB * 64, off = 0, step;
	struct weight w;
	char *mem;
	int cpu;

	spare_me("1000");
	mem = kind_map(size, RW, MAP_NORESERVE, -1);
	madvise(mem, size, MADV_NOHUGEPAGE);
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		pin_to_cpu(cpu);
		for (weigh(&w); w.free > until; weigh(&w)) {
			/* Others take memory, too, and to look takes time. */
			step = (w.free - until) / 4 / PAGE * PAGE;
			if (step < 16 * PAGE)
				step = 16 * PAGE;
			kind_touch(mem + off, step, PAGE);
			off += step;
		}
	}
	kind_live();
}

/*
 * Where allocations begin to stall: what each zone has in reserve, for all and for
 * those who need memory from no other.
 */
static int64_t reserve(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long pages = 0, min = 0, kept = 0, managed = 0, n;
	char line[256];

	if (!f)
		tap_bail("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " min %ld", &n) == 1) {
			min = n;
		} else if (sscanf(line, " managed %ld", &n) == 1) {
			managed = n;
		} else if (strstr(line, " protection:")) {
			kept = atol(strrchr(line, ',') + 1);
			pages += min + kept < managed ? min + kept : managed;
		}
	}
	fclose(f);
	return pages * (int64_t)PAGE;
}

static bool is_alive(const struct victim *victim)
{
	return !kill(victim->pid, 0) && proc_state(victim->pid) != 'Z';
}

/* MemFree counts what is there at return; shmem, the file and huge pages besides. */
static bool is_back(uint32_t flags)
{
	const struct mrelease_result *res = &sh->args.result;
	int64_t rise = after.free - before.free;
	int64_t usable = after.huge_usable - before.huge_usable;
	bool ok = res->anon_bytes >= ANON_BYTES &&
		  rise >= (int64_t)(ANON_BYTES / 100 * 95);

	if ((flags & MRELEASE_HUGETLB) && huge)
		ok &= res->hugetlb_bytes == PART_BYTES &&
		      usable == (int64_t)PART_BYTES;
	if (flags & MRELEASE_SHARED)
		ok &= res->shmem_bytes >= PART_BYTES;
	return ok;
}

/* No memory, as @where says. */
static void press(enum where where, struct victim *filler)
{
	int64_t until;

	if (where == VICTIM_AT_LIMIT)
		limit(AT_LIMIT);
	if (where == CALLER_AT_LIMIT)
		limit(AT_CALL);
	if (where == NOTHING_FREE) {
		until = reserve() + MIB;
		*filler = victim_start(filler_body, &until);
	}
}

/* Returns whether it was as full as that all the time: the OOM killer had not come. */
static bool relax(enum where where, struct victim *filler)
{
	bool ret;

	if (where != NOTHING_FREE)
		return true;
	ret = before.free < reserve() + 8 * (int64_t)MIB && is_alive(filler);
	victim_end(filler);
	return ret;
}

/* 2 points. */
static void check(enum where where, unsigned int way)
{
	struct victim victim, caller, filler;
	uint32_t flags = ways[way].flags;
	bool sane;

	if (flags & ~features) {
		tap_skip("not in this build", "%s, %s: released", places[where],
			 ways[way].name);
		tap_skip("not in this build", "%s, %s: the memory is there",
			 places[where], ways[way].name);
		return;
	}
	if (mkdir(AT_LIMIT, 0700) || mkdir(AT_CALL, 0700))
		tap_bail("mkdir in " GROUPS);
	memset(sh, 0, sizeof(*sh));
	sh->args.size = sizeof(sh->args);
	sh->args.flags = flags;

	victim = victim_start(victim_body,
			      where == VICTIM_AT_LIMIT ? AT_LIMIT : NULL);
	sh->args.pidfd = victim.pidfd;
	/* Flags 0 are for what is dying already: it stops on its way out. */
	if (!flags) {
		hold_prepare(&victim);
		hold_kill(&victim);
	}
	weigh_settle(dev);
	if (where == CALLER_AT_LIMIT)
		caller = victim_start(caller_body, AT_CALL);
	press(where, &filler);

	weigh(&before);
	if (where == CALLER_AT_LIMIT) {
		sh->go = true;
		while (!sh->done)
			sched_yield();
	} else {
		call();
	}
	weigh(&after);

	sane = relax(where, &filler);
	if (where == CALLER_AT_LIMIT)
		victim_end(&caller);
	if (flags)
		victim_reap(&victim);
	else
		hold_end(&victim);
	rmdir(AT_LIMIT);
	rmdir(AT_CALL);

	tap_ok(!sh->ret && sane, "%s, %s: released", places[where],
	       ways[way].name);
	tap_ok(is_back(flags), "%s, %s: the memory is there at return",
	       places[where], ways[way].name);
	tap_note(
		"%-19s %-8s %4s MemFree %6lld -> %6lld KiB, freed %6llu left %5llu evicted %4llu KiB, reasons %#x, %6.1f ms",
		places[where], ways[way].name, err_name(sh->ret),
		(long long)before.free / 1024, (long long)after.free / 1024,
		sh->args.result.freed_bytes >> 10,
		sh->args.result.left_bytes >> 10,
		sh->args.result.evicted_bytes >> 10,
		sh->args.result.left_reasons, sh->ns / 1e6);
}

int main(void)
{
	struct mrelease_info info = { .size = sizeof(info) };
	static struct fs list[FS_MAX];
	unsigned int where, way, n;

	tap_plan(2 * ARRAY_SIZE(places) * ARRAY_SIZE(ways));
	/* What it copies is kept by its CPU for a while, and not in MemFree. */
	khugepaged_rest();
	dev = dev_open();
	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("MRELEASE_IOC_INFO");
	features = info.features & MRELEASE_FEAT_FLAGS;
	write_file("/dev/kmsg", "<6>mrelease-test: expect Call Trace");
	spare_me("-1000");
	if (mkdir(GROUPS, 0700) ||
	    write_file(GROUPS "/cgroup.subtree_control", "+memory"))
		tap_bail(GROUPS);
	sh = caller_shared(sizeof(*sh));
	write_file("/proc/sys/vm/nr_hugepages", HUGE_PAGES);
	huge = proc_kib("/proc/meminfo", "HugePages_Free") == atol(HUGE_PAGES);
	n = fs_list(list, FS_MAX, false);
	if (n && list[0].backed) {
		file_make(&list[0], "pressure", PART_BYTES);
		file = file_open(&list[0], "pressure", O_RDONLY);
	}
	mlockall(MCL_CURRENT | MCL_FUTURE);

	for (where = 0; where < ARRAY_SIZE(places); where++) {
		/*
		 * The free pages that a CPU keeps for itself, among them huge ones that
		 * the filler has no use for, are not free to the OOM killer.
		 */
		write_file("/proc/sys/vm/percpu_pagelist_high_fraction",
			   where == NOTHING_FREE ? "1000000" : "0");
		for (way = 0; way < ARRAY_SIZE(ways); way++)
			check(where, way);
	}
	write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "0");
	write_file("/proc/sys/vm/nr_hugepages", "0");
	if (file >= 0)
		file_remove(&list[0], "pressure");
	rmdir(GROUPS);
	return tap_done();
}

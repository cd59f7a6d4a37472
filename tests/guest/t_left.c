// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is left, and why: each reason is reached by a case, and left_bytes is what the
 * victim still has.  To see that, it is held on its way out, with its memory, until
 * its page tables have been looked at.  LEFT_NOTIFIER is in t_notifier.
 */
/* guest: smp=2 mem=2048 timeout=240 */
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "hold.h"
#include "kinds.h"
#include "robust.h"
#include "sys.h"
#include "tap.h"

#define CASES 12
#define POINTS 3
#define RW (PROT_READ | PROT_WRITE)
#define ROM 0xf0000
#define ROM_BYTES (64 * 1024UL)
#define GROUP "/sys/fs/cgroup/left"
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"
#define PAGE 4096UL

static int dev;
static size_t big = 512 * MIB;

static uint64_t sum(const struct footprint *fp)
{
	return fp->anon + fp->file + fp->shmem + fp->swap + fp->hugetlb;
}

/*
 * Up to 6.1 each thread has up to 64 pages in a count of its own, and those of other
 * processes with the same memory are not asked.
 */
static uint64_t not_counted;

static bool is_all(uint64_t bytes, uint64_t want)
{
	return bytes && bytes <= want && want - bytes <= not_counted;
}

/* 3 points, with what the victim has now. */
static void check(const char *name, int ret, int want,
		  const struct mrelease_result *res, uint32_t reasons,
		  const struct footprint *fp)
{
	tap_ok(ret == want, "%s: %s", name, err_name(want));
	tap_ok(res->left_reasons == reasons, "%s: the reason", name);
	tap_ok(is_all(res->left_bytes, sum(fp)),
	       "%s: left_bytes is what is left", name);
	tap_note("%-22s %9s left %8llu KiB of %8llu, reasons %#5x, notes %#x",
		 name, err_name(ret), res->left_bytes >> 10,
		 (unsigned long long)sum(fp) >> 10, res->left_reasons,
		 res->notes);
}

static void skip(const char *why, const char *name)
{
	unsigned int i;

	for (i = 0; i < POINTS; i++)
		tap_skip(why, "%s", name);
}

/* Pages of the machine itself, mapped privately and written to: copies, anonymous. */
static void pfnmap_body(void *arg)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	char *mem = mmap(NULL, ROM_BYTES, RW, MAP_PRIVATE, fd, ROM);

	(void)arg;
	if (fd < 0 || mem == MAP_FAILED)
		_exit(95);
	kind_touch(mem, ROM_BYTES, PAGE);
	kind_live();
}

/* Kill it by the call, and look at it where it is held. */
static void check_held(const char *name, void (*body)(void *arg),
		       uint32_t flags, uint32_t timeout_ms, int want,
		       uint32_t reasons)
{
	struct victim victim = victim_start(body, NULL);
	struct mrelease_result res;
	struct footprint fp;
	int ret;

	hold_prepare(&victim);
	ret = dev_release_timeout(dev, victim.pidfd, flags, timeout_ms, &res);
	hold_wait(&victim);
	footprint_read(victim.pid, &fp);
	/* The page tables of such a mapping are passed over by smaps, in 6.1. */
	if (body == pfnmap_body)
		fp.anon = ROM_BYTES;
	check(name, ret, want, &res, reasons, &fp);
	hold_end(&victim);
}

/* Refused or not: nothing is done to it, and it is looked at alive. */
static void check_alive(const char *name, struct victim *victim,
			uint32_t timeout_ms, int want, uint32_t reasons)
{
	struct mrelease_result res;
	struct footprint fp;
	int ret;

	footprint_read(victim->pid, &fp);
	ret = dev_release_timeout(dev, victim->pidfd, MRELEASE_KILL, timeout_ms,
				  &res);
	check(name, ret, want, &res, reasons, &fp);
}

static void robust_body(void *arg)
{
	struct robust_list_head *head = (void *)map_touched(4096, false);
	struct robust_lock *lock = (void *)map_touched(4 * 4096, false);

	(void)arg;
	robust_init(head);
	robust_take(head, lock);
	robust_register(head);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static volatile bool sharing;

static int sleeper(void *arg)
{
	(void)arg;
	/* With its parent, the victim. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sharing = true;
	/* It returns nothing but -1. */
	while (pause())
		;
	return 0;
}

/* Another process, not a thread, with the same address space. */
static void sharer_body(void *arg)
{
	char *stack = map_touched(64 * 1024, false);

	(void)arg;
	if (clone(sleeper, stack + 64 * 1024, CLONE_VM | SIGCHLD, NULL) < 0)
		_exit(95);
	while (!sharing)
		sched_yield();
	kind_live();
}

static void check_sharer(void)
{
	struct victim victim = victim_start(sharer_body, NULL);

	not_counted = kernel_before(6, 2) ? 64 * PAGE : 0;
	check_alive("SHARED", &victim, 0, -EINVAL, MRELEASE_LEFT_SHARED);
	not_counted = 0;
	victim_end(&victim);
}

static void big_body(void *arg)
{
	(void)arg;
	map_touched(big, false);
	kind_live();
}

/* The call that is killed cannot say anything, but what it has written can be read. */
static void check_signal(void)
{
	struct mrelease_args *args = caller_shared(sizeof(*args));
	struct victim victim = victim_start(kind_memfd_both, NULL);
	struct footprint fp;
	int status;
	pid_t pid;

	hold_prepare(&victim);
	*args = (struct mrelease_args){ .size = sizeof(*args),
					.pidfd = victim.pidfd,
					.flags = MRELEASE_KILL |
						 MRELEASE_TEARDOWN };
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	/* It waits for a victim that does not go on. */
	if (!pid)
		_exit(ioctl(dev, MRELEASE_IOC_RELEASE, args));
	hold_wait(&victim);
	if (!proc_wait_asleep(pid, "mr_victim_let_go", 10000))
		tap_bail("the caller does not sleep");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	footprint_read(victim.pid, &fp);
	check("SIGNAL", was_killed(status) ? -EINTR : 0, -EINTR, &args->result,
	      MRELEASE_LEFT_SIGNAL | MRELEASE_LEFT_SHARED_MAP, &fp);
	hold_end(&victim);
	/* Later victims shall not have it. */
	munmap(args, sizeof(*args));
}

/* Shared memory of the group it came from, then more of its own than it may have. */
static void oom_body(void *arg)
{
	char pid[16];

	(void)arg;
	kind_touch(kind_map(KIND_SMALL, RW, MAP_SHARED, -1), KIND_SMALL, PAGE);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_file(GROUP "/cgroup.procs", pid))
		_exit(95);
	map_touched(2 * KIND_SMALL, false);
	kind_live();
}

/*
 * A victim of the OOM killer, whose memory its reaper has taken: then there is nothing
 * to do, and the exit of the victim does the rest.
 */
static void check_exiting(void)
{
	struct victim victim;
	struct mrelease_result res;
	struct footprint fp;
	unsigned int i;
	pid_t pid;
	int ret;

	if (mkdir(GROUP, 0700) && errno != EEXIST) {
		skip("no cgroup v2", "EXITING");
		return;
	}
	write_file("/dev/kmsg", "<6>mrelease-test: expect Call Trace");
	victim = victim_start(oom_body, NULL);
	hold_prepare(&victim);
	pid = fork();
	/* It may take as long as the kill. */
	if (!pid)
		_exit(write_file(GROUP "/memory.max", "8388608"));
	hold_wait(&victim);
	for (i = 0; i < 1000 && anon_bytes(victim.pid); i++)
		sleep_ms(10);
	sleep_ms(200);
	footprint_read(victim.pid, &fp);
	ret = dev_release(dev, victim.pidfd, 0, &res);
	check("EXITING", ret, 0, &res, MRELEASE_LEFT_EXITING, &fp);
	hold_end(&victim);
	waitpid(pid, NULL, 0);
	rmdir(GROUP);
}

static void dump_body(void *arg)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	setrlimit(RLIMIT_CORE, &unlimited);
	map_touched(KIND_SMALL, false);
	victim_ready();
	abort();
}

/* A core dump to a program that does not read it. */
static void check_dump(void)
{
	char was[128] = "core";
	int fd = open(CORE_PATTERN, O_RDONLY | O_CLOEXEC);
	struct victim victim;
	unsigned int i;

	if (fd < 0 || read(fd, was, sizeof(was) - 1) <= 0)
		tap_bail(CORE_PATTERN);
	close(fd);
	if (write_file(CORE_PATTERN, "|/bin/sleep 3"))
		tap_bail(CORE_PATTERN);
	victim = victim_start(dump_body, NULL);
	for (i = 0;
	     i < 1000 && proc_pid_kib(victim.pid, "status", "CoreDumping") != 1;
	     i++)
		sleep_ms(10);
	sleep_ms(100);
	check_alive("DUMP", &victim, 0, -EBUSY, MRELEASE_LEFT_DUMP);
	write_file(CORE_PATTERN, was);
	victim_end(&victim);
}

/* A single page of a file on top, which zapping begins with, and a lot below. */
static void page_body(void *arg)
{
	volatile char **where = arg;
	int fd = memfd_create("mrelease-test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAGE))
		_exit(95);
	*where = kind_map(PAGE, PROT_READ, MAP_PRIVATE, fd);
	(void)**where;
	/* Nor anything else that would be left. */
	munmap(arg, PAGE);
	map_touched(KIND_BYTES, false);
	kind_live();
}

/* Another process reads that page again and again, which maps it in the victim. */
static void reader_body(void *arg)
{
	const struct victim *victim = ((void **)arg)[0];
	char **where = ((void **)arg)[1], byte;
	struct iovec to = { &byte, 1 }, from = { *where, 1 };

	pin_to_cpu(nr_cpus() - 1);
	victim_ready();
	for (;;)
		process_vm_readv(victim->pid, &to, 1, &from, 1, 0);
}

/*
 * Whether the reader has its CPU while the rest is unmapped is up to the machine: if
 * it has not, the page comes back after the call, which then has to say that nothing
 * is left.  So it is given some chances; each time what is said is true.
 */
static void check_other(void)
{
	char **where = caller_shared(sizeof(*where));
	struct mrelease_result res;
	struct footprint fp;
	unsigned int i;
	int ret;

	for (i = 0; i < 20; i++) {
		struct victim victim = victim_start(page_body, where), reader;
		void *arg[] = { &victim, where };

		hold_prepare(&victim);
		reader = victim_start(reader_body, arg);
		ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
		hold_wait(&victim);
		footprint_read(victim.pid, &fp);
		hold_end(&victim);
		victim_end(&reader);
		if (ret || res.left_bytes || res.left_reasons || res.notes)
			break;
		tap_note("OTHER: nobody read in time");
	}
	check("OTHER", ret, 0, &res, MRELEASE_LEFT_OTHER, &fp);
}

int main(int argc, char **argv)
{
	tap_plan(CASES * POINTS);
	big /= weigh_scale(argc, argv);
	dev = dev_open();

	check_sharer();
	check_held("SHARED_MAP", kind_memfd_both, MRELEASE_KILL, 0, 0,
		   MRELEASE_LEFT_SHARED_MAP);
	if (no_hugetlb())
		skip(no_hugetlb(), "HUGETLB");
	else
		check_held("HUGETLB", kind_hugetlb, MRELEASE_KILL, 0, 0,
			   MRELEASE_LEFT_HUGETLB);
	kinds_end();

	if (access("/dev/mem", W_OK))
		skip("no /dev/mem", "PFNMAP");
	else
		check_held("PFNMAP", pfnmap_body, MRELEASE_KILL, 0, 0,
			   MRELEASE_LEFT_PFNMAP);
	if (kernel_before(5, 18))
		check_held("LOCKED", kind_mlocked, MRELEASE_KILL, 0, 0,
			   MRELEASE_LEFT_LOCKED);
	else
		skip("since 5.18 it can be unmapped from outside", "LOCKED");
	check_held("ROBUST", robust_body, MRELEASE_KILL, 0, 0,
		   MRELEASE_LEFT_ROBUST);
	check_held("TIMEOUT", big_body, MRELEASE_KILL, 1, -ETIMEDOUT,
		   MRELEASE_LEFT_TIMEOUT);
	check_held("TIMEOUT, shared", kind_memfd_both,
		   MRELEASE_KILL | MRELEASE_TEARDOWN, DEADLINE_MS, -ETIMEDOUT,
		   MRELEASE_LEFT_TIMEOUT | MRELEASE_LEFT_SHARED_MAP);
	check_signal();
	check_exiting();
	check_dump();
	check_other();
	return tap_done();
}

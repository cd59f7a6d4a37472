// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MRELEASE_TEARDOWN: at return the address space is gone, with page tables, mappings
 * and the files that they held open; and a caller who waits for one that does not go
 * can be killed, and has a deadline.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "files.h"
#include "kinds.h"
#include "sys.h"
#include "tap.h"

#define DISK "/mnt"
#define TMPFS "/tmp/teardown"
#define FLAGS (MRELEASE_KILL | MRELEASE_TEARDOWN)
#define FILE_BYTES (16 * MIB)
/* A page in each 2 MiB has as many page tables as pages. */
#define SPARSE (16 * GIB)
#define STEP (2 * MIB)

static int dev;
static int disk = -1;
static int go_pipe[2];
/* References to the module at the start: our own descriptor. */
static int idle_refs;

static void sparse_body(void *arg)
{
	char *mem = kind_map(*(size_t *)arg, PROT_READ | PROT_WRITE,
			     MAP_NORESERVE, -1);

	madvise(mem, *(size_t *)arg, MADV_NOHUGEPAGE);
	kind_touch(mem, *(size_t *)arg, STEP);
	kind_live();
}

/* 2 points; without the flag the tables go with the victim's own exit, whenever. */
static void check_page_tables(size_t scale)
{
	size_t bytes = SPARSE / scale;
	int64_t tables = bytes / STEP * 4096, fell;
	struct victim victim = victim_start(sparse_body, &bytes);
	struct scales s;

	scales_release(dev, &victim, FLAGS, 0, &s);
	fell = s.before.page_tables - s.after.page_tables;
	tap_ok(!s.ret && scales_exact(&s, 0, 0, 0), "page tables: released");
	tap_ok(fell >= tables - tables / 50, "page tables: are gone at return");
	victim_reap(&victim);
	scales_note("page tables, TEARDOWN", &s);
	tap_note("page tables: PageTables %+lld of %lld KiB",
		 (long long)-fell / 1024, (long long)tables / 1024);

	victim = victim_start(sparse_body, &bytes);
	scales_release(dev, &victim, MRELEASE_KILL, 0, &s);
	victim_reap(&victim);
	tap_note("page tables: PageTables %+lld KiB without the flag",
		 (long long)(s.after.page_tables - s.before.page_tables) /
			 1024);
}

struct mapped {
	const char *path;
	int flags;
	bool keep_name;
};

/* Nobody but the mapping has the file then. */
static void mapped_body(void *arg)
{
	const struct mapped *m = arg;
	int fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		_exit(95);
	file_fill(fd, FILE_BYTES, 'm');
	fsync(fd);
	read_pages(kind_map(FILE_BYTES, PROT_READ | PROT_WRITE, m->flags, fd),
		   FILE_BYTES);
	if (!m->keep_name)
		unlink(m->path);
	close(fd);
	kind_live();
}

static int64_t used(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs))
		tap_bail("statfs %s", dir);
	return (int64_t)(fs.f_blocks - fs.f_bfree) * fs.f_bsize;
}

/* 2 points: an unlinked file whose last user was the victim. */
static void check_unlinked(const char *name, const char *dir, const char *path,
			   int flags)
{
	struct mapped m = { .path = path, .flags = flags };
	int64_t before, had, after;
	struct victim victim;
	struct scales s;

	before = used(dir);
	victim = victim_start(mapped_body, &m);
	had = used(dir) - before;
	scales_release(dev, &victim, FLAGS, 0, &s);
	after = used(dir) - before;
	victim_reap(&victim);
	tap_ok(!s.ret && had >= (int64_t)FILE_BYTES, "%s: released", name);
	tap_ok(after < (int64_t)MIB,
	       "%s: the file system has its blocks back at return", name);
	tap_note("%s: %lld KiB of the file system in use, %lld at return", name,
		 (long long)had / 1024, (long long)after / 1024);
	scales_note(name, &s);
}

/* 2 points. */
static void check_umount(void)
{
	struct mapped m = { TMPFS "/file", MAP_PRIVATE, .keep_name = true };
	struct victim victim = victim_start(mapped_body, &m);
	struct scales s;
	int busy, ret;

	busy = umount2(TMPFS, 0) ? -errno : 0;
	scales_release(dev, &victim, FLAGS, 0, &s);
	ret = umount2(TMPFS, 0) ? -errno : 0;
	victim_reap(&victim);
	tap_ok(busy == -EBUSY, "umount(2) beside the victim: EBUSY");
	if (!tap_ok(!s.ret && !ret, "umount(2) at return: 0"))
		tap_note("release %s, umount %s", err_name(s.ret),
			 err_name(ret));
}

/* 2 points: shmem without a name, with SHARED and by the teardown alone. */
static void check_shmem(const char *name, uint32_t flags)
{
	struct victim victim = victim_start(kind_memfd_both, NULL);
	struct scales s;
	int64_t fell, want = KIND_BYTES + KIND_BYTES / 2;

	scales_release(dev, &victim, flags, 0, &s);
	victim_reap(&victim);
	fell = s.before.shmem - s.after.shmem;
	tap_ok(!s.ret && fell >= (int64_t)(KIND_BYTES - MIB),
	       "%s: Shmem has fallen at return", name);
	tap_ok(scales_rise(&s) >= want - want / 50,
	       "%s: it is in MemFree at return", name);
	tap_note("%s: Shmem %+lld KiB", name, (long long)-fell / 1024);
	scales_note(name, &s);
}

/* Asleep in state D in a write(2) to a frozen file system, where no signal reaches it. */
static void stuck_body(void *arg)
{
	int fd = open(DISK "/stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char byte;

	(void)arg;
	if (fd < 0)
		_exit(95);
	map_touched(KIND_BYTES, false);
	victim_ready();
	if (read(go_pipe[0], &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		_exit(94);
	_exit(93);
}

static struct victim stuck_start(void)
{
	struct victim victim = victim_start(stuck_body, NULL);

	if (ioctl(disk, FIFREEZE, 0) || write(go_pipe[1], "", 1) != 1)
		tap_bail("FIFREEZE");
	if (!proc_wait_state(victim.pid, "D", 10000))
		tap_bail("no state D");
	return victim;
}

/* 4 points. */
static void check_deadline(void)
{
	struct victim victim = stuck_start();
	struct scales s;
	bool in_d;

	scales_release(dev, &victim, FLAGS, DEADLINE_MS, &s);
	in_d = proc_state(victim.pid) == 'D';
	if (ioctl(disk, FITHAW, 0))
		tap_bail("FITHAW");
	tap_ok(s.ret == -ETIMEDOUT && s.ms >= DEADLINE_MS && in_d,
	       "deadline: ETIMEDOUT, not before it");
	tap_ok(s.res.anon_bytes >= KIND_BYTES && scales_exact(&s, 0, 0, 0),
	       "deadline: the result says what came back until then");
	tap_ok(was_killed(victim_reap(&victim)),
	       "deadline: killed by SIGKILL after the thaw");
	tap_ok(module_wait(idle_refs, 5000),
	       "deadline: the module has let go of everything");
	scales_note("deadline", &s);
}

/* 4 points. */
static void check_caller_killed(void)
{
	struct victim victim = stuck_start();
	int status = -1;
	uint64_t start;
	double ms;
	pid_t pid;
	bool in_s;

	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		dev_release(dev, victim.pidfd, FLAGS, NULL);
		_exit(0);
	}
	in_s = proc_wait_asleep(pid, "mr_victim_let_go", 10000);
	start = now_ns();
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		tap_bail("waitpid");
	ms = (now_ns() - start) / 1e6;
	tap_ok(in_s && was_killed(status),
	       "caller killed: it was waiting, and dies");
	tap_ok(proc_state(victim.pid) == 'D',
	       "caller killed: the victim is in state D still");
	if (ioctl(disk, FITHAW, 0))
		tap_bail("FITHAW");
	tap_ok(was_killed(victim_reap(&victim)),
	       "caller killed: the victim dies after the thaw");
	tap_ok(module_wait(idle_refs, 5000),
	       "caller killed: the module has let go of everything");
	tap_note("caller killed: gone after %.1f ms", ms);
}

/* However the deadline falls between two ticks: not before it, and no other answer. */
static bool deadlines_hold(void)
{
	struct mrelease_result res;
	struct victim victim;
	uint32_t i, ms;
	bool ok = true;
	int ret;

	for (i = 0; i < 24; i++) {
		ms = 60 + 7 * i % 24;
		victim = victim_start(kind_aio, NULL);
		ret = dev_release_timeout(dev, victim.pidfd, FLAGS, ms, &res);
		if (ret != -ETIMEDOUT || res.elapsed_ns < ms * 1000000ULL) {
			tap_note("%u ms: %s after %.1f ms", ms, err_name(ret),
				 res.elapsed_ns / 1e6);
			ok = false;
		}
		victim_reap(&victim);
	}
	return ok;
}

/* 5 points: the last reference is put by a work queue, and may take any time. */
static void check_aio(void)
{
	const char *why = no_nullb();
	struct victim victim;
	struct scales s;
	unsigned int i;
	uint64_t start;

	if (why) {
		for (i = 0; i < 5; i++)
			tap_skip(why, "AIO in flight");
		return;
	}
	start = now_ns();
	victim = victim_start(kind_aio, NULL);
	s.ret = dev_release_timeout(dev, victim.pidfd, FLAGS, 500, &s.res);
	s.ms = (now_ns() - start) / 1e6;
	tap_ok(s.ret == -ETIMEDOUT && s.res.anon_bytes >= KIND_SMALL,
	       "AIO in flight: ETIMEDOUT, with what came back");
	tap_note("AIO in flight: %s, left %llu KiB, reasons %#x after %.0f ms",
		 err_name(s.ret), s.res.left_bytes >> 10, s.res.left_reasons,
		 s.ms);
	tap_ok(was_killed(victim_reap(&victim)),
	       "AIO in flight: killed by SIGKILL");
	tap_ok(deadlines_hold(), "AIO in flight: ETIMEDOUT at any deadline");
	tap_ok(module_wait(idle_refs, 20000),
	       "AIO in flight: the module lets go of everything at last");

	victim = victim_start(kind_aio, NULL);
	start = now_ns();
	s.ret = dev_release(dev, victim.pidfd, FLAGS, &s.res);
	s.ms = (now_ns() - start) / 1e6;
	victim_reap(&victim);
	tap_ok(!s.ret && s.ms > 1000,
	       "AIO in flight, no deadline: 0 when it is there");
	tap_note("AIO in flight, no deadline: %.0f ms", s.ms);
}

int main(int argc, char **argv)
{
	tap_plan(2 + 2 * 3 + 2 + 2 * 2 + 4 + 4 + 5);
	khugepaged_rest();
	dev = dev_open();
	disk = open(DISK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (disk < 0 || pipe2(go_pipe, O_CLOEXEC))
		tap_bail(DISK);
	mkdir(TMPFS, 0700);
	if (mount("tmpfs", TMPFS, "tmpfs", 0, NULL))
		tap_bail("mount tmpfs");
	thaw_at_the_end(disk, dev);
	sleep_ms(50);
	idle_refs = module_refs();

	check_page_tables(weigh_scale(argc, argv));
	check_unlinked("unlinked, ext4, private", DISK, DISK "/file",
		       MAP_PRIVATE);
	check_unlinked("unlinked, ext4, shared", DISK, DISK "/file",
		       MAP_SHARED);
	check_unlinked("unlinked, tmpfs, shared", TMPFS, TMPFS "/file",
		       MAP_SHARED);
	check_umount();
	check_shmem("memfd, SHARED", FLAGS | MRELEASE_SHARED);
	check_shmem("memfd, TEARDOWN alone", FLAGS);
	check_deadline();
	check_caller_killed();
	check_aio();
	return tap_done();
}

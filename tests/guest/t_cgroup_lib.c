// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cgroups by the library: of version 2 by each back end, and of version 1, which the
 * module does not know, by what cgroup.procs says.
 */
/* guest: smp=2 mem=1024 timeout=180 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mrelease.h>

#include "caller.h"
#include "group.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define NR 3
#define ROOM 8
#define MOUNT "/tmp/named"
#define GROUP MOUNT "/a"

static struct mrelease_target targets[ROOM];
static struct mrelease_result total;
static uint32_t nr;

static void put(const char *dir, pid_t pid)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(text, sizeof(text), "%d", pid);
	errno = -write_file(path, text);
	if (errno)
		tap_bail("%s", path);
}

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		tap_bail("open %s", dir);
	return fd;
}

static int release(struct mrelease *h, const char *dir)
{
	int fd = open_dir(dir);
	int ret;

	nr = ROOM;
	ret = mrelease_release_cgroup(h, fd, targets, &nr, MRELEASE_KILL, 20000,
				      &total) ?
		      -errno :
		      0;
	close(fd);
	return ret;
}

/* 4 points. */
static void check(struct mrelease *h, const char *dir, const char *what)
{
	const char *name = mrelease_backend_name(mrelease_backend(h));
	struct victim v[NR], out;
	unsigned int i, told = 0, j;
	/* What /proc says may be off by a batch for each CPU. */
	uint64_t least = mrelease_backend(h) == MRELEASE_BACKEND_DEVICE ?
				 4 * MIB :
				 3 * MIB;
	bool dead = true;
	char below[128];
	int ret;

	snprintf(below, sizeof(below), "%s/b", dir);
	for (i = 0; i < NR; i++) {
		v[i] = victim_anon(4 * MIB, VICTIM_SLEEP, -1);
		put(i ? below : dir, v[i].pid);
	}
	out = victim_anon(MIB, VICTIM_SLEEP, -1);
	ret = release(h, dir);
	if (!tap_ok(!ret && nr == NR && total.victims == NR,
		    "%s, %s: %d processes", name, what, NR))
		tap_note("%s, %u found, %u victims", err_name(ret), nr,
			 total.victims);
	for (i = 0; i < NR; i++)
		for (j = 0; j < nr && j < ROOM; j++)
			told += targets[j].pid == v[i].pid &&
				!targets[j].error && targets[j].pidfd == -1 &&
				targets[j].result.anon_bytes >= least;
	if (!tap_ok(told == NR && total.anon_bytes >= NR * least,
		    "%s, %s: each one gave what it had", name, what))
		tap_note("%u told, %llu bytes", told,
			 (unsigned long long)total.anon_bytes);
	for (i = 0; i < NR; i++)
		dead &= was_killed(victim_reap(&v[i]));
	tap_ok(dead, "%s, %s: all died of SIGKILL", name, what);
	tap_ok(anon_bytes(out.pid) >= MIB, "%s, %s: nobody else did", name,
	       what);
	victim_end(&out);
}

struct from_inside {
	struct mrelease *h;
	const char *dir;
};

static int call_from_inside(void *arg)
{
	struct from_inside *f = arg;
	int ret;

	put(f->dir, getpid());
	ret = release(f->h, f->dir);
	put(MOUNT, getpid());
	return ret;
}

static int call_as_user(void *arg)
{
	struct from_inside *f = arg;

	caller_become(1000, 1000, 1000);
	return release(f->h, f->dir);
}

/* 5 points. */
static void check_refusals(struct mrelease *h)
{
	struct from_inside f = { h, GROUP };
	struct victim v = victim_anon(MIB, VICTIM_SLEEP, -1);
	char pid[16];
	int ret;

	put(GROUP, v.pid);
	ret = caller_run(call_from_inside, &f);
	tap_ok(ret == -EINVAL && anon_bytes(v.pid) >= MIB,
	       "version 1, the caller inside: EINVAL");
	ret = caller_run(call_as_user, &f);
	if (!tap_ok(ret == -EPERM && anon_bytes(v.pid) >= MIB,
		    "version 1, another user's: EPERM"))
		tap_note("%s", err_name(ret));

	/* A trap: root is asked to clean up something that looks like a cgroup. */
	mkdir("/tmp/trap", 0755);
	snprintf(pid, sizeof(pid), "%d\n", v.pid);
	ret = open("/tmp/trap/cgroup.procs", O_CREAT | O_WRONLY, 0644);
	if (ret < 0 || write(ret, pid, strlen(pid)) < 0)
		tap_bail("/tmp/trap");
	close(ret);
	ret = release(h, "/tmp/trap");
	tap_ok(ret == -EBADF && anon_bytes(v.pid) >= MIB,
	       "what only looks like a cgroup: EBADF");

	ret = release(h, GROUP);
	tap_ok(!ret && nr == 1 && was_killed(victim_reap(&v)),
	       "version 1: then it is killed");
	ret = release(h, GROUP);
	tap_ok(!ret && !nr && !total.victims, "version 1, empty: nothing");
}

/* 2 points: one who forks, but not as a bomb does: that can outrun the library. */
static void forking_body(void *arg)
{
	int i;

	(void)arg;
	map_touched(256 * 1024, false);
	victim_ready();
	group_wait_go();
	for (i = 0; i < 100; i++) {
		if (!fork())
			break;
		sleep_ms(1);
	}
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static void check_forking(struct mrelease *h)
{
	struct victim v;
	uint64_t end;
	char text[8];
	FILE *f;
	int ret;

	group_go_setup();
	v = victim_start(forking_body, NULL);
	put(GROUP, v.pid);
	kill(v.pid, SIGUSR1);
	sleep_ms(10);
	ret = release(h, GROUP);
	tap_note("%u found", nr);
	tap_ok(!ret && total.victims == nr, "version 1, forking: no error");
	end = now_ns() + 10000000000ULL;
	do {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		f = fopen(GROUP "/cgroup.procs", "re");
		ret = f && fgets(text, sizeof(text), f);
		if (f)
			fclose(f);
	} while (ret && now_ns() < end);
	tap_ok(!ret, "version 1, forking: nobody is left");
	close(v.pidfd);
}

int main(void)
{
	static const enum mrelease_backend backends[] = {
		MRELEASE_BACKEND_DEVICE,
		MRELEASE_BACKEND_SYSCALL,
		MRELEASE_BACKEND_SIGNAL,
	};
	struct mrelease *device = NULL;
	unsigned int i;

	tap_plan(3 * 8 + 5 + 2);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");
	mkdir("/tmp", 01777);
	mkdir(MOUNT, 0755);
	if (mount("named", MOUNT, "cgroup", 0, "none,name=mrelease-test"))
		tap_bail("mount cgroup v1");
	if (mkdir(GROUP, 0755) || mkdir(GROUP "/b", 0755))
		tap_bail("mkdir " GROUP);
	group_make("a");
	group_make("a/b");

	for (i = 0; i < 3; i++) {
		struct mrelease *h = mrelease_open(backends[i]);

		if (!h && backends[i] == MRELEASE_BACKEND_SYSCALL &&
		    !have_process_mrelease()) {
			unsigned int j;

			for (j = 0; j < 8; j++)
				tap_skip("no process_mrelease(2)", "syscall");
			continue;
		}
		if (!h)
			tap_bail("mrelease_open");
		check(h, "/sys/fs/cgroup/test.a", "version 2");
		check(h, GROUP, "version 1");
		if (backends[i] == MRELEASE_BACKEND_DEVICE)
			device = h;
		else
			mrelease_close(h);
	}
	check_refusals(device);
	check_forking(device);
	mrelease_close(device);
	group_remove("a/b");
	group_remove("a");
	if (rmdir(GROUP "/b") || rmdir(GROUP) || umount(MOUNT))
		tap_note("the hierarchy stays: %s", strerror(errno));
	return tap_done();
}

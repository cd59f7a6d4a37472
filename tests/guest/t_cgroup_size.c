// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fork bomb and a container, each ended in one call.  Beside them, in the same boot,
 * what daemons do: all pidfds, cgroup.kill, process_mrelease(2) for one after the other;
 * and SIGKILL for each that is listed, until nobody is.
 *
 * With MRELEASE_LONG in the environment a bomb of 5000 processes and a container of 50
 * with 2 GiB; else small ones, and the first two ways.
 */
/* guest: smp=2 mem=3072 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "group.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"
#include "weigh.h"

#define KIB 1024UL
#define GROUP "size"
#define FILES "/sys/fs/cgroup/test." GROUP "/"
#define LISTED_MAX MRELEASE_CGROUP_MAX
/* As good as for ever. */
#define PATIENCE_NS 600000000000ULL

/*
 * struct scene - who is in the cgroup
 * @bytes: of memory of its own that each has
 * @bomb: they fork all the time, and may not make more of themselves
 */
struct scene {
	const char *name;
	unsigned int processes;
	size_t bytes;
	bool bomb;
};

static const struct scene scenes[][2] = {
	{ { "bomb", 100, 128 * KIB, true },
	  { "container", 10, 8 * MIB, false } },
	{ { "bomb", 5000, 128 * KIB, true },
	  { "container", 50, 2 * GIB / 50, false } },
};

enum way { WAY_CALL, WAY_SERIAL, WAY_KILL, WAYS };

static const char *const names[WAYS] = {
	[WAY_CALL] = "RELEASE_CGROUP",
	[WAY_SERIAL] = "cgroup.kill + process_mrelease",
	[WAY_KILL] = "kill(2) until nobody is listed",
};

/*
 * struct outcome - of one way
 * @ret: of the call, or how many of several failed
 * @missed: of how many it was said that they are gone, be their memory so or not
 * @ns: until all calls had returned
 * @listed: processes in the cgroup then
 * @had: kB that MemFree lost to them
 * @back: kB of it that were back when all calls had returned
 * @later: a second after
 */
struct outcome {
	int ret;
	unsigned int missed;
	uint64_t ns;
	unsigned int listed;
	long had;
	long back;
	long later;
};

static struct batch b;
static bool all; /* at full length */
static int dev;
static pid_t pids[LISTED_MAX];
static int fds[LISTED_MAX];

static void bomb_body(void *arg)
{
	size_t bytes = *(size_t *)arg;
	char *mem = map_touched(bytes, false);

	victim_ready();
	group_wait_go();
	for (;;) {
		if (!fork())
			memset(mem, 2, bytes);
	}
}

static long mem_free(void)
{
	return proc_kib("/proc/meminfo", "MemFree");
}

static unsigned int list(void)
{
	FILE *f = fopen(FILES "cgroup.procs", "re");
	unsigned int nr = 0;

	if (!f)
		tap_bail("cgroup.procs");
	while (nr < LISTED_MAX && fscanf(f, "%d", &pids[nr]) == 1)
		nr++;
	fclose(f);
	return nr;
}

static void bury(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Fill the cgroup; for the container as many victims. */
static void fill(const struct scene *scene, struct victim *victims)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	size_t bytes = scene->bytes;
	unsigned int i;
	char text[16];

	group_make(GROUP);
	snprintf(text, sizeof(text), "%u", scene->processes);
	group_set(GROUP, "pids.max", text);
	if (!scene->bomb) {
		for (i = 0; i < scene->processes; i++) {
			victims[i] = victim_anon(bytes, VICTIM_SLEEP, -1);
			group_move(GROUP, victims[i].pid);
		}
		return;
	}
	victims[0] = victim_start(bomb_body, &bytes);
	group_move(GROUP, victims[0].pid);
	kill(victims[0].pid, SIGUSR1);
	while (!group_is(GROUP, "pids.current", text)) {
		if (now_ns() > end)
			tap_bail("the bomb does not grow");
		sleep_ms(100);
	}
	/* The last ones have what they want, too. */
	sleep_ms(1000);
}

static int call(void)
{
	int fd = group_open(GROUP);

	batch_init(&b, MRELEASE_KILL | MRELEASE_TEARDOWN, 0);
	b.cgroup.targets = 0;
	b.cgroup.target_size = 0;
	batch_cgroup(dev, &b, fd, 0);
	close(fd);
	return b.ret;
}

/* How many calls failed. */
static int serial(unsigned int *missed)
{
	unsigned int nr = list(), i;
	int ret, failed = 0;

	for (i = 0; i < nr; i++)
		fds[i] = sys_pidfd_open(pids[i]);
	group_set(GROUP, "cgroup.kill", "1");
	for (i = 0; i < nr; i++) {
		if (fds[i] < 0)
			continue;
		ret = sys_process_mrelease(fds[i], 0);
		*missed += ret == -ESRCH;
		failed += ret && ret != -ESRCH;
	}
	for (i = 0; i < nr; i++)
		close(fds[i]);
	return failed;
}

static int kill_listed(void)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	unsigned int nr;

	do {
		nr = group_kill(GROUP);
	} while (nr && now_ns() < end);
	return nr;
}

/*
 * Everything is asked for by a caller whom a bomb cannot keep from a CPU, as a daemon
 * for such cases must be.
 */
static void end(enum way way, struct outcome *out)
{
	struct sched_param param = { .sched_priority = 1 };
	long before = mem_free();
	uint64_t start;

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		tap_bail("sched_setscheduler");
	start = now_ns();
	switch (way) {
	case WAY_CALL:
		out->ret = call();
		break;
	case WAY_SERIAL:
		out->ret = serial(&out->missed);
		break;
	default:
		out->ret = kill_listed();
	}
	out->ns = now_ns() - start;
	out->back = mem_free() - before;
	out->listed = list();
	param.sched_priority = 0;
	if (sched_setscheduler(0, SCHED_OTHER, &param))
		tap_bail("sched_setscheduler");
	sleep_ms(1000);
	out->later = mem_free() - before;
}

static bool can(enum way way)
{
	if (way != WAY_SERIAL)
		return true;
	return have_process_mrelease() && !access(FILES "cgroup.kill", W_OK);
}

/* Returns whether nobody lived on. */
static bool run(const struct scene *scene, enum way way, struct outcome *out)
{
	static struct victim victims[64];
	uint64_t until;
	unsigned int i;
	long empty;
	bool quiet;

	memset(out, 0, sizeof(*out));
	weigh_settle(dev);
	empty = mem_free();
	fill(scene, victims);
	out->had = empty - mem_free();
	end(way, out);

	/* Whoever was killed goes away by itself. */
	until = now_ns() + PATIENCE_NS / 10;
	while (!(quiet = group_empty(GROUP)) && now_ns() < until) {
		bury();
		sleep_ms(10);
	}
	while (!group_empty(GROUP)) {
		kill_listed();
		bury();
	}
	for (i = 0; i < (scene->bomb ? 1 : scene->processes); i++)
		close(victims[i].pidfd);
	bury();
	group_remove(GROUP);
	return quiet;
}

static void note(const struct scene *scene, enum way way, bool quiet,
		 const struct outcome *out)
{
	tap_note("%-9s %-30s %3d %5u %7.0f ms %6u %6ld of %5ld MiB %6ld MiB %s",
		 scene->name, names[way], out->ret, out->missed, out->ns / 1e6,
		 out->listed, out->back / 1024, out->had / 1024,
		 out->later / 1024, quiet ? "all" : "NOT ALL");
}

/* 4 points. */
static void check(const struct scene *scene)
{
	const struct mrelease_result *total = &b.cgroup.total;
	uint64_t want = scene->processes * scene->bytes;
	struct outcome out;
	enum way way;
	bool quiet;

	quiet = run(scene, WAY_CALL, &out);
	note(scene, WAY_CALL, quiet, &out);
	if (!tap_ok(!out.ret && total->victims >= scene->processes,
		    "%s: killed, in one call", scene->name))
		batch_note(&b, 0, total);
	tap_ok(quiet, "%s: nobody lives on", scene->name);
	/* Members of a bomb share what they have not written to yet. */
	if (!tap_ok(!total->left_bytes &&
			    (scene->bomb ||
			     total->freed_bytes >= want / 100 * 95),
		    "%s: released, in one call", scene->name))
		batch_note(&b, 0, total);
	tap_ok((uint64_t)out.back * KIB >= want / 100 * 95,
	       "%s: the memory is back when the call returns", scene->name);

	for (way = WAY_SERIAL; way < (all ? WAYS : WAY_KILL); way++) {
		group_make(GROUP);
		if (can(way)) {
			quiet = run(scene, way, &out);
			note(scene, way, quiet, &out);
		} else {
			group_remove(GROUP);
		}
	}
}

int main(void)
{
	const struct scene *scene;
	struct rlimit files = { LISTED_MAX + 64, LISTED_MAX + 64 };

	all = getenv("MRELEASE_LONG");
	scene = scenes[all];
	tap_plan(8);
	dev = dev_open();
	group_go_setup();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) ||
	    setrlimit(RLIMIT_NOFILE, &files))
		tap_bail("set-up");
	tap_note(
		"%-9s %-30s ret ESRCH       time listed      back at return  1 s later dead",
		"who", "how");
	check(&scene[0]);
	check(&scene[1]);
	return tap_done();
}

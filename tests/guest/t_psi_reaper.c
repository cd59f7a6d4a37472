// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The example daemon psi-reaper under pressure: below a cgroup that may not have more
 * memory, somebody takes ever more and everybody waits.  The one who takes it dies,
 * with all of his cgroup, the others live, and the pressure ends; and there is no
 * second kill for what was over with the first.
 */
/* guest: smp=2 mem=1024 timeout=600 made=psi/psi-reaper */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"
#include "weigh.h"

#define TOP "/sys/fs/cgroup/psi"
/* All of them together; beyond that each page is waited for. */
#define HIGH (160 * MIB)
/* Long after the longest time that a kill and what follows may take. */
#define PATIENCE_MS 120000
/* After the last kill: many windows of the trigger. */
#define QUIET_MS 8000

/*
 * struct role - a process in a cgroup of its own
 * @name: of the cgroup
 * @grows: takes memory for ever; else @bytes, and looks at a page now and then
 * @child: has a second process in the cgroup
 * @adj: its oom_score_adj, if any
 * @mark: the extended attribute of its cgroup that is set, if any
 */
struct role {
	const char *name;
	bool grows;
	bool child;
	size_t bytes;
	const char *adj;
	const char *mark;
	volatile uint64_t *beats;
	struct victim v;
};

static char daemon_log[65536];
static size_t daemon_len;
static int daemon_out;
static pid_t daemon_pid;

static void group_path(char *path, size_t size, const char *name,
		       const char *file)
{
	snprintf(path, size, TOP "/%s/%s", name, file);
}

static void join(const char *name)
{
	char path[128], pid[16];

	group_path(path, sizeof(path), name, "cgroup.procs");
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_file(path, pid))
		_exit(93);
}

static void role_body(void *arg)
{
	struct role *role = arg;
	size_t size = 64 * GIB, done = 0, i;
	char *mem;

	join(role->name);
	if (role->adj && write_file("/proc/self/oom_score_adj", role->adj))
		_exit(94);
	if (role->child && !fork())
		for (;;)
			pause();
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		_exit(95);
	madvise(mem, size, MADV_NOHUGEPAGE);
	for (; done < role->bytes; done += 4096)
		mem[done] = 1;
	victim_ready();
	for (i = 0;; i++) {
		if (role->grows) {
			mem[done] = 1;
			done += 4096;
			/* 40 MiB/s at most. */
			if (done % (4 * MIB) == 0)
				sleep_ms(100);
			continue;
		}
		(*role->beats)++;
		mem[i * 4096 % role->bytes]++;
		sleep_ms(20);
	}
}

static void role_start(struct role *role)
{
	char path[128];

	group_path(path, sizeof(path), role->name, "");
	if (mkdir(path, 0700))
		tap_bail("%s", path);
	if (role->mark && setxattr(path, role->mark, "1", 1, 0))
		tap_bail("%s: %s", path, role->mark);
	role->v = victim_start(role_body, role);
}

static bool role_lives(struct role *role)
{
	uint64_t beats = *role->beats;
	int i;

	for (i = 0; i < 500 && *role->beats < beats + 5; i++)
		sleep_ms(20);
	return *role->beats >= beats + 5;
}

static bool group_empty(const struct role *role)
{
	char path[128], c;
	ssize_t n;
	int fd;

	group_path(path, sizeof(path), role->name, "cgroup.procs");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, &c, 1);
	close(fd);
	return !n;
}

static void role_end(struct role *role)
{
	char path[128];
	int i;

	victim_end(&role->v);
	group_path(path, sizeof(path), role->name, "cgroup.kill");
	write_file(path, "1");
	group_path(path, sizeof(path), role->name, "");
	/* The zombies of others go when init has waited for them. */
	for (i = 0; i < 500 && rmdir(path); i++)
		sleep_ms(20);
}

/* @mode: "-d" only says whom it would kill; "-m20" has 20 ms for each call; NULL */
static void daemon_start(const char *mode)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		tap_bail("pipe2");
	daemon_pid = fork();
	if (daemon_pid < 0)
		tap_bail("fork");
	if (!daemon_pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execl("/add/psi-reaper", "psi-reaper", "-t",
		      "some 200000 1000000", TOP, mode, NULL);
		_exit(127);
	}
	close(fds[1]);
	daemon_out = fds[0];
	daemon_len = 0;
	daemon_log[0] = '\0';
}

static void daemon_read(void)
{
	ssize_t n = read(daemon_out, daemon_log + daemon_len,
			 sizeof(daemon_log) - 1 - daemon_len);

	daemon_len += n > 0 ? n : 0;
	daemon_log[daemon_len] = '\0';
}

/* How often @word stands in what it has said so far. */
static int daemon_said(const char *word)
{
	const char *at = daemon_log;
	int count = 0;

	daemon_read();
	while ((at = strstr(at, word))) {
		at += strlen(word);
		count++;
	}
	return count;
}

static bool daemon_wait(const char *word, int count)
{
	uint64_t begin = now_ns();

	while (daemon_said(word) < count) {
		if (now_ns() - begin > PATIENCE_MS * 1000000ULL)
			return false;
		sleep_ms(50);
	}
	return true;
}

static void daemon_end(void)
{
	char *line, *save;

	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	daemon_read();
	for (line = strtok_r(daemon_log, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		tap_note("%s", line);
	close(daemon_out);
}

/* Microseconds that somebody below the cgroup has waited for memory. */
static uint64_t stalled_us(void)
{
	unsigned long long us = 0;
	FILE *f = fopen(TOP "/memory.pressure", "re");

	if (!f || fscanf(f, "some avg10=%*f avg60=%*f avg300=%*f total=%llu",
			 &us) != 1)
		tap_bail("memory.pressure");
	fclose(f);
	return us;
}

/* Seconds until nobody has waited for longer than a hundredth of a second; -1. */
static double pressure_ends(void)
{
	uint64_t begin = now_ns(), last = stalled_us(), us;
	int i;

	for (i = 0; i < 60; i++) {
		sleep_ms(1000);
		us = stalled_us();
		if (us - last < 10000)
			return (now_ns() - begin) / 1e9 - 1;
		last = us;
	}
	return -1;
}

static void note_end(const char *what, uint64_t begin, double ended)
{
	tap_note("%s: killed %.1f s after it began, no pressure %.1f s later",
		 what, (now_ns() - begin) / 1e9, ended);
}

static volatile uint64_t *beats;

/* 6 points. */
static void check_one(void)
{
	struct role innocent = { .name = "innocent",
				 .bytes = 32 * MIB,
				 .beats = &beats[0] };
	/* Larger than the hog at first, and in no need of more. */
	struct role large = { .name = "large",
			      .bytes = 48 * MIB,
			      .beats = &beats[1] };
	struct role hog = { .name = "hog", .grows = true, .child = true };
	uint64_t begin;
	double ended;

	role_start(&innocent);
	role_start(&large);
	daemon_start(NULL);
	tap_ok(daemon_wait("watching", 1), "one hog: the daemon watches");
	role_start(&hog);
	begin = now_ns();
	tap_ok(daemon_wait("memory is back", 1) &&
		       daemon_said(TOP "/hog: 2 processes") == 1 &&
		       daemon_said(" killed 2 processes, freed ") == 1,
	       "one hog: the hog is killed, all of it");
	ended = pressure_ends();
	tap_ok(ended >= 0, "one hog: the pressure ends");
	note_end("one hog", begin, ended);
	sleep_ms(QUIET_MS);
	tap_ok(daemon_said(" killed ") == 1, "one hog: nobody else is killed");
	tap_ok(role_lives(&innocent) && role_lives(&large),
	       "one hog: the others live");
	tap_ok(was_killed(victim_reap(&hog.v)) && group_empty(&hog),
	       "one hog: it is gone, its child too");
	daemon_end();
	rmdir(TOP "/hog");
	role_end(&innocent);
	role_end(&large);
}

/* 4 points: one after the other, each time that there is pressure. */
static void check_two(void)
{
	struct role innocent = { .name = "innocent",
				 .bytes = 32 * MIB,
				 .beats = &beats[0] };
	struct role hogs[2] = { { .name = "hog1", .grows = true },
				{ .name = "hog2", .grows = true } };
	const char *first, *back, *second;
	uint64_t begin = now_ns();
	double ended;
	int i;

	role_start(&innocent);
	daemon_start(NULL);
	daemon_wait("watching", 1);
	for (i = 0; i < 2; i++)
		role_start(&hogs[i]);
	tap_ok(daemon_wait("memory is back", 2) && daemon_said(" killed ") == 2,
	       "two hogs: both are killed");
	ended = pressure_ends();
	note_end("two hogs", begin, ended);
	sleep_ms(QUIET_MS);
	first = strstr(daemon_log, " killed ");
	back = first ? strstr(first, "memory is back") : NULL;
	second = first ? strstr(first + 1, " killed ") : NULL;
	tap_ok(back && second && back < second,
	       "two hogs: the second when the memory of the first is back");
	tap_ok(ended >= 0 && daemon_said(" killed ") == 2 &&
		       role_lives(&innocent),
	       "two hogs: the pressure ends, and the innocent lives");
	tap_ok(was_killed(victim_reap(&hogs[0].v)) &&
		       was_killed(victim_reap(&hogs[1].v)),
	       "two hogs: by SIGKILL");
	daemon_end();
	rmdir(TOP "/hog1");
	rmdir(TOP "/hog2");
	role_end(&innocent);
}

/* Bytes that it said were freed at the first kill. */
static unsigned long daemon_freed(void)
{
	const char *at = strstr(daemon_log, ", freed ");

	return at ? strtoul(at + strlen(", freed "), NULL, 10) * 1024 : 0;
}

/*
 * 2 points: on an emulated machine the time of a call is over before the memory is back,
 * and the victim itself, which stops on its way out, does nothing about it.
 */
static void check_limit(void)
{
	struct role hog = { .name = "hog", .grows = true, .bytes = 96 * MIB };

	role_start(&hog);
	hold_prepare(&hog.v);
	daemon_start("-m20");
	hold_wait(&hog.v);
	tap_ok(daemon_wait(" killed 1 processes, freed ", 1) &&
		       daemon_said(", left 0 kB, ") == 1 &&
		       daemon_freed() >= hog.bytes,
	       "a short time: calls follow until nothing is left");
	hold_end(&hog.v);
	tap_ok(daemon_wait("memory is back", 1) && daemon_said(" killed ") == 1,
	       "a short time: the hog is killed once");
	daemon_end();
	rmdir(TOP "/hog");
}

/*
 * 3 points: the first victim stops on its way out, so that it is still there; there
 * is pressure again, but as long as that is so nobody else has to die for it.  For
 * ten seconds, which is well beyond what is waited for here.
 */
static void check_held(void)
{
	struct role hogs[2] = {
		{ .name = "hog1", .grows = true, .bytes = 64 * MIB },
		{ .name = "hog2", .grows = true },
	};
	uint64_t begin, stalled;
	int i;

	for (i = 0; i < 2; i++) {
		role_start(&hogs[i]);
		hold_prepare(&hogs[i].v);
	}
	daemon_start(NULL);
	hold_wait(&hogs[0].v);
	tap_ok(daemon_wait(TOP "/hog1: 1 processes", 1) &&
		       daemon_wait(" killed ", 1),
	       "a victim that does not end: it is killed");
	begin = now_ns();
	stalled = stalled_us();
	while (stalled_us() - stalled < 500000 &&
	       now_ns() - begin < 5000000000ULL)
		sleep_ms(50);
	tap_note("%.1f s later others have waited for %.1f s",
		 (now_ns() - begin) / 1e9, (stalled_us() - stalled) / 1e6);
	tap_ok(daemon_said(" killed ") == 1,
	       "a victim that does not end: nobody else is killed");
	hold_end(&hogs[0].v);
	hold_wait(&hogs[1].v);
	hold_end(&hogs[1].v);
	tap_ok(daemon_wait(TOP "/hog2: 1 processes", 1) &&
		       daemon_wait(" killed ", 2),
	       "when it has ended: the next");
	daemon_end();
	rmdir(TOP "/hog1");
	rmdir(TOP "/hog2");
}

/* 1 point: whom it would kill, if the one who takes the memory is to be left out. */
static void check_preference(void)
{
	struct role roles[] = {
		{ .name = "plain", .bytes = 24 * MIB },
		{ .name = "half", .bytes = 40 * MIB, .adj = "-500" },
		{ .name = "avoid",
		  .bytes = 32 * MIB,
		  .mark = "user.oomd_avoid" },
		{ .name = "protected", .bytes = 48 * MIB, .adj = "-1000" },
		{ .name = "omit", .grows = true, .mark = "user.oomd_omit" },
	};
	size_t i, nr = sizeof(roles) / sizeof(roles[0]);
	const char *plain = TOP "/plain: 1 processes, score", *first;

	for (i = 0; i < nr; i++) {
		roles[i].beats = &beats[i];
		if (i == nr - 1)
			daemon_start("-d");
		role_start(&roles[i]);
	}
	tap_ok(daemon_wait("score", 1) &&
		       (first = strstr(daemon_log, TOP "/")) &&
		       !strncmp(first, plain, strlen(plain)) &&
		       !daemon_said("killed"),
	       "preferences are respected");
	daemon_end();
	for (i = 0; i < nr; i++)
		role_end(&roles[i]);
}

int main(void)
{
	char text[32];

	tap_plan(16);
	if (access("/proc/pressure/memory", F_OK))
		tap_bail("no PSI");
	beats = caller_shared(4096);
	if (mkdir(TOP, 0700) ||
	    write_file(TOP "/cgroup.subtree_control", "+memory"))
		tap_bail(TOP);
	snprintf(text, sizeof(text), "%lu", HIGH);
	if (write_file(TOP "/memory.high", text))
		tap_bail(TOP "/memory.high");
	check_one();
	check_two();
	check_held();
	check_limit();
	check_preference();
	rmdir(TOP);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * psi-reaper: a small daemon in the manner of oomd.  When the processes below a
 * cgroup wait too long for memory, it kills the worst cgroup there, and has its
 * memory back before it looks again.
 *
 *	cc -o psi-reaper psi-reaper.c $(pkg-config --cflags --libs mrelease)
 *	psi-reaper /sys/fs/cgroup/user.slice
 *
 * The kernel wakes it up by a trigger on memory.pressure.  Which cgroup is the worst:
 *
 *  - Candidates are the leaves: cgroups below the one given that hold processes.
 *    Left out are those whose user.oomd_omit is 1 (ManagedOOMPreference=omit of
 *    systemd), and those with a process whose oom_score_adj is -1000, as its own is.
 *  - Score: memory.current + memory.swap.current, times 1 + the share of time that
 *    it waited itself (some avg10 of its memory.pressure, 0 to 1), times
 *    1 + the least oom_score_adj of its processes / 1000.
 *  - The highest score is it; those with user.oomd_avoid come last.
 *
 * In calm times the candidate of the moment is chosen once a second, its directory
 * opened, and a victim fd made for each of its processes.
 *
 * After that nobody else is killed while the memory of a victim is not back or that of
 * its cgroup falls, for at most ten seconds.  Then the trigger is made anew: it looks
 * back over two windows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <mrelease.h>

#define PIDS_MAX 1024
#define PATH_ROOM 4096
#define RETURN_MS 10000

/* struct target - a cgroup, its directory, and victim fds of its processes */
struct target {
	char path[PATH_ROOM];
	int dir;
	double score;
	size_t nr;
	pid_t pids[PIDS_MAX];
	int fds[PIDS_MAX];
};

static struct mrelease *handle;
static struct target target = { .dir = -1 };
static int limit_ms = 2000;
static bool dry;

static unsigned long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;

	printf("%9.3f ", now_ms() / 1e3);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* In a small file the number behind the first @key from @line on; 0 if there is none. */
static double value_of(const char *dir, const char *name, const char *line,
		       const char *key)
{
	char path[PATH_ROOM + 64], text[4096] = "";
	const char *at = NULL;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		at = strstr(text, line);
	if (fd >= 0)
		close(fd);
	at = at ? strstr(at, key) : NULL;
	return at ? atof(at + strlen(key)) : 0;
}

static double memory_of(const char *dir)
{
	return value_of(dir, "memory.current", "", "") +
	       value_of(dir, "memory.swap.current", "", "");
}

static bool has_mark(const char *dir, const char *name)
{
	char value[8] = "";

	return getxattr(dir, name, value, sizeof(value) - 1) > 0 &&
	       value[0] == '1';
}

/* Those who are in it; a zombie has left it. */
static size_t read_pids(const char *dir, pid_t *pids)
{
	char path[PATH_ROOM + 64];
	size_t nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* 0: not in our pid namespace. */
	while (nr < PIDS_MAX && fscanf(f, "%d", &pids[nr]) == 1)
		nr += pids[nr] > 0;
	fclose(f);
	return nr;
}

/* 0 to 2000: 1000 plus the least oom_score_adj, of which -1000 spares them all. */
static int least_adjustment(const pid_t *pids, size_t nr)
{
	int least = 2000, adj;
	char dir[32];

	while (nr--) {
		snprintf(dir, sizeof(dir), "/proc/%d", (int)pids[nr]);
		adj = 1000 + (int)value_of(dir, "oom_score_adj", "", "");
		least = adj < least ? adj : least;
	}
	return least;
}

/* Negative: not a candidate. */
static double score_of(const char *dir)
{
	static pid_t pids[PIDS_MAX];
	size_t nr = read_pids(dir, pids);
	double score;
	int adj;

	if (!nr || has_mark(dir, "user.oomd_omit"))
		return -1;
	adj = least_adjustment(pids, nr);
	if (!adj)
		return -1;
	score = memory_of(dir) *
		(1 + value_of(dir, "memory.pressure", "some", "avg10=") / 100) *
		adj / 1000;
	return has_mark(dir, "user.oomd_avoid") ? score / 1e15 : score;
}

/* The worst cgroup below @root; false when there is none. */
static bool choose(const char *root, char *path, double *score)
{
	char *const roots[] = { (char *)root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;
	double s;

	*score = -1;
	while (fts && (entry = fts_read(fts))) {
		if (entry->fts_info != FTS_D || entry->fts_level == 0)
			continue;
		s = score_of(entry->fts_path);
		if (s > *score) {
			*score = s;
			snprintf(path, PATH_ROOM, "%s", entry->fts_path);
		}
	}
	if (fts)
		fts_close(fts);
	return *score >= 0;
}

/* Gone, and with the module its memory is back. */
static bool is_back(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t nr)
{
	while (nr && pids[nr - 1] != pid)
		nr--;
	return nr;
}

/* From number @first on keep those who live and are in it: a number alone may lie. */
static void keep(struct target *t, size_t first)
{
	static pid_t pids[PIDS_MAX];
	size_t nr = read_pids(t->path, pids), i, n = first;

	for (i = first; i < t->nr; i++) {
		t->pids[n] = t->pids[i];
		t->fds[n] = t->fds[i];
		if (!is_back(t->fds[i]) && is_among(t->pids[i], pids, nr))
			n++;
		else
			close(t->fds[i]);
	}
	t->nr = n;
}

/* Victim fds for those that are in it and were not before. */
static void add(struct target *t)
{
	static pid_t pids[PIDS_MAX];
	size_t nr = read_pids(t->path, pids), first = t->nr, i;
	int pidfd;

	for (i = 0; i < nr && t->nr < PIDS_MAX; i++) {
		if (is_among(pids[i], t->pids, first))
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		if (pidfd < 0)
			continue;
		t->pids[t->nr] = pids[i];
		t->fds[t->nr] = mrelease_arm(handle, pidfd, 0);
		t->nr += t->fds[t->nr] >= 0;
		close(pidfd);
	}
	keep(t, first);
}

/* Make ready for what is the worst now; most of it is there already. */
static bool arm(struct target *t, const char *root)
{
	if (t->dir >= 0)
		close(t->dir);
	t->dir = -1;
	if (!choose(root, t->path, &t->score))
		return false;
	t->dir = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	keep(t, 0);
	add(t);
	return t->dir >= 0;
}

/* Kill all of it, who is forked meanwhile too; what its time did not do the next call does. */
static void release(struct target *t, struct mrelease_result *total)
{
	uint32_t flags = MRELEASE_KILL |
			 ((uint32_t)mrelease_features(handle) & MRELEASE_EVICT);
	unsigned long begin = now_ms();
	struct mrelease_result part;
	int ret;

	memset(total, 0, sizeof(*total));
	do {
		ret = mrelease_release_cgroup(handle, t->dir, NULL, NULL, flags,
					      limit_ms, &part);
		/* Who hangs is counted by each call. */
		if (part.victims > total->victims)
			total->victims = part.victims;
		total->freed_bytes += part.freed_bytes;
		total->left_bytes = part.left_bytes;
	} while (ret && part.left_reasons & MRELEASE_LEFT_TIMEOUT &&
		 now_ms() - begin < RETURN_MS);
	if (ret)
		say("%s: %s", t->path, mrelease_strerror(errno, &part));
}

/* Is a victim still there, or the memory of its cgroup on its way back? */
static bool is_returning(struct target *t, double *memory)
{
	double before = *memory;
	size_t nr = t->nr;

	*memory = memory_of(t->path);
	if (*memory < before * 0.98)
		return true;
	while (nr && is_back(t->fds[nr - 1]))
		nr--;
	return nr;
}

static void wait_for_return(struct target *t)
{
	double memory = memory_of(t->path);
	unsigned long begin = now_ms();

	do
		usleep(100000);
	while (is_returning(t, &memory) && now_ms() - begin < RETURN_MS);
	say("memory is back after %lu ms: %.0f kB left in %s", now_ms() - begin,
	    memory / 1024, t->path);
}

static void act(const char *root)
{
	double before = value_of("/proc", "meminfo", "MemAvailable", ":");
	unsigned long begin = now_ms();
	struct mrelease_result total;

	say("pressure: some avg10 %.2f",
	    value_of(root, "memory.pressure", "some", "avg10="));
	if (!arm(&target, root)) {
		say("nobody to kill");
		return;
	}
	say("%s: %zu processes, score %.0f", target.path, target.nr,
	    target.score);
	if (dry)
		return;
	release(&target, &total);
	say("killed %u processes, freed %lu kB, left %lu kB, in %lu ms, MemAvailable %.0f -> %.0f kB",
	    total.victims, (unsigned long)(total.freed_bytes >> 10),
	    (unsigned long)(total.left_bytes >> 10), now_ms() - begin, before,
	    value_of("/proc", "meminfo", "MemAvailable", ":"));
	wait_for_return(&target);
}

/* Returns the file that tells; what was before counts no more. */
static int open_trigger(const char *root, const char *trigger)
{
	char path[PATH_ROOM + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/memory.pressure", root);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || write(fd, trigger, strlen(trigger) + 1) < 0) {
		fprintf(stderr, "psi-reaper: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static void watch(const char *root, const char *trigger)
{
	const char *kind = trigger[0] == 's' ? "some" : "full";
	double enough = atof(trigger + 4), begin, total;
	struct pollfd pfd = { .events = POLLPRI };

	begin = value_of(root, "memory.pressure", kind, "total=");
	pfd.fd = open_trigger(root, trigger);
	say("watching %s for %s, by %s", root, trigger,
	    mrelease_backend_name(mrelease_backend(handle)));
	for (;;) {
		if (poll(&pfd, 1, 1000) <= 0) {
			arm(&target, root);
			continue;
		}
		/* On old kernels a new one may go off for what was before it. */
		total = value_of(root, "memory.pressure", kind, "total=");
		if (total - begin >= enough)
			act(root);
		close(pfd.fd);
		begin = value_of(root, "memory.pressure", kind, "total=");
		pfd.fd = open_trigger(root, trigger);
	}
}

int main(int argc, char **argv)
{
	const char *trigger = "full 100000 1000000";
	int opt, fd;

	while ((opt = getopt(argc, argv, "dm:t:")) >= 0) {
		dry |= opt == 'd';
		limit_ms = opt == 'm' ? atoi(optarg) : limit_ms;
		trigger = opt == 't' ? optarg : trigger;
		optind = opt == '?' || limit_ms <= 0 ? argc : optind;
	}
	if (optind != argc - 1) {
		fputs("usage: psi-reaper [-d] [-m MS] [-t TRIGGER] CGROUP\n"
		      "  -d  say what would be killed, and do not\n"
		      "  -m  the time that one call may take (2000)\n"
		      "  -t  \"some\" or \"full\", microseconds of waiting, in how many\n",
		      stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	handle = mrelease_open(MRELEASE_BACKEND_AUTO);
	/* It has to go on when nobody else does. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (!handle || fd < 0 || write(fd, "-1000", 5) != 5 ||
	    mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("psi-reaper: cannot begin");
		return 1;
	}
	watch(argv[optind], trigger);
}

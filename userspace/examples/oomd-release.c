// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * oomd-release: systemd-oomd kills a cgroup and does not look after its memory.  This
 * has a victim fd of each process below the cgroups given, made before any crisis, and
 * releases those of the cgroup that systemd-oomd kills, the largest first.
 *
 *	cc -o oomd-release oomd-release.c $(pkg-config --cflags --libs mrelease)
 *	oomd-release /sys/fs/cgroup/user.slice /sys/fs/cgroup/system.slice
 *
 * It hears of a kill by inotify (IN_ATTRIB), at once and without a bus: systemd-oomd counts
 * in attributes of the cgroup's directory, user.oomd_ooms right before the first SIGKILL,
 * user.oomd_kill after the last (252 and 257 do).  The signal Killed on D-Bus comes after
 * that.  By then cgroup.procs does not name who has begun to exit: hence the victim fds,
 * with MRELEASE_TEARDOWN for those who are slow there.
 *
 * It kills nobody.  Without MRELEASE_KILL a release of a process that is not being killed
 * is EINVAL; it is tried again for as long as systemd-oomd is at it.  So it does not
 * matter who else may write those attributes, or whose number a pid is by now.
 *
 * Who is there is looked up when pressure begins, twice a second while it lasts, and every
 * ten seconds in calm times; and again in the cgroup that is being killed.  A victim fd is
 * closed when it says that the process is gone and its memory back.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <mrelease.h>

#define GROUPS_MAX 2048
#define VICTIMS_MAX 4096
#define PATH_ROOM 512
enum { CALM_MS = 10000, PRESSURE_MS = 500, PRESSURE_LASTS_MS = 5000 };
enum { RELEASE_MS = 1000, KILL_MS = 3000 };

/* struct group - a cgroup that is, or of whom somebody is left; path "" if free */
struct group {
	char path[PATH_ROOM];
	int wd;
	bool seen;
	unsigned long ooms, killed;
};

/* struct victim - a process that might become one */
struct victim {
	pid_t pid;
	int fd, group;
	bool done, tried;
	unsigned long pages;
};

static struct mrelease *handle;
static struct group groups[GROUPS_MAX];
static struct victim victims[VICTIMS_MAX];
static int nr_victims, inotify;

static unsigned long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000UL + ts.tv_nsec / 1000000;
}

/* The number behind @key in a small file; 0 if there is none. */
static unsigned long number_in(const char *path, const char *key)
{
	char text[512] = "", *at = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		at = strstr(text, key);
	if (fd >= 0)
		close(fd);
	return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static unsigned long count_of(const char *path, const char *name)
{
	char text[32] = "";

	getxattr(path, name, text, sizeof(text) - 1);
	return strtoul(text, NULL, 10);
}

static void complain(const char *why)
{
	static int times;

	if (!times++)
		printf("%s: some will not be released\n", why);
}

/* Known, or new; NULL if it is gone or cannot be had. */
static struct victim *victim_of(pid_t pid)
{
	struct victim *v;
	int pidfd;

	for (v = victims; v < victims + nr_victims; v++)
		if (v->pid == pid)
			return v;
	if (nr_victims == VICTIMS_MAX) {
		complain("too many processes");
		return NULL;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return NULL;
	*v = (struct victim){ .pid = pid };
	v->fd = mrelease_arm(handle, pidfd, MRELEASE_TEARDOWN);
	if (v->fd < 0 && errno == EINVAL) /* by process_mrelease(2) */
		v->fd = mrelease_arm(handle, pidfd, 0);
	if (v->fd < 0 && errno != ESRCH)
		complain(mrelease_strerror(errno, NULL));
	close(pidfd);
	return v->fd >= 0 ? &victims[nr_victims++] : NULL;
}

/* Who is in there: new ones, those who have moved, and how large they are. */
static void look_into(int group)
{
	char path[PATH_ROOM + 16];
	struct victim *v;
	FILE *f;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", groups[group].path);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		/* 0: not in our pid namespace. */
		v = pid > 0 ? victim_of(pid) : NULL;
		if (!v)
			continue;
		v->group = group;
		snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
		v->pages = number_in(path, " ");
	}
	if (f)
		fclose(f);
}

/* Close what says that all is over. */
static void drop_victims(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int i;

	for (i = nr_victims; i--;) {
		pfd.fd = victims[i].fd;
		if (poll(&pfd, 1, 0) <= 0)
			continue;
		close(pfd.fd);
		victims[i] = victims[--nr_victims];
	}
}

/* Known by its inode, or new; -1 if it is gone or there is no room. */
static int group_of(const char *path)
{
	int wd = inotify_add_watch(inotify, path, IN_ATTRIB | IN_ONLYDIR);
	int i, room = -1;

	for (i = 0; wd >= 0 && i < GROUPS_MAX; i++) {
		if (!groups[i].path[0])
			room = i;
		else if (groups[i].wd == wd)
			return i;
	}
	if (wd >= 0 && room < 0)
		complain("too many cgroups");
	if (room < 0)
		return -1;
	groups[room].wd = wd;
	groups[room].ooms = count_of(path, "user.oomd_ooms");
	groups[room].killed = count_of(path, "user.oomd_kill");
	snprintf(groups[room].path, PATH_ROOM, "%s", path);
	return room;
}

/* All cgroups below there. */
static void scan(const char *path, bool itself)
{
	int group = group_of(path);
	char sub[PATH_ROOM];
	struct dirent *e;
	DIR *dir;

	if (group < 0)
		return;
	groups[group].seen = true;
	if (itself)
		look_into(group);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    snprintf(sub, PATH_ROOM, "%s/%s", path, e->d_name) <
			    PATH_ROOM)
			scan(sub, true);
	if (dir)
		closedir(dir);
}

static void scan_all(char **roots)
{
	int i;

	drop_victims();
	while (*roots)
		scan(*roots++, false);
	/* A cgroup that is gone stays until nobody of it is left. */
	for (i = 0; i < nr_victims; i++)
		groups[victims[i].group].seen = true;
	for (i = 0; i < GROUPS_MAX; i++) {
		if (!groups[i].seen && groups[i].path[0]) {
			inotify_rm_watch(inotify, groups[i].wd);
			groups[i].path[0] = 0;
		}
		groups[i].seen = false;
	}
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

/* The largest below @top that is left to try. */
static struct victim *largest(const char *top)
{
	struct victim *best = NULL, *v;

	for (v = victims; v < victims + nr_victims; v++)
		if (!v->tried && is_below(groups[v->group].path, top) &&
		    (!best || v->pages > best->pages))
			best = v;
	return best;
}

struct sum {
	unsigned int released, gone, alive, failed;
	unsigned long freed, left;
};

/* Each of them once; who is not being killed yet will be tried again. */
static void release_below(const char *top, struct sum *sum)
{
	struct mrelease_result r;
	struct victim *v;

	for (v = victims; v < victims + nr_victims; v++)
		v->tried = v->done;
	sum->alive = 0;
	sum->failed = 0;
	while ((v = largest(top))) {
		v->tried = true;
		if (!mrelease_release_armed(handle, v->fd, 0, RELEASE_MS, &r)) {
			sum->released++;
			sum->freed += (unsigned long)(r.freed_bytes >> 10);
			sum->left += (unsigned long)(r.left_bytes >> 10);
			v->done = true;
		} else if (errno == ESRCH) {
			sum->gone++;
			v->done = true;
		} else if (errno == EINVAL) {
			sum->alive++;
		} else {
			sum->failed++;
			printf("%s (left_reasons %#x)\n",
			       mrelease_strerror(errno, &r), r.left_reasons);
		}
	}
}

/* systemd-oomd is about to kill that cgroup, or has done so. */
static void release_group(struct group *g)
{
	unsigned long begin = now_ms();
	struct sum sum = { 0 };
	bool over;
	int i;

	for (;;) {
		/* Once more after the last SIGKILL; the directory goes when all have. */
		over = access(g->path, F_OK) ||
		       count_of(g->path, "user.oomd_kill") != g->killed;
		release_below(g->path, &sum);
		if ((over && !sum.failed) || now_ms() - begin > KILL_MS)
			break;
		for (i = 0; i < GROUPS_MAX; i++)
			if (is_below(groups[i].path, g->path))
				look_into(i);
		poll(NULL, 0, 10);
	}
	g->killed = count_of(g->path, "user.oomd_kill");
	printf("%s: released %u processes, freed %lu kB, left %lu kB, in %lu ms; %u were back before, %u not killed, %u failed\n",
	       g->path, sum.released, sum.freed, sum.left, now_ms() - begin,
	       sum.gone, sum.alive, sum.failed);
}

/* Somebody has set an attribute; who, is soon found out. */
static void hear(void)
{
	unsigned long ooms;
	char events[4096];
	int i;

	while (read(inotify, events, sizeof(events)) > 0)
		;
	for (i = 0; i < GROUPS_MAX; i++) {
		ooms = count_of(groups[i].path, "user.oomd_ooms");
		if (ooms > groups[i].ooms)
			release_group(&groups[i]);
		groups[i].ooms = ooms;
	}
}

static void watch(char **roots, struct pollfd *pfds, int nr)
{
	unsigned long scanned = now_ms(), calm = 0, pause;
	int i;

	for (;;) {
		pause = now_ms() < calm ? PRESSURE_MS : CALM_MS;
		if (now_ms() - scanned >= pause) {
			scan_all(roots);
			scanned = now_ms();
		}
		if (poll(pfds, nr, (int)pause) <= 0)
			continue;
		if (pfds[0].revents)
			hear();
		for (i = 1; i < nr; i++) {
			if (pfds[i].revents & POLLPRI)
				calm = now_ms() + PRESSURE_LASTS_MS;
			/* The cgroup is gone. */
			if (pfds[i].revents & POLLERR)
				pfds[i].fd = -1;
		}
	}
}

/* Two seconds is the window that needs no capability on new kernels. */
static int open_trigger(const char *root)
{
	static const char trigger[] = "some 100000 2000000";
	char path[PATH_ROOM + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/memory.pressure", root);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && write(fd, trigger, sizeof(trigger)) > 0)
		return fd;
	perror(path);
	exit(1);
}

int main(int argc, char **argv)
{
	struct pollfd *pfds;
	int i;

	if (argc < 2 || argv[1][0] == '-') {
		fputs("usage: oomd-release CGROUP...\n", stderr);
		return 2;
	}
	pfds = calloc(argc, sizeof(*pfds));
	setvbuf(stdout, NULL, _IOLBF, 0);
	handle = mrelease_open(MRELEASE_BACKEND_AUTO);
	inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* It has to go on when nobody else does. */
	if (!pfds || !handle || inotify < 0 ||
	    mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("oomd-release: cannot begin");
		return 1;
	}
	pfds[0] = (struct pollfd){ inotify, POLLIN, 0 };
	for (i = 1; i < argc; i++)
		pfds[i] = (struct pollfd){ open_trigger(argv[i]), POLLPRI, 0 };
	scan_all(argv + 1);
	printf("watching, by %s\n",
	       mrelease_backend_name(mrelease_backend(handle)));
	watch(argv + 1, pfds, argc);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control groups of version 2, see group.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"
#include "sys.h"
#include "tap.h"

#define ROOT "/sys/fs/cgroup"

static void path_of(char *path, size_t size, const char *name, const char *file)
{
	/* A name of its own, so that "a" is nobody else's. */
	snprintf(path, size, "%s%s%s%s%s", ROOT, *name ? "/test." : "", name,
		 *file ? "/" : "", file);
}

void group_make(const char *name)
{
	char path[128];

	path_of(path, sizeof(path), name, "");
	if (mkdir(path, 0755) && errno != EEXIST)
		tap_bail("mkdir %s", path);
}

void group_remove(const char *name)
{
	uint64_t end = now_ns() + 10000000000ULL;
	char path[128];

	path_of(path, sizeof(path), name, "");
	/* Who was waited for a moment ago may still be in it. */
	while (rmdir(path)) {
		if (errno != EBUSY || now_ns() > end)
			tap_bail("rmdir %s", path);
		sleep_ms(1);
	}
}

int group_open(const char *name)
{
	char path[128];
	int fd;

	path_of(path, sizeof(path), name, "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		tap_bail("open %s", path);
	return fd;
}

void group_set(const char *name, const char *file, const char *text)
{
	char path[128];

	path_of(path, sizeof(path), name, file);
	errno = -write_file(path, text);
	if (errno)
		tap_bail("%s to %s", text, path);
}

void group_move(const char *name, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	group_set(name, "cgroup.procs", text);
}

/* Has the file a line like this? */
static bool has_line(const char *name, const char *file, const char *text)
{
	char path[128], line[128];
	bool found = false;
	FILE *f;

	path_of(path, sizeof(path), name, file);
	f = fopen(path, "re");
	if (!f)
		tap_bail("open %s", path);
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, text);
	}
	fclose(f);
	return found;
}

bool group_is(const char *name, const char *file, const char *text)
{
	return has_line(name, file, text);
}

bool group_empty(const char *name)
{
	return has_line(name, "cgroup.events", "populated 0");
}

void group_freeze(const char *name)
{
	uint64_t end = now_ns() + 10000000000ULL;

	group_set(name, "cgroup.freeze", "1");
	while (!has_line(name, "cgroup.events", "frozen 1")) {
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			tap_bail("freeze");
		}
		sleep_ms(1);
	}
}

unsigned int group_kill(const char *name)
{
	unsigned int nr = 0;
	char path[256];
	FILE *f;
	int pid;

	path_of(path, sizeof(path), name, "cgroup.procs");
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1) {
		/* 0: of another pid namespace, and kill(2) would mean us all. */
		if (pid <= 0)
			continue;
		kill(pid, SIGKILL);
		nr++;
	}
	fclose(f);
	return nr;
}

static volatile sig_atomic_t go;

static void on_go(int sig)
{
	(void)sig;
	go = 1;
}

void group_go_setup(void)
{
	signal(SIGUSR1, on_go);
}

void group_wait_go(void)
{
	/* Not pause(2): the signal may be there already. */
	while (!go)
		sleep_ms(1);
}

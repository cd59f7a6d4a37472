// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who is in a cgroup, of version 1 or 2, and in those below it: what the files called
 * cgroup.procs say.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "sys.h"

/* Directories below directories; the kernel has no limit, but nobody has so many. */
#define DEPTH_MAX 64

static void pids_line(const char *line, void *data)
{
	struct mr_pids *pids = data;
	long pid = strtol(line, NULL, 10);
	pid_t *more;

	/* 0 is somebody in another pid namespace. */
	if (pid <= 0 || pids->failed)
		return;
	if (pids->nr == pids->room) {
		pids->room = pids->room ? pids->room * 2 : 256;
		more = realloc(pids->list, pids->room * sizeof(*more));
		if (!more) {
			pids->failed = true;
			return;
		}
		pids->list = more;
	}
	pids->list[pids->nr++] = (pid_t)pid;
}

static int read_dir(const char *path, unsigned int depth, struct mr_pids *pids)
{
	char name[4096];
	struct dirent *entry;
	int len;
	DIR *dir;

	len = snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	if (len >= (int)sizeof(name) || depth > DEPTH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!mr_read_lines(name, pids_line, pids)) {
		/* Threads below, of processes that are told above; or gone. */
		if (depth &&
		    (errno == EOPNOTSUPP || errno == ENOENT || errno == ENODEV))
			return 0;
		return -1;
	}
	if (pids->failed) {
		errno = ENOMEM;
		return -1;
	}

	dir = opendir(path);
	if (!dir)
		return depth && errno == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		len = snprintf(name, sizeof(name), "%s/%s", path,
			       entry->d_name);
		if (len >= (int)sizeof(name) ||
		    read_dir(name, depth + 1, pids)) {
			int err = len >= (int)sizeof(name) ? ENAMETOOLONG :
							     errno;

			closedir(dir);
			errno = err;
			return -1;
		}
	}
	closedir(dir);
	return 0;
}

int mr_pids_read(struct mr_pids *pids, int cgroup_fd)
{
	char path[64];

	pids->nr = 0;
	/* Anybody can make a file with numbers in it. */
	if (!mr_sys_is_cgroup(cgroup_fd)) {
		errno = EBADF;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", cgroup_fd);
	if (!read_dir(path, 0, pids))
		return 0;
	/* No such file, no directory: no cgroup. */
	if (errno == ENOENT || errno == ENOTDIR)
		errno = EBADF;
	return -1;
}

bool mr_pids_have(const struct mr_pids *pids, pid_t pid)
{
	size_t i;

	for (i = 0; i < pids->nr; i++) {
		if (pids->list[i] == pid)
			return true;
	}
	return false;
}

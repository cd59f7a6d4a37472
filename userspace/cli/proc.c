// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "cli.h"

/* PF_KTHREAD in the ninth field of /proc/PID/stat, see proc(5). */
#define STAT_KTHREAD 0x00200000UL

/* The tests have a tree of their own. */
const char *cli_root = "";

void root_path(char *buf, size_t size, const char *path)
{
	snprintf(buf, size, "%s%s", cli_root, path);
}

/* What fits; -1 when it cannot be read. */
ssize_t file_read(const char *path, char *buf, size_t size)
{
	char full[PATH_ROOM];
	size_t len = 0;
	ssize_t got = 0;
	int fd;

	root_path(full, sizeof(full), path);
	buf[0] = '\0';
	fd = mr_sys_open(full, O_RDONLY);
	if (fd < 0)
		return -1;
	while (len < size - 1 &&
	       (got = mr_sys_read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	buf[len] = '\0';
	return got < 0 ? -1 : (ssize_t)len;
}

void process_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	len = file_read(path, name, size);

	/* A name may hold any byte, newlines too: only the last is the file's. */
	if (len > 0 && name[len - 1] == '\n')
		name[--len] = '\0';
	if (len <= 0)
		snprintf(name, size, "?");
}

bool process_command(pid_t pid, char *command, size_t size)
{
	char path[64];
	ssize_t len;
	ssize_t i;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	len = file_read(path, command, size);

	/* NULs between the arguments, and one or more at the end. */
	while (len > 0 && !command[len - 1])
		len--;
	for (i = 0; i < len; i++) {
		if (!command[i])
			command[i] = ' ';
	}
	return len > 0;
}

int process_oom_score(pid_t pid)
{
	char path[64];
	char text[32];

	snprintf(path, sizeof(path), "/proc/%d/oom_score", (int)pid);
	if (file_read(path, text, sizeof(text)) <= 0)
		return 0;
	return atoi(text);
}

/* The name in it may hold parentheses: what counts is the last one. */
bool process_has_memory(pid_t pid)
{
	char path[64];
	char text[1024];
	const char *end;
	unsigned long flags;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, text, sizeof(text)) <= 0)
		return false;
	end = strrchr(text, ')');
	if (!end ||
	    sscanf(end + 1, " %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
		return false;
	return state != 'Z' && state != 'X' && !(flags & STAT_KTHREAD);
}

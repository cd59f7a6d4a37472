// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a process uses, as /proc tells it: the back ends without the module have
 * no better source.  Nothing is allocated, since there may be no memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sys.h"

/* PF_KTHREAD in the ninth field of /proc/PID/stat, see proc(5). */
#define STAT_KTHREAD 0x00200000UL

bool mr_read_lines(const char *path, mr_line_fn fn, void *data)
{
	char line[256];
	char buf[1024];
	size_t len = 0;
	ssize_t got;
	ssize_t i;
	int fd;

	fd = mr_sys_open(path, O_RDONLY);
	if (fd < 0)
		return false;

	while ((got = mr_sys_read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < got; i++) {
			if (buf[i] == '\n') {
				line[len] = '\0';
				fn(line, data);
				len = 0;
			} else if (len < sizeof(line) - 1) {
				line[len++] = buf[i];
			}
		}
	}

	close(fd);
	return got == 0;
}

static bool has_key(const char *line, const char *key, const char **value)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len))
		return false;
	*value = line + len;
	return true;
}

/* 0 stands for "no pid in our namespace", as in the file, -1 for "gone". */
struct pid_line {
	bool found;
	long pid;
};

static void parse_fdinfo(const char *line, void *data)
{
	struct pid_line *pid = data;
	const char *value;

	if (has_key(line, "Pid:", &value)) {
		pid->found = true;
		pid->pid = strtol(value, NULL, 10);
	}
}

static void parse_status(const char *line, void *data)
{
	struct mr_usage *usage = data;
	const char *value;

	/* The unit is always kB. */
	if (has_key(line, "RssAnon:", &value))
		usage->anon = strtoull(value, NULL, 10) * 1024;
	else if (has_key(line, "RssFile:", &value))
		usage->file = strtoull(value, NULL, 10) * 1024;
	else if (has_key(line, "RssShmem:", &value))
		usage->shmem = strtoull(value, NULL, 10) * 1024;
	else if (has_key(line, "VmSwap:", &value))
		usage->swap = strtoull(value, NULL, 10) * 1024;
	else if (has_key(line, "HugetlbPages:", &value))
		usage->hugetlb = strtoull(value, NULL, 10) * 1024;
	else if (has_key(line, "CoreDumping:", &value))
		usage->dumping = strtoul(value, NULL, 10) != 0;
}

/* The name of a process may hold parentheses: what counts is the last one. */
static void parse_stat(const char *line, void *data)
{
	struct mr_usage *usage = data;
	const char *end = strrchr(line, ')');
	unsigned long flags;

	if (end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1)
		usage->kthread = flags & STAT_KTHREAD;
}

static struct pid_line pid_of(int pidfd)
{
	struct pid_line pid = { false, 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	mr_read_lines(path, parse_fdinfo, &pid);
	return pid;
}

void mr_usage_read(int pidfd, struct mr_usage *usage)
{
	struct pid_line pid = { false, 0 };
	char path[64];

	memset(usage, 0, sizeof(*usage));

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	if (!mr_read_lines(path, parse_fdinfo, &pid))
		return;
	usage->not_pidfd = !pid.found;
	if (pid.pid <= 0)
		return;

	snprintf(path, sizeof(path), "/proc/%ld/status", pid.pid);
	if (!mr_read_lines(path, parse_status, usage))
		goto unknown;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid.pid);
	if (!mr_read_lines(path, parse_stat, usage))
		goto unknown;

	/*
	 * A number belongs to its process until that has been waited for, and
	 * then fdinfo says -1.  So if it has not changed, the files above were
	 * those of this process.
	 */
	if (pid_of(pidfd).pid != pid.pid)
		goto unknown;

	usage->pid = (pid_t)pid.pid;
	usage->known = true;
	return;

unknown:
	memset(usage, 0, sizeof(*usage));
}

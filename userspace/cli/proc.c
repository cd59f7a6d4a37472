// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "cli.h"

void process_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = mr_sys_open(path, O_RDONLY);
	if (fd < 0)
		return;

	len = mr_sys_read(fd, name, size - 1);
	close(fd);
	if (len <= 0) {
		snprintf(name, size, "?");
		return;
	}

	/* A name may hold any byte, newlines too: only the last is the file's. */
	if (name[len - 1] == '\n')
		len--;
	name[len] = '\0';
}

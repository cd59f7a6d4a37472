// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "cli.h"

void process_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t got;
	int fd;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = mr_sys_open(path, O_RDONLY);
	if (fd < 0)
		return;

	while (len < size - 1 &&
	       (got = mr_sys_read(fd, name + len, size - 1 - len)) > 0)
		len += got;
	close(fd);

	/* A name may hold any byte, newlines too: only the last is the file's. */
	if (len && name[len - 1] == '\n')
		len--;
	name[len] = '\0';
	if (!len)
		snprintf(name, size, "?");
}

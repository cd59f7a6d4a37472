// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victim fds, see arm.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arm.h"
#include "sys.h"
#include "tap.h"

int arm(int dev, int pidfd, uint32_t flags)
{
	struct mrelease_arm_args args = {
		.size = sizeof(args),
		.pidfd = pidfd,
		.flags = flags,
	};

	return ioctl(dev, MRELEASE_IOC_ARM, &args) ? -errno : args.fd;
}

int arm_now(int dev, int pidfd, uint32_t flags)
{
	int fd = arm(dev, pidfd, flags);

	if (fd < 0) {
		errno = -fd;
		tap_bail("ARM");
	}
	return fd;
}

int arm_release_timeout(int fd, uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res)
{
	return dev_release_timeout(fd, -1, flags, timeout_ms, res);
}

int arm_release(int fd, uint32_t flags, struct mrelease_result *res)
{
	return arm_release_timeout(fd, flags, 0, res);
}

bool arm_poll(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 && pfd.revents == POLLIN;
}

const char *arm_info(int fd, const char *key)
{
	static char line[128];
	char path[64], name[64];
	const char *found = "";
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	len = snprintf(name, sizeof(name), "mrelease-%s:\t", key);
	f = fopen(path, "re");
	if (!f)
		return found;
	while (!*found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, name, len))
			found = line + len;
	}
	fclose(f);
	return found;
}

bool arm_state_is(int fd, const char *state)
{
	return !strcmp(arm_info(fd, "state"), state);
}

int module_refs(void)
{
	FILE *f = fopen("/sys/module/mrelease/refcnt", "re");
	int refs = -1;

	if (!f || fscanf(f, "%d", &refs) != 1)
		tap_bail("refcnt");
	fclose(f);
	return refs;
}

bool module_wait(int refs, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;

	while (module_refs() != refs) {
		if (now_ns() > end)
			return false;
		sleep_ms(10);
	}
	return true;
}

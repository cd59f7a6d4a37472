// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"
#include "sys.h"

/* Does the symbolic link end in these names? */
static bool link_ends_with(const char *path, const char *tail)
{
	size_t tail_len = strlen(tail);
	char target[256];
	ssize_t len;

	len = mr_sys_readlink(path, target, sizeof(target));

	/* A name that fills the buffer may have been cut. */
	if (len < (ssize_t)tail_len || len >= (ssize_t)sizeof(target))
		return false;
	return !memcmp(target + len - tail_len, tail, tail_len);
}

/*
 * An ioctl number means something else to each driver, so the device is asked
 * nothing before sysfs has said that it is the one.  A misc device has no fixed
 * minor number; its name is that of its directory.
 */
static bool is_our_device(int fd)
{
	char path[80];
	struct stat st;

	if (mr_sys_fstat(fd, &st) || !S_ISCHR(st.st_mode))
		return false;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem",
		 major(st.st_rdev), minor(st.st_rdev));
	if (!link_ends_with(path, "/class/misc"))
		return false;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	return link_ends_with(path, "/misc/mrelease");
}

int mr_device_open(struct mrelease_info *info)
{
	int err;
	int fd;

	fd = mr_sys_open(MRELEASE_DEVICE, O_RDWR | O_NOCTTY);
	if (fd < 0) {
		/* A node that was left behind by a module that is gone. */
		if (errno == ENXIO)
			errno = ENODEV;
		return -1;
	}

	err = ENODEV;
	if (!is_our_device(fd))
		goto err_close_fd;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (mr_sys_ioctl(fd, MRELEASE_IOC_INFO, info)) {
		err = errno == ENOTTY ? ENODEV : errno;
		goto err_close_fd;
	}
	if (!info->abi_version)
		goto err_close_fd;

	/* Strings from outside end where their fields do. */
	info->primitive[sizeof(info->primitive) - 1] = '\0';
	info->version[sizeof(info->version) - 1] = '\0';
	info->size = sizeof(*info);
	return fd;

err_close_fd:
	close(fd);
	errno = err;
	return -1;
}

int mr_device_release(int fd, int pidfd, uint32_t flags, uint32_t timeout_ms,
		      struct mrelease_result *res)
{
	struct mrelease_args args = {
		.size = sizeof(args),
		.pidfd = pidfd,
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	int ret;

	ret = mr_sys_ioctl(fd, MRELEASE_IOC_RELEASE, &args);
	*res = args.result;
	return ret;
}

int mr_device_many(int fd, struct mrelease_target *targets, uint32_t nr,
		   uint32_t flags, uint32_t timeout_ms,
		   struct mrelease_result *total)
{
	struct mrelease_many_args args = {
		.size = sizeof(args),
		.flags = flags,
		.timeout_ms = timeout_ms,
		.nr = nr,
		.targets = (uintptr_t)targets,
		.target_size = sizeof(*targets),
	};
	int ret;

	ret = mr_sys_ioctl(fd, MRELEASE_IOC_RELEASE_MANY, &args);
	*total = args.total;
	return ret;
}

int mr_device_cgroup(int fd, int cgroup_fd, struct mrelease_target *targets,
		     uint32_t *nr, uint32_t flags, uint32_t timeout_ms,
		     struct mrelease_result *total)
{
	struct mrelease_cgroup_args args = {
		.size = sizeof(args),
		.cgroup_fd = cgroup_fd,
		.flags = flags,
		.timeout_ms = timeout_ms,
		.nr = *nr,
		.target_size = sizeof(*targets),
		.targets = (uintptr_t)targets,
	};
	int ret;

	ret = mr_sys_ioctl(fd, MRELEASE_IOC_RELEASE_CGROUP, &args);
	*nr = args.nr;
	*total = args.total;
	return ret;
}

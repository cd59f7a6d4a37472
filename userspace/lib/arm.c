// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Victim fds.  Without the module a copy of the pidfd does what it can.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "internal.h"
#include "sys.h"

MRELEASE_API int mrelease_arm(const struct mrelease *h, int pidfd,
			      uint32_t flags)
{
	struct mrelease_arm_args args = {
		.size = sizeof(args),
		.pidfd = pidfd,
		.flags = flags,
	};
	struct mr_usage usage;

	if (!h) {
		errno = EINVAL;
		return -1;
	}
	if (pidfd < 0) {
		errno = EBADF;
		return -1;
	}
	if (h->backend == MRELEASE_BACKEND_DEVICE)
		return mr_sys_ioctl(h->fd, MRELEASE_IOC_ARM, &args) ? -1 :
								      args.fd;
	if (flags) {
		errno = EINVAL;
		return -1;
	}
	mr_usage_read(pidfd, &usage);
	if (usage.not_pidfd) {
		errno = EBADF;
		return -1;
	}
	/* Nothing can be had of who is gone. */
	if (mr_sys_poll(pidfd, 0) == 1) {
		errno = ESRCH;
		return -1;
	}
	return fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
}

MRELEASE_API int mrelease_release_armed(const struct mrelease *h, int fd,
					uint32_t flags, uint32_t timeout_ms,
					struct mrelease_result *res)
{
	struct mrelease_result unused;

	/* All that a pidfd does as well, and every mistake, are no different here. */
	if (!h || h->backend != MRELEASE_BACKEND_DEVICE || fd < 0)
		return mrelease_release(h, fd, flags, timeout_ms, res);

	if (!res)
		res = &unused;
	memset(res, 0, sizeof(*res));
	return mr_device_release(fd, -1, flags, timeout_ms, res);
}

MRELEASE_API int mrelease_wait_armed(const struct mrelease *h, int fd,
				     uint32_t timeout_ms)
{
	int ret;

	if (!h || fd < 0) {
		errno = h ? EBADF : EINVAL;
		return -1;
	}
	do {
		ret = mr_sys_poll(fd, timeout_ms ? timeout_ms : UINT32_MAX);
	} while (!ret && !timeout_ms);
	if (!ret)
		errno = ETIMEDOUT;
	return ret == 1 ? 0 : -1;
}

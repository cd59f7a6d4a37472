// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sys.h"

MRELEASE_API int mrelease_release(const struct mrelease *h, int pidfd,
				  uint32_t flags, uint32_t timeout_ms,
				  struct mrelease_result *res)
{
	struct mrelease_result unused;

	if (!res)
		res = &unused;
	memset(res, 0, sizeof(*res));

	if (!h) {
		errno = EINVAL;
		return -1;
	}

	/*
	 * A victim fd of MRELEASE_IOC_ARM is the only place where the interface
	 * has a use for a negative pidfd, and this is not one.
	 */
	if (pidfd < 0) {
		errno = EBADF;
		return -1;
	}

	if (h->backend == MRELEASE_BACKEND_DEVICE)
		return mr_device_release(h->fd, pidfd, flags, timeout_ms, res);
	return mr_fallback_release(h->backend, pidfd, flags, timeout_ms, res);
}

MRELEASE_API int mrelease_kill(const struct mrelease *h, pid_t pid,
			       uint32_t flags, uint32_t timeout_ms,
			       struct mrelease_result *res)
{
	int pidfd;
	int err;
	int ret;

	if (res)
		memset(res, 0, sizeof(*res));

	/* 0 and below are process groups to kill(2); here they are a bug. */
	if (!h || pid <= 0 || pid == getpid()) {
		errno = EINVAL;
		return -1;
	}

	pidfd = mr_sys_pidfd_open(pid);
	if (pidfd < 0)
		return -1;

	ret = mrelease_release(h, pidfd, flags | MRELEASE_KILL, timeout_ms,
			       res);
	err = errno;
	close(pidfd);
	errno = err;
	return ret;
}

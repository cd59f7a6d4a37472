// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/internal.h"
#include "../lib/sys.h"
#include "preload.h"

/*
 * Out of the way of programs that close or count the first ones, and below the
 * usual limit of 1024.
 */
#define FD_WANTED 900
#define FD_LOWEST 3

static struct mr_preload_options opts;

/* What the device was when it was opened; written by mr_preload_start() only. */
static struct stat device;

/* -1: it could not be opened, or somebody closed it. */
static atomic_int device_fd = -1;

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_rdev == b->st_rdev &&
	       a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A low number could be taken for standard input, or for the daemon's own. */
static int move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_WANTED);

	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LOWEST);
	close(fd);
	return high;
}

static void say(const struct mrelease_info *info, int err)
{
	char line[160];
	int len;

	if (err)
		len = snprintf(line, sizeof(line),
			       "mrelease-preload: " MRELEASE_DEVICE
			       ": %s; process_mrelease(2) is used\n",
			       strerror(err));
	else
		len = snprintf(line, sizeof(line),
			       "mrelease-preload: module %s, flags %#x%s\n",
			       info->version, opts.flags,
			       opts.pair ? ", pair" : "");
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

void mr_preload_start(void)
{
	struct mrelease_info info;
	int saved = errno;
	int err = 0;
	int fd;

	mr_preload_environ(&opts);
	fd = mr_device_open(&info);
	if (fd >= 0)
		fd = move_up(fd);
	if (fd < 0) {
		err = errno;
	} else if (mr_sys_fstat(fd, &device)) {
		err = errno;
		close(fd);
	} else {
		/* What this module cannot do would make each call fail. */
		opts.flags &= (uint32_t)info.features;
		opts.pair = opts.pair && (info.features & MRELEASE_KILL);
		atomic_store(&device_fd, fd);
	}
	if (opts.verbose)
		say(&info, err);
	errno = saved;
}

/*
 * Daemons close descriptors that they do not know, and the number goes to
 * another file.  Then what was verified at the start is opened once more, by
 * calls that every daemon's seccomp filter lets through.  A device that was made
 * anew since, by another module, is not taken.
 */
static int device_get(void)
{
	int fd = atomic_load(&device_fd);
	struct stat now;
	int again;

	if (fd < 0)
		return -1;
	if (!mr_sys_fstat(fd, &now) && same_file(&now, &device))
		return fd;

	again = mr_sys_open(MRELEASE_DEVICE, O_RDWR | O_NOCTTY);
	if (again >= 0)
		again = move_up(again);
	if (again >= 0 &&
	    (mr_sys_fstat(again, &now) || !same_file(&now, &device))) {
		close(again);
		again = -1;
	}

	/* Another thread was faster; or there is none, and that is final. */
	if (!atomic_compare_exchange_strong(&device_fd, &fd, again)) {
		if (again >= 0)
			close(again);
		again = fd;
	}
	return again;
}

static int release(int pidfd, uint32_t flags, struct mrelease_result *res)
{
	int fd = device_get();

	memset(res, 0, sizeof(*res));
	if (fd < 0) {
		errno = ENODEV;
		return -1;
	}
	return mr_device_release(fd, pidfd, flags, opts.timeout_ms, res);
}

/* With the answers of process_mrelease(2), and no other. */
int mr_preload_mrelease(int pidfd, unsigned int flags)
{
	struct mrelease_result res;
	int saved = errno;
	int ret;

	/* Those of a newer kernel are for it; where there is none, they are bad. */
	if (flags) {
		ret = mr_preload_real_mrelease(pidfd, flags);
		if (ret && errno == ENOSYS && device_get() >= 0)
			errno = EINVAL;
		return ret;
	}

	/* The interface has a use for this number; here it is the usual probe. */
	if (pidfd == -1) {
		if (device_get() < 0)
			return mr_sys_process_mrelease(pidfd);
		errno = EBADF;
		return -1;
	}

	if (!release(pidfd, opts.flags, &res)) {
		errno = saved;
		return 0;
	}
	switch (errno) {
	case EBADF:
	case EINTR:
	case EINVAL:
	case ESRCH:
		return -1;
	case ETIMEDOUT:
		errno = EAGAIN;
		return -1;
	}

	/* Switched off, too busy, gone: the kernel has not been asked yet. */
	errno = saved;
	return mr_sys_process_mrelease(pidfd);
}

bool mr_preload_kill_pidfd(int pidfd)
{
	struct mrelease_result res;
	int saved = errno;

	if (!opts.pair || pidfd < 0)
		return false;
	release(pidfd, opts.flags | MRELEASE_KILL, &res);
	errno = saved;

	/* Signalled is what the caller asked; the rest may have failed. */
	return res.victims;
}

bool mr_preload_kill_pid(pid_t pid)
{
	int saved = errno;
	bool done = false;
	int pidfd;

	if (!opts.pair || atomic_load(&device_fd) < 0)
		return false;
	pidfd = mr_sys_pidfd_open(pid);
	if (pidfd >= 0) {
		done = mr_preload_kill_pidfd(pidfd);
		close(pidfd);
	}
	errno = saved;
	return done;
}

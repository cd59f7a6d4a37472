// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

/*
 * The newest of these calls is of Linux 5.15, the headers may be older.  They
 * have the same number on every architecture but those that number their own
 * way.
 */
#if !defined(__NR_process_mrelease) && \
	(defined(__alpha__) || defined(__mips__) || defined(__ia64__))
#error "kernel headers of Linux 5.15 or later are needed"
#endif
#if !defined(__NR_process_mrelease) && defined(__x86_64__) && defined(__ILP32__)
#error "kernel headers of Linux 5.15 or later are needed"
#endif
#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif

/* Of <linux/magic.h>; the second one is younger than some. */
#define CGROUP_MAGIC 0x27e0eb
#define CGROUP2_MAGIC 0x63677270

/*
 * The device answers EINTR only to a caller that is being killed, so there is
 * nobody to start again for.
 */
int mr_sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	if (ret > 0) {
		errno = EBADE;
		return -1;
	}
	return ret;
}

int mr_sys_pidfd_open(pid_t pid)
{
	return (int)syscall(__NR_pidfd_open, pid, 0);
}

int mr_sys_pidfd_signal(int pidfd, int sig)
{
	return (int)syscall(__NR_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int mr_sys_process_mrelease(int pidfd)
{
	return (int)syscall(__NR_process_mrelease, pidfd, 0);
}

int mr_sys_open(const char *path, int flags)
{
	int fd;

	do {
		fd = open(path, flags | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);

	return fd;
}

ssize_t mr_sys_read(int fd, void *buf, size_t size)
{
	ssize_t len;

	do {
		len = read(fd, buf, size);
	} while (len < 0 && errno == EINTR);

	return len;
}

int mr_sys_fstat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

bool mr_sys_is_cgroup(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type == CGROUP_MAGIC || fs.f_type == CGROUP2_MAGIC;
}

ssize_t mr_sys_readlink(const char *path, char *buf, size_t size)
{
	return readlink(path, buf, size);
}

int mr_sys_poll(int fd, uint32_t timeout_ms)
{
	uint64_t end = mr_sys_now() + timeout_ms * 1000000ULL;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = mr_sys_now();
		uint64_t left = now < end ? (end - now + 999999) / 1000000 : 0;
		int ret;

		ret = poll(&pfd, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (ret > 0 && !(pfd.revents & POLLIN)) {
			errno = EBADF;
			return -1;
		}
		if (ret > 0 || (ret < 0 && errno != EINTR))
			return ret;
		if (!left)
			return 0;
	}
}

void mr_sys_sleep(uint32_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	/* Cut short by a signal is long enough: all callers look again. */
	nanosleep(&ts, NULL);
}

uint64_t mr_sys_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

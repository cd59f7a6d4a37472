// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device and the system calls beside it, see sys.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"

/* The same on every architecture that this project knows. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static int ret_errno(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

int sys_pidfd_open(pid_t pid)
{
	return ret_errno(syscall(SYS_pidfd_open, pid, 0));
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	return ret_errno(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

int sys_process_mrelease(int pidfd, unsigned int flags)
{
	return ret_errno(syscall(SYS_process_mrelease, pidfd, flags));
}

int dev_open(void)
{
	int fd = open(MRELEASE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_bail("open " MRELEASE_DEVICE);
	return fd;
}

int dev_release_timeout(int dev, int pidfd, uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res)
{
	struct mrelease_args args = {
		.size = sizeof(args),
		.pidfd = pidfd,
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	int ret = ret_errno(ioctl(dev, MRELEASE_IOC_RELEASE, &args));

	if (res)
		*res = args.result;
	return ret;
}

int dev_release(int dev, int pidfd, uint32_t flags, struct mrelease_result *res)
{
	return dev_release_timeout(dev, pidfd, flags, 0, res);
}

bool have_process_mrelease(void)
{
	return sys_process_mrelease(-1, 0) != -ENOSYS;
}

bool kernel_before(int major, int minor)
{
	struct utsname name;
	int is_major, is_minor;

	if (uname(&name) ||
	    sscanf(name.release, "%d.%d", &is_major, &is_minor) != 2)
		tap_bail("uname");
	return is_major < major || (is_major == major && is_minor < minor);
}

const char *err_name(int err)
{
	const char *name;

	if (!err)
		return "0";
	name = strerrorname_np(err < 0 ? -err : err);
	return name ? name : "?";
}

long proc_kib(const char *path, const char *key)
{
	size_t len = strlen(key);
	char line[256];
	long ret = -1;
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && line[len] == ':') {
			ret = atol(line + len + 1);
			break;
		}
	}
	fclose(f);
	return ret;
}

long proc_pid_kib(pid_t pid, const char *file, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return proc_kib(path, key);
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("sched_setaffinity to CPU %d", cpu);
}

int nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

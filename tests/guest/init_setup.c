// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system that a command finds: file systems, cgroups, tracing, the loopback device. Whatever a
 * kernel lacks here is left out silently; a test that needs it looks for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

static const struct {
	const char *type, *dir, *options;
} basics[] = {
	{ "devtmpfs", "/dev", "mode=0755" },
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "tmpfs", "/tmp", "mode=1777" },
	{ "tmpfs", "/run", "mode=0755" },
	{ "devpts", "/dev/pts", "ptmxmode=0666" },
	{ "tmpfs", "/dev/shm", "mode=1777" },
	{ "mqueue", "/dev/mqueue", NULL },
	{ "hugetlbfs", "/dev/hugepages", NULL },
	{ "debugfs", "/sys/kernel/debug", NULL },
	{ "tracefs", "/sys/kernel/tracing", NULL },
	{ "cgroup2", "/sys/fs/cgroup", NULL },
};

void mount_basics(void)
{
	umask(0);
	for (size_t i = 0; i < sizeof(basics) / sizeof(basics[0]); i++) {
		mkdir(basics[i].dir, 0755);
		mount(basics[i].type, basics[i].dir, basics[i].type, 0,
		      basics[i].options);
	}
	umask(022);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

void tune_kernel(void)
{
	write_file("/proc/sys/kernel/hostname", "guest");
	write_file("/proc/sys/kernel/sysrq", "1");
	/* Tests mark the kernel log; they must not be rate-limited out of it. */
	write_file("/proc/sys/kernel/printk_devkmsg", "on");
}

/* Every controller for every child of the root, as a systemd machine has it for its slices. */
void cgroups_enable(void)
{
	char list[512], *name, *save;
	int fd =
		open("/sys/fs/cgroup/cgroup.controllers", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, list, sizeof(list) - 1);
	close(fd);
	if (n <= 0)
		return;
	list[n] = '\0';
	/* One at a time: a controller that refuses must not take the others with it. */
	for (name = strtok_r(list, " \n", &save); name;
	     name = strtok_r(NULL, " \n", &save)) {
		char plus[64];

		snprintf(plus, sizeof(plus), "+%s", name);
		write_file("/sys/fs/cgroup/cgroup.subtree_control", plus);
	}
	/*
	 * As there, one group is always there.  With the first one, and after the
	 * last, the kernel patches its page allocator (cpusets_enabled()), over
	 * which an emulated CPU stumbles now and then that runs it meanwhile.
	 */
	mkdir("/sys/fs/cgroup/init.scope", 0755);
}

void tracing_enable(void)
{
	write_file("/sys/kernel/tracing/events/signal/signal_generate/enable",
		   "1");
	write_file("/sys/kernel/tracing/events/signal/signal_deliver/enable",
		   "1");
}

void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `make demo` runs in the guest: the same victim killed in several ways, and
 * how much memory was free again when the call returned.  The victim has 512 MiB
 * of anonymous memory and 128 MiB of a file on /mnt mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ANON_MIB 512
#define FILE_MIB 128
#define FILE_PATH "/mnt/data"

/* How long somebody who waits for a victim's end would wait here. */
#define PATIENCE_MS 1000

static int dev;
static int mnt;

/* A process like any other: some memory, and a file that it reads. */
static void worker(void *arg)
{
	const bool *blocked = arg;
	size_t bytes = (size_t)ANON_MIB << 20;
	volatile char sum = 0;
	char *mem, *map;
	int fd;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, (size_t)FILE_MIB << 20, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mem == MAP_FAILED || map == MAP_FAILED)
		_exit(1);
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	memset(mem, 1, bytes);
	for (size_t i = 0; i < (size_t)FILE_MIB << 20; i += 4096)
		sum += map[i];
	victim_ready();
	if (*blocked) {
		/* The file system is frozen: this sleeps in the kernel, state D. */
		fd = open("/mnt/blocked", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (write(fd, mem, 4096) != 4096)
			_exit(1);
	}
	for (;;)
		pause();
}

static void wait_for_exit(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	poll(&pfd, 1, PATIENCE_MS);
}

static int way_kill(int pidfd)
{
	int ret = sys_pidfd_send_signal(pidfd, SIGKILL);

	if (!ret)
		wait_for_exit(pidfd);
	return ret;
}

static int way_process_mrelease(int pidfd)
{
	return sys_pidfd_send_signal(pidfd, SIGKILL) ?:
		       sys_process_mrelease(pidfd, 0);
}

static int way_mrelease(int pidfd)
{
	return dev_release(dev, pidfd, MRELEASE_KILL, NULL);
}

static int way_mrelease_evict(int pidfd)
{
	return dev_release(dev, pidfd, MRELEASE_KILL | MRELEASE_EVICT, NULL);
}

static const struct {
	const char *name;
	int (*kill)(int pidfd);
} ways[] = {
	{ "kill(2), wait 1 s at most", way_kill },
	{ "kill(2), process_mrelease(2)", way_process_mrelease },
	{ "mrelease KILL", way_mrelease },
	{ "mrelease KILL|EVICT", way_mrelease_evict },
};

static void make_file(void)
{
	static char block[1 << 20];
	int fd = open(FILE_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 0; i < FILE_MIB; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		if (write(fd, block, sizeof(block)) != sizeof(block))
			tap_bail("write " FILE_PATH);
	}
	fsync(fd);
	close(fd);
}

static void show(bool blocked)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		long before, back, later;
		struct victim victim;
		uint64_t start, ns;
		int ret;

		write_file("/proc/sys/vm/drop_caches", "1");
		if (blocked && ioctl(mnt, FIFREEZE, 0))
			tap_bail("freezing /mnt");
		victim = victim_start(worker, &blocked);
		sleep_ms(300);

		before = proc_kib("/proc/meminfo", "MemFree");
		start = now_ns();
		ret = ways[i].kill(victim.pidfd);
		ns = now_ns() - start;
		back = proc_kib("/proc/meminfo", "MemFree") - before;
		sleep_ms(1000);
		later = proc_kib("/proc/meminfo", "MemFree") - before;

		printf("  %-30s %-7s %7.1f ms %8ld MiB %8ld MiB\n",
		       ways[i].name, err_name(ret), ns / 1e6, back >> 10,
		       later >> 10);
		if (blocked && ioctl(mnt, FITHAW, 0))
			tap_bail("thawing /mnt");
		victim_end(&victim);
	}
}

int main(void)
{
	struct utsname name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	dev = dev_open();
	mnt = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uname(&name);
	make_file();

	printf("Linux %s, %d CPUs. Each victim has %d MiB of its own and %d MiB of a file mapped.\n\n",
	       name.release, nr_cpus(), ANON_MIB, FILE_MIB);
	printf("  %-30s %-7s %10s %12s %12s\n", "asleep", "errno", "call",
	       "free at once", "1 s later");
	show(false);
	printf("\n  %-30s %-7s %10s %12s %12s\n", "blocked in the kernel (D)",
	       "errno", "call", "free at once", "1 s later");
	show(true);
	return 0;
}

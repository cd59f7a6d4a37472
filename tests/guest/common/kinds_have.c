// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kinds of memory this kernel has, see kinds.h, and how they are set up for a
 * victim.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "sys.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define ZRAM_BYTES "134217728"

static bool shmem_thp;
static char swap_device[32];

const char *no_userfaultfd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return "no userfaultfd(2)";
	close(fd);
	return NULL;
}

/* The emulated x86 CPU has what AMD's virtualization takes; on arm64 it is built in. */
const char *no_kvm(void)
{
	return !access("/dev/kvm", F_OK) ||
			       (!system("modprobe kvm_amd 2>/dev/null") &&
				!access("/dev/kvm", F_OK)) ?
		       NULL :
		       "no /dev/kvm, and nothing else that follows an address space";
}

/* Answers a read after three seconds; nothing is in flight on it for longer. */
const char *no_nullb(void)
{
	return !system("modprobe null_blk nr_devices=1 irqmode=2 "
		       "completion_nsec=3000000000 2>/dev/null") &&
			       !access("/dev/nullb0", F_OK) ?
		       NULL :
		       "no null_blk";
}

static const char *selected(const char *path, char *line, size_t len)
{
	FILE *f = fopen(path, "re");
	char *p = NULL;

	if (f) {
		p = fgets(line, len, f);
		fclose(f);
	}
	p = p ? strchr(p, '[') : NULL;
	return p ? p + 1 : "";
}

const char *no_thp(void)
{
	char line[128];
	const char *now = selected(THP "enabled", line, sizeof(line));

	return !strncmp(now, "always", 6) || !strncmp(now, "madvise", 7) ?
		       NULL :
		       "no transparent huge pages";
}

const char *no_shmem_thp(void)
{
	char line[128];

	if (!shmem_thp &&
	    !strncmp(selected(THP "shmem_enabled", line, sizeof(line)), "never",
		     5))
		shmem_thp = !write_file(THP "shmem_enabled", "advise");
	return shmem_thp ? NULL : "no transparent huge pages for shmem";
}

const char *no_hugetlb(void)
{
	long want = KIND_SMALL / (2 * MIB);
	unsigned int i;
	char text[16];

	snprintf(text, sizeof(text), "%ld", want);
	write_file("/proc/sys/vm/nr_hugepages", text);
	/* Those of the last victim may still be on their way. */
	for (i = 0; i < 500; i++) {
		if (proc_kib("/proc/meminfo", "HugePages_Free") == want)
			return NULL;
		sleep_ms(10);
	}
	return "no huge pages";
}

/* Swap in memory: one zram device, with the header that mkswap(8) would write. */
const char *no_swap(void)
{
	int fd;

	if (swap_device[0])
		return NULL;
	if (access("/sys/block/zram0", F_OK) &&
	    system("modprobe zram 2>/dev/null"))
		return "no zram";
	if (write_file("/sys/block/zram0/disksize", ZRAM_BYTES))
		return "zram0 is in use, or there is none";
	fd = open("/dev/zram0", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return "no /dev/zram0";
	close(fd);
	if (system("mkswap /dev/zram0 >/dev/null 2>&1") ||
	    swapon("/dev/zram0", 0))
		return "swapon(2) of zram0 failed";
	strcpy(swap_device, "/dev/zram0");
	return NULL;
}

const char *no_secretmem(void)
{
	int fd = syscall(SYS_memfd_secret, 0), status = -1;
	pid_t pid;

	if (fd < 0)
		return "no memfd_secret(2)";
	close(fd);
	/* Where the kernel cannot take a page out of its own mapping: SIGBUS. */
	pid = fork();
	if (!pid)
		kind_secretmem_touch();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return "memory of memfd_secret(2) cannot be touched here";
	return NULL;
}

const char *no_ksm(void)
{
	return ksm_is_there() ? NULL : "no KSM";
}

void kinds_end(void)
{
	write_file("/proc/sys/vm/nr_hugepages", "0");
	if (shmem_thp)
		write_file(THP "shmem_enabled", "never");
	if (swap_device[0]) {
		swapoff(swap_device);
		write_file("/sys/block/zram0/reset", "1");
	}
	ksm_end();
}

const char *no_high(void)
{
	void *mem = mmap(KIND_HIGH, 4096, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return "no address space";
	munmap(mem, 4096);
	return mem == KIND_HIGH ? NULL : "four levels of page tables";
}

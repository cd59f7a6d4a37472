// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be seen of a process from outside, see proc.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"

#define HOLD_MOUNT "/tmp/freezer"
#define HOLD_GROUP HOLD_MOUNT "/hold"

/* One line of smaps into the sums of its VMA. */
struct vma_sums {
	uint64_t rss;
	uint64_t anon;
	uint64_t swap;
	uint64_t hugetlb;
	bool shmem;
};

static void vma_begin(pid_t pid, const char *line, struct vma_sums *vma)
{
	unsigned long start, end;
	char path[128];
	struct statfs fs;

	memset(vma, 0, sizeof(*vma));
	if (sscanf(line, "%lx-%lx", &start, &end) != 2)
		return;
	/* The link leads to the file itself, also when it has no name. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, start,
		 end);
	vma->shmem = !statfs(path, &fs) && fs.f_type == TMPFS_MAGIC;
}

static void vma_end(const struct vma_sums *vma, const char *flags,
		    struct footprint *fp)
{
	uint64_t cache = vma->rss - vma->anon;

	fp->anon += vma->anon;
	fp->swap += vma->swap;
	fp->hugetlb += vma->hugetlb;
	if (vma->shmem)
		fp->shmem += cache;
	else
		fp->file += cache;
	if (strstr(flags, " sh"))
		fp->shared_map += cache;
}

bool footprint_read(pid_t pid, struct footprint *fp)
{
	struct vma_sums vma = {};
	char line[512], path[64];
	bool seen = false;
	FILE *f;

	memset(fp, 0, sizeof(*fp));
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');
		uint64_t bytes;

		/* A key ends with the colon; in a VMA's own line one follows a blank. */
		if (!colon || memchr(line, ' ', colon - line)) {
			vma_begin(pid, line, &vma);
			continue;
		}
		bytes = strtoull(colon + 1, NULL, 10) * 1024;
		*colon = '\0';
		if (!strcmp(line, "Rss"))
			vma.rss = bytes;
		else if (!strcmp(line, "Anonymous"))
			vma.anon = bytes;
		else if (!strcmp(line, "Swap"))
			vma.swap = bytes;
		else if (!strcmp(line, "Private_Hugetlb") ||
			 !strcmp(line, "Shared_Hugetlb"))
			vma.hugetlb += bytes;
		else if (!strcmp(line, "VmFlags"))
			vma_end(&vma, colon + 1, fp);
		seen = true;
	}
	fclose(f);
	return seen;
}

uint64_t anon_bytes(pid_t pid)
{
	long kib = proc_pid_kib(pid, "smaps_rollup", "Anonymous");

	return kib > 0 ? kib * 1024ULL : 0;
}

char proc_state(pid_t pid)
{
	char path[64], line[256], *p;
	char state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f)) {
		p = strrchr(line, ')');
		if (p && p[1])
			state = p[2];
	}
	fclose(f);
	return state;
}

bool proc_wait_state(pid_t pid, const char *states, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;

	for (;;) {
		char state = proc_state(pid);

		if (state && strchr(states, state))
			return true;
		if (!state || now_ns() > end)
			return false;
		sleep_ms(1);
	}
}

/* Is it in /proc/PID/stack?  A line there: [<0>] FUNCTION+0x10/0x20 [MODULE] */
static bool stack_has(pid_t pid, const char *function)
{
	char path[64], line[256], want[64];
	bool has = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	snprintf(want, sizeof(want), " %s+", function);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!has && fgets(line, sizeof(line), f))
		has = strstr(line, want);
	fclose(f);
	return has;
}

bool proc_wait_asleep(pid_t pid, const char *function, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;

	while (now_ns() < end && proc_wait_state(pid, "DS", ms)) {
		if (stack_has(pid, function))
			return true;
		sleep_ms(1);
	}
	return false;
}

char *map_touched(size_t bytes, bool huge)
{
	size_t step = sysconf(_SC_PAGESIZE), off;
	char *mem;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		_exit(96);
	madvise(mem, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (off = 0; off < bytes; off += step)
		mem[off] = 1;
	return mem;
}

bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void hold_setup(void)
{
	mkdir("/tmp", 01777);
	mkdir(HOLD_MOUNT, 0700);
	if (mount("freezer", HOLD_MOUNT, "cgroup", 0, "freezer") &&
	    errno != EBUSY)
		tap_bail("mount cgroup v1 freezer");
	if (mkdir(HOLD_GROUP, 0700) && errno != EEXIST)
		tap_bail("mkdir " HOLD_GROUP);
}

void hold_freeze(pid_t pid)
{
	uint64_t end = now_ns() + 10000000000ULL;
	char text[32];
	FILE *f;

	snprintf(text, sizeof(text), "%d", pid);
	errno = -write_file(HOLD_GROUP "/cgroup.procs", text);
	if (errno)
		tap_bail(HOLD_GROUP "/cgroup.procs");
	errno = -write_file(HOLD_GROUP "/freezer.state", "FROZEN");
	if (errno)
		tap_bail("freeze");
	/* FREEZING until the victim has met it. */
	for (;;) {
		f = fopen(HOLD_GROUP "/freezer.state", "re");
		if (!f || !fgets(text, sizeof(text), f))
			tap_bail("freezer.state");
		fclose(f);
		if (!strncmp(text, "FROZEN", 6))
			return;
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			tap_bail("freeze");
		}
		sleep_ms(1);
	}
}

void hold_thaw(void)
{
	errno = -write_file(HOLD_GROUP "/freezer.state", "THAWED");
	if (errno)
		tap_bail("thaw");
}

pid_t proc_other_thread(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != pid)
			tid = atoi(entry->d_name);
	if (!tid)
		tap_bail("%s", path);
	closedir(dir);
	return tid;
}

long slab_active(const char *cache)
{
	char line[512], path[96], name[64];
	long active, ret = -1;
	FILE *f;

	/* Else the free objects of a CPU's own slab count as used. */
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	write_file(path, "1");
	f = fopen("/proc/slabinfo", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &active) == 2 &&
		    !strcmp(name, cache))
			ret = active;
	fclose(f);
	return ret;
}

long slab_settled(const char *cache, long enough)
{
	long active, least = slab_active(cache);
	int i;

	for (i = 0; i < 50 && least > enough; i++) {
		sleep_ms(100);
		active = slab_active(cache);
		if (active < least)
			least = active;
	}
	return least;
}

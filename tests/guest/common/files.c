// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * File systems, files on them, and what the page cache holds of these, see
 * files.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "sys.h"
#include "tap.h"

#define BLOCK (1024UL * 1024)

/* Bits of /proc/kpageflags. */
#define KPF_COMPOUND_HEAD 15
#define KPF_COMPOUND_TAIL 16

/* Bits of /proc/PID/pagemap. */
#define PM_PRESENT (1ULL << 63)
#define PM_PFN_MASK ((1ULL << 55) - 1)

/* Looking at each of 131072 pages would take as long as all the rest. */
#define SAMPLE_PAGES 16

#define OVERLAY_OPTIONS \
	"lowerdir=%1$s/lower,upperdir=%1$s/upper,workdir=%1$s/work"

static bool add_overlay(struct fs *fs, const struct fs *base)
{
	static const char *const parts[] = { "lower", "upper", "work" };
	char path[64], options[160];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", base->dir, parts[i]);
		mkdir(path, 0700);
	}
	strcpy(fs->name, "overlay");
	strcpy(fs->dir, "/tmp/overlay");
	snprintf(fs->make, sizeof(fs->make), "%.20s/lower", base->dir);
	fs->backed = true;
	mkdir(fs->dir, 0700);
	snprintf(options, sizeof(options), OVERLAY_OPTIONS, base->dir);
	if (system("modprobe overlay 2>/dev/null"))
		tap_note("modprobe overlay failed: built in, or not there");
	return !mount("overlay", fs->dir, "overlay", 0, options);
}

unsigned int fs_list(struct fs *list, unsigned int max, bool overlay)
{
	FILE *f = fopen("/proc/mounts", "re");
	unsigned int n = 0, i, found;
	char line[512];

	if (!f)
		tap_bail("/proc/mounts");
	while (n < max && fgets(line, sizeof(line), f)) {
		struct fs *fs = &list[n];

		if (sscanf(line, "%*s %31s %15s", fs->dir, fs->name) != 2 ||
		    strncmp(fs->dir, "/mnt", 4))
			continue;
		strcpy(fs->make, fs->dir);
		fs->backed = strcmp(fs->name, "tmpfs");
		n++;
	}
	fclose(f);
	for (i = 0, found = n; overlay && i < found && n < max; i++) {
		if (!strcmp(list[i].name, "ext4")) {
			n += add_overlay(&list[n], &list[i]);
			break;
		}
	}
	return n;
}

void fs_end(const struct fs *list, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		char command[128];

		if (strcmp(list[i].name, "overlay"))
			continue;
		umount2(list[i].dir, 0);
		snprintf(command, sizeof(command),
			 "cd %s/.. && rm -r lower upper work", list[i].make);
		if (system(command))
			tap_note("the layers of the overlay are still there");
	}
}

/* Pages differ, at both ends. */
static uint64_t page_stamp(off_t off)
{
	return (off / FILES_PAGE + 1) * 0x9e3779b97f4a7c15ULL;
}

static void stamp_block(char *block, off_t off)
{
	uint64_t stamp;
	size_t at;

	for (at = 0; at < BLOCK; at += FILES_PAGE) {
		stamp = page_stamp(off + at);
		memcpy(block + at, &stamp, sizeof(stamp));
		memcpy(block + at + FILES_PAGE - sizeof(stamp), &stamp,
		       sizeof(stamp));
	}
}

void file_fill(int fd, size_t bytes, char fill)
{
	static char block[BLOCK];
	size_t off;

	memset(block, fill, sizeof(block));
	for (off = 0; off < bytes; off += BLOCK) {
		stamp_block(block, off);
		if (pwrite(fd, block, BLOCK, off) != (ssize_t)BLOCK)
			tap_bail("write at %zu", off);
	}
}

static void file_path(char path[64], const char *dir, const char *name)
{
	snprintf(path, 64, "%s/%s", dir, name);
}

void file_make(const struct fs *fs, const char *name, size_t bytes)
{
	char path[64];
	int fd;

	file_path(path, fs->make, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		tap_bail("%s", path);
	file_fill(fd, bytes, 'o');
	if (fsync(fd))
		tap_bail("fsync of %s", path);
	close(fd);
	drop_caches();
}

int file_open(const struct fs *fs, const char *name, int flags)
{
	char path[64];
	int fd;

	file_path(path, fs->dir, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		tap_bail("%s", path);
	return fd;
}

void file_remove(const struct fs *fs, const char *name)
{
	char path[64];

	file_path(path, fs->make, name);
	unlink(path);
}

void file_small(int fd, bool small)
{
	/* Without readahead there is no reason for more. */
	if (posix_fadvise(fd, 0, 0,
			  small ? POSIX_FADV_RANDOM : POSIX_FADV_NORMAL))
		tap_bail("posix_fadvise");
}

void file_warm(int fd, size_t bytes)
{
	static char block[BLOCK];
	size_t off;

	for (off = 0; off < bytes; off += BLOCK)
		if (pread(fd, block, BLOCK, off) != (ssize_t)BLOCK)
			tap_bail("read at %zu", off);
}

bool pattern_intact(const char *mem, off_t start, size_t bytes, char fill)
{
	uint64_t stamp, first, last;
	size_t at;

	for (at = 0; at < bytes; at += FILES_PAGE) {
		stamp = page_stamp(start + at);
		memcpy(&first, mem + at, sizeof(first));
		memcpy(&last, mem + at + FILES_PAGE - sizeof(last),
		       sizeof(last));
		if (first == stamp && last == stamp &&
		    mem[at + FILES_PAGE / 2] == fill)
			continue;
		tap_note("page at %zu has changed", (size_t)start + at);
		return false;
	}
	return true;
}

bool file_intact(int fd, off_t start, size_t bytes, char fill)
{
	static char block[BLOCK];
	size_t off;

	for (off = 0; off < bytes; off += BLOCK)
		if (pread(fd, block, BLOCK, start + off) != (ssize_t)BLOCK ||
		    !pattern_intact(block, start + off, BLOCK, fill))
			return false;
	return true;
}

size_t file_resident(int fd, off_t start, size_t bytes)
{
	size_t pages = bytes / FILES_PAGE, i, n = 0;
	unsigned char *vec = malloc(pages);
	void *mem;

	mem = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, start);
	if (!vec || mem == MAP_FAILED || mincore(mem, bytes, vec))
		tap_bail("mincore");
	for (i = 0; i < pages; i++)
		n += vec[i] & 1;
	munmap(mem, bytes);
	free(vec);
	return n;
}

void drop_caches(void)
{
	sync();
	if (write_file("/proc/sys/vm/drop_caches", "3"))
		tap_bail("drop_caches");
}

void khugepaged_rest(void)
{
	/* An hour; absent without THP. */
	write_file(
		"/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
		"3600000");
}

static uint64_t read_word(int fd, uint64_t index)
{
	uint64_t word;

	if (pread(fd, &word, sizeof(word), index * sizeof(word)) !=
	    sizeof(word))
		return 0;
	return word;
}

unsigned int large_percent(pid_t pid, const void *mem, size_t bytes)
{
	uint64_t first = (uintptr_t)mem / FILES_PAGE, i, entry, flags;
	unsigned int seen = 0, large = 0;
	int map, kpageflags;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	map = open(path, O_RDONLY | O_CLOEXEC);
	kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (map < 0 || kpageflags < 0)
		tap_bail("pagemap or kpageflags");
	for (i = 0; i < bytes / FILES_PAGE; i += SAMPLE_PAGES) {
		entry = read_word(map, first + i);
		if (!(entry & PM_PRESENT))
			continue;
		flags = read_word(kpageflags, entry & PM_PFN_MASK);
		seen++;
		large += !!(flags & (1ULL << KPF_COMPOUND_HEAD |
				     1ULL << KPF_COMPOUND_TAIL));
	}
	close(map);
	close(kpageflags);
	return seen ? large * 100 / seen : 0;
}

uint64_t vmstat(const char *name)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long value, found = 0;
	char key[64];

	if (!f)
		return 0;
	while (fscanf(f, "%63s %llu", key, &value) == 2)
		if (!strcmp(key, name))
			found = value;
	fclose(f);
	return found;
}

void read_pages(const volatile char *mem, size_t bytes)
{
	size_t off;

	for (off = 0; off < bytes; off += FILES_PAGE)
		(void)mem[off];
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

void thaw_at_the_end(int fd, int dev)
{
	int end[2];
	char byte;

	if (pipe2(end, O_CLOEXEC))
		tap_bail("pipe2");
	switch (fork()) {
	case -1:
		tap_bail("fork");
	case 0:
		close(end[1]);
		close(dev);
		/* Ends when the last copy of the other side is closed. */
		while (read(end[0], &byte, 1) > 0)
			;
		ioctl(fd, FITHAW, 0);
		_exit(0);
	}
	close(end[0]);
}

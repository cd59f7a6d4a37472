// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What MRELEASE_EVICT has to leave, on each file system: pages that somebody else
 * maps or holds, and what is not on the disk yet.
 *
 * t_evict_keep [MIB]: size of the file (32; with MRELEASE_LONG in the environment 64)
 */
/* guest: disk=ext4:1536 disk=xfs:768 disk=btrfs:768 disk=tmpfs timeout=300 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "mapping.h"
#include "sys.h"
#include "tap.h"

#define MIB (1024UL * 1024)
#define NAME "t_evict_keep"
#define KILL_EVICT (MRELEASE_KILL | MRELEASE_EVICT)

#define POINTS_BACKED 11

/* The largest folio there is. */
#define FOLIO_MAX (2 * MIB)

/* Pages in a pipe, and where in the file they begin: at a folio of any size. */
#define PIPE_BYTES (64 * FILES_PAGE)
#define PIPE_AT (4 * MIB)

static int dev;

/* 2 points. */
static void check_mapped_elsewhere(const char *name, int fd, size_t bytes)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes };
	struct victim victim = mapping_start(&m);
	size_t part = bytes / 4;
	struct outcome o;
	bool there;
	char *mem;

	/* After the fork: the victim has not got this mapping. */
	mem = mmap(NULL, part, PROT_READ, MAP_PRIVATE, fd, part);
	if (mem == MAP_FAILED)
		tap_bail("mmap");
	read_pages(mem, part);
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	there = file_resident(fd, part, part) == pages(part);
	tap_ok(!o.ret && there && pattern_intact(mem, part, part, 'o'),
	       "%s: what another process maps stays", name);
	tap_ok(is_gone(&o, bytes, pages(part)),
	       "%s: the rest of that file goes", name);
	munmap(mem, part);
}

/* 3 points. */
static void check_referenced(const char *name, int fd, size_t bytes)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes };
	struct victim victim = mapping_start(&m);
	static char buf[PIPE_BYTES];
	off_t off = PIPE_AT;
	size_t n = 0;
	ssize_t got;
	struct outcome o;
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC) || fcntl(pipefd[1], F_SETPIPE_SZ, MIB) < 0)
		tap_bail("a pipe");
	/* Not copied: the pipe has references to pages of the page cache. */
	while (n < PIPE_BYTES) {
		got = splice(fd, &off, pipefd[1], NULL, PIPE_BYTES - n, 0);
		if (got <= 0)
			tap_bail("splice");
		n += got;
	}
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(!o.ret && file_resident(fd, PIPE_AT, PIPE_BYTES) ==
				 pages(PIPE_BYTES),
	       "%s: what another process holds in a pipe stays", name);
	/* A large folio stays as a whole. */
	tap_ok(is_gone(&o, bytes, pages(FOLIO_MAX)),
	       "%s: the rest of that file goes too", name);
	for (n = 0; n < PIPE_BYTES; n += got) {
		got = read(pipefd[0], buf + n, PIPE_BYTES - n);
		if (got <= 0)
			tap_bail("read from the pipe");
	}
	tap_ok(pattern_intact(buf, PIPE_AT, PIPE_BYTES, 'o'),
	       "%s: contents of the pipe", name);
	close(pipefd[0]);
	close(pipefd[1]);
}

/* Open it to be written to: on an overlay, where it really is. */
static int open_below(const struct fs *fs)
{
	struct fs below = *fs;

	strcpy(below.dir, fs->make);
	return file_open(&below, NAME, O_RDWR);
}

/*
 * 2 points: a quarter is not what is on the disk.  In single pages, a file system
 * may have nothing of its own to know a dirty one by.
 */
static void check_dirty(const struct fs *fs, int fd, size_t bytes, bool small)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes,
			     .small = small };
	const char *how = small ? "dirty pages" : "dirty folios";
	struct victim victim = mapping_start(&m);
	int out = open_below(fs);
	size_t part = bytes / 4;
	struct outcome o;
	bool same;

	file_fill(out, part, 'd');
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_gone(&o, bytes, pages(part)) && o.after >= pages(part),
	       "%s: %s stay, the rest goes", fs->name, how);
	drop_caches();
	same = file_intact(fd, 0, part, 'd') &&
	       file_intact(fd, part, bytes - part, 'o');
	tap_ok(same, "%s: %s: contents", fs->name, how);
	/* As it was. */
	file_fill(out, part, 'o');
	close(out);
}

/* 2 points: written a moment ago, but on the disk; there the file system has its own records. */
static void check_written(const struct fs *fs, int fd, size_t bytes)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes,
			     .cached = true };
	int out = open_below(fs);
	struct victim victim;
	struct outcome o;

	drop_caches();
	file_fill(out, bytes, 'w');
	if (fsync(out))
		tap_bail("fsync");
	victim = mapping_start(&m);
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_gone(&o, bytes, 0),
	       "%s: pages that have been written back go", fs->name);
	tap_ok(file_intact(fd, 0, bytes, 'w'),
	       "%s: pages that have been written back: contents", fs->name);
	close(out);
}

int main(int argc, char **argv)
{
	const char *normal = getenv("MRELEASE_LONG") ? "64" : "32";
	size_t bytes = strtoul(argc > 1 ? argv[1] : normal, NULL, 0) * MIB;
	unsigned int n, i, points = 0;
	struct fs list[FS_MAX];
	int fd;

	n = fs_list(list, FS_MAX, true);
	for (i = 0; i < n; i++)
		points += list[i].backed ? POINTS_BACKED : 0;
	tap_plan(points);
	khugepaged_rest();
	dev = dev_open();

	for (i = 0; i < n; i++) {
		if (!list[i].backed)
			continue;
		file_make(&list[i], NAME, bytes);
		fd = file_open(&list[i], NAME, O_RDONLY);
		check_mapped_elsewhere(list[i].name, fd, bytes);
		check_referenced(list[i].name, fd, bytes);
		check_dirty(&list[i], fd, bytes, false);
		check_dirty(&list[i], fd, bytes, true);
		check_written(&list[i], fd, bytes);
		close(fd);
		file_remove(&list[i], NAME);
	}
	fs_end(list, n);
	return tap_done();
}

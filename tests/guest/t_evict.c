// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MRELEASE_EVICT on each file system: the clean page cache that only the victim
 * had mapped is gone when the call returns.  The same with process_mrelease(2),
 * which drops nothing, stands beside it.  t_evict_keep looks at what has to stay.
 *
 * t_evict [MIB]: size of the first file system's file (128; with MRELEASE_LONG in the
 * environment 512); the others get a half (then the same), and what is done with parts
 * of a file uses a quarter (then an eighth).
 */
/* guest: disk=ext4:1536 disk=xfs:768 disk=btrfs:768 disk=tmpfs timeout=300 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "kinds.h"
#include "mapping.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"

#define MIB (1024UL * 1024)
#define NAME "t_evict"
#define KILL_EVICT (MRELEASE_KILL | MRELEASE_EVICT)

#define POINTS_BACKED 14
#define POINTS_TMPFS 6

/* Pages on their way to the LRU lists, which another CPU holds, count as kept. */
#define LRU_PAGES 64

/* For the table. */
struct row {
	const char *name;
	size_t bytes;
	unsigned int large;
	struct outcome ours;
	struct outcome theirs;
};

static int dev;
static bool visible;

/*
 * 7 points.  That the test has read all of the file by read(2), and has it open, is
 * no reason for it to stay.  It is also why a page would be activated when it is
 * unmapped with its accessed bit set: it has been referenced once already.
 */
static void check_all(const char *name, int fd, struct row *row)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = row->bytes };
	struct victim victim = mapping_start(&m);
	struct outcome *o = &row->ours, *other = &row->theirs;
	struct footprint fp;
	uint64_t evicted;
	bool ok;

	footprint_read(victim.pid, &fp);
	row->large = large_percent(victim.pid, MAPPING_AT, m.bytes);
	mapping_release(dev, &m, &victim, KILL_EVICT, o);
	evicted = o->res.evicted_bytes;
	tap_ok(is_gone(o, m.bytes, 0),
	       "%s: a private mapping: 99 %% gone, evicted_bytes exact", name);
	/*
	 * The kernel may count a page of the vDSO's as one of a file.  Of the
	 * anonymous pages some are shared with the test by fork(2).
	 */
	ok = fp.file - m.bytes <= 4 * FILES_PAGE &&
	     o->res.file_bytes == fp.file && o->res.freed_bytes >= evicted &&
	     o->res.freed_bytes <= evicted + o->res.anon_bytes;
	if (!tap_ok(ok, "%s: a private mapping: file_bytes, freed_bytes", name))
		tap_note(
			"file %llu of %llu, anon %llu, evicted %llu, freed %llu",
			(unsigned long long)o->res.file_bytes,
			(unsigned long long)fp.file,
			(unsigned long long)o->res.anon_bytes,
			(unsigned long long)evicted,
			(unsigned long long)o->res.freed_bytes);
	if (visible)
		tap_ok(o->free_kib * 1024.0 >= o->res.freed_bytes * 0.95,
		       "%s: MemFree at return has risen by 95 %% of freed_bytes",
		       name);
	else
		tap_skip("this kernel has not the feature",
			 "%s: MemFree at return", name);
	tap_ok(!o->ret && o->activated <= o->before / 20,
	       "%s: eviction activates no pages", name);
	if (no_thp())
		tap_skip("the kernel has no large folios",
			 "%s: most of this was in large folios", name);
	else if (!strcmp(name, "xfs") && !kernel_before(5, 18))
		tap_ok(row->large >= 50, "%s: most of this was in large folios",
		       name);
	else
		tap_skip("not used by each kernel",
			 "%s: most of this was in large folios", name);
	tap_ok(file_intact(fd, 0, m.bytes, 'o'),
	       "%s: a private mapping: contents", name);

	if (!have_process_mrelease()) {
		tap_skip("no process_mrelease(2)",
			 "%s: process_mrelease(2) evicts nothing", name);
		return;
	}
	mapping_release_syscall(&m, other);
	tap_ok(!other->ret && other->after >= other->before * 99 / 100,
	       "%s: process_mrelease(2) evicts nothing", name);
}

/*
 * 3 points.  What can never be written to through it is no shared mapping to the
 * kernel, whatever mmap(2) was told.
 */
static void check_shared(const struct fs *fs, int fd, size_t bytes)
{
	struct mapping m = { .fd = file_open(fs, NAME, O_RDWR),
			     .flags = MAP_SHARED,
			     .bytes = bytes,
			     .prot = PROT_READ | PROT_WRITE };
	struct victim victim = mapping_start(&m);
	struct outcome o;

	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_left(&o, bytes), "%s: a shared mapping: stays without SHARED",
	       fs->name);
	victim = mapping_start(&m);
	mapping_release(dev, &m, &victim, KILL_EVICT | MRELEASE_SHARED, &o);
	tap_ok(is_gone(&o, bytes, 0), "%s: a shared mapping: goes with SHARED",
	       fs->name);
	close(m.fd);

	m.fd = fd;
	m.prot = PROT_READ;
	victim = mapping_start(&m);
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_gone(&o, bytes, 0),
	       "%s: a shared mapping of a file opened for reading: goes",
	       fs->name);
}

/* 4 points. */
static void check_copies(const char *name, int fd, size_t bytes)
{
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes,
			     .twice = true };
	struct victim victim = mapping_start(&m);
	struct footprint fp;
	struct outcome o;
	uint64_t ours;
	bool ok;

	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_gone(&o, bytes, 0), "%s: mapped twice by the victim: goes",
	       name);

	m.prot = PROT_READ | PROT_WRITE;
	m.twice = false;
	m.copies = bytes / 4;
	victim = mapping_start(&m);
	footprint_read(victim.pid, &fp);
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	ours = m.copies + o.res.evicted_bytes;
	ok = !o.ret && fp.anon >= m.copies && o.res.anon_bytes == fp.anon &&
	     o.res.freed_bytes + LRU_PAGES * FILES_PAGE >= ours &&
	     o.res.freed_bytes <= o.res.anon_bytes + o.res.evicted_bytes;
	if (!tap_ok(ok, "%s: private copies: anonymous, and freed", name))
		tap_note("%s: %zu copied, anon %zu, evicted %zu, freed %zu",
			 err_name(o.ret), pages(m.copies),
			 pages(o.res.anon_bytes), pages(o.res.evicted_bytes),
			 pages(o.res.freed_bytes));
	/* What the copies were made from, nobody maps: it is not the victim's. */
	ok = is_gone(&o, bytes, pages(m.copies)) && o.after >= pages(m.copies);
	tap_ok(ok, "%s: private copies: the rest goes, the originals stay",
	       name);

	m.twice = true;
	victim = mapping_start(&m);
	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_gone(&o, bytes, 0),
	       "%s: private copies: the originals go if mapped", name);
}

/* 6 points: there is no disk to read it from again. */
static void check_tmpfs(const struct fs *fs, int fd, size_t bytes)
{
	const char *name = fs->name;
	struct mapping m = { .fd = fd,
			     .flags = MAP_PRIVATE,
			     .prot = PROT_READ,
			     .bytes = bytes };
	struct victim victim = mapping_start(&m);
	struct outcome o;

	mapping_release(dev, &m, &victim, KILL_EVICT, &o);
	tap_ok(is_left(&o, bytes), "%s: a private mapping: nothing evicted",
	       name);
	tap_ok(file_intact(fd, 0, bytes, 'o'),
	       "%s: a private mapping: contents", name);
	m.flags = MAP_SHARED;
	m.prot = PROT_READ | PROT_WRITE;
	m.fd = file_open(fs, NAME, O_RDWR);
	victim = mapping_start(&m);
	mapping_release(dev, &m, &victim, KILL_EVICT | MRELEASE_SHARED, &o);
	close(m.fd);
	tap_ok(is_left(&o, bytes), "%s: a shared mapping: nothing evicted",
	       name);
	tap_ok(o.res.shmem_bytes >= bytes, "%s: a shared mapping: unmapped",
	       name);
	tap_ok(file_intact(fd, 0, bytes, 'o'), "%s: a shared mapping: contents",
	       name);
	drop_caches();
	tap_ok(file_resident(fd, 0, bytes) == pages(bytes),
	       "%s: nor can it be dropped", name);
}

static double gone_percent(const struct outcome *o)
{
	return o->before ? 100.0 * ((double)o->before - (double)o->after) /
				   o->before :
			   0;
}

static void print_outcome(const struct row *row, const char *how,
			  const struct outcome *o)
{
	tap_note("%-8s %4zu %5u  %-20s %7.2f %8llu %8ld %8.1f", row->name,
		 row->bytes / MIB, row->large, how, gone_percent(o),
		 (unsigned long long)o->activated, o->free_kib / 1024,
		 o->ns / 1e6);
}

int main(int argc, char **argv)
{
	bool all = getenv("MRELEASE_LONG");
	size_t first = MIB * (argc > 1 ? strtoul(argv[1], NULL, 0) :
			      all      ? 512 :
					 128);
	size_t part = first / (all ? 8 : 4), bytes;
	unsigned int n, i, points = 0;
	struct mrelease_info info = { .size = sizeof(info) };
	struct row rows[FS_MAX] = {};
	struct fs list[FS_MAX];
	int fd;

	n = fs_list(list, FS_MAX, true);
	for (i = 0; i < n; i++)
		points += list[i].backed ? POINTS_BACKED : POINTS_TMPFS;
	tap_plan(points);
	khugepaged_rest();
	dev = dev_open();
	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("MRELEASE_IOC_INFO");
	visible = info.features & MRELEASE_FEAT_VISIBLE;

	for (i = 0; i < n; i++) {
		bytes = i && !all ? first / 2 : first;
		file_make(&list[i], NAME, bytes);
		fd = file_open(&list[i], NAME, O_RDONLY);
		rows[i].name = list[i].name;
		rows[i].bytes = bytes;
		if (list[i].backed) {
			check_all(list[i].name, fd, &rows[i]);
			check_shared(&list[i], fd, part);
			check_copies(list[i].name, fd, part);
		} else {
			check_tmpfs(&list[i], fd, part);
		}
		close(fd);
		file_remove(&list[i], NAME);
	}
	fs_end(list, n);

	tap_note("%-8s %4s %5s  %-20s %7s %8s %8s %8s", "fs", "MiB", "large",
		 "how", "gone %", "activate", "MemFree+", "ms");
	for (i = 0; i < n; i++) {
		if (!list[i].backed)
			continue;
		print_outcome(&rows[i], "mrelease", &rows[i].ours);
		print_outcome(&rows[i], "process_mrelease", &rows[i].theirs);
	}
	return tap_done();
}

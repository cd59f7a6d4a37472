/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that map a file, and what became of its page cache.
 */
#ifndef _MAPPING_H
#define _MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/mrelease.h>

#include "files.h"
#include "victim.h"

/* Where the victim maps the file: a folio of any size fits in whole. */
#define MAPPING_AT ((void *)0x100000000000)

/*
 * struct mapping - what the victim does with the file
 * @fd: the file
 * @flags: of mmap(2)
 * @prot: of mmap(2)
 * @bytes: from its beginning; it reads each page
 * @copies: how many of these it writes to (a private mapping)
 * @twice: another private mapping of the same
 * @small: it shall be in the page cache page by page, not in large folios
 * @cached: it is in the page cache already, and shall be left as it is
 */
struct mapping {
	int fd;
	int flags;
	int prot;
	size_t bytes;
	size_t copies;
	bool twice;
	bool small;
	bool cached;
};

/*
 * struct outcome - what a release did
 * @ret: of the call
 * @before: pages of the mapping's part of the file in the page cache
 * @after: the same when the call had returned
 * @activated: pages that the LRU lists took for often used meanwhile
 * @free_kib: what MemFree has risen by
 * @ns: duration
 * @res: only of mrelease
 */
struct outcome {
	int ret;
	size_t before;
	size_t after;
	uint64_t activated;
	long free_kib;
	uint64_t ns;
	struct mrelease_result res;
};

/*
 * Start a victim, with that part of the file in the page cache: read anew from
 * the disk, once, by a read(2) from here.
 */
struct victim mapping_start(struct mapping *m);

/* Release it, and wait for its end. */
void mapping_release(int dev, const struct mapping *m, struct victim *victim,
		     uint32_t flags, struct outcome *o);

/*
 * Start another, and release it by kill(2) and process_mrelease(2), held in its exit,
 * so that it cannot be through with it first.
 */
void mapping_release_syscall(struct mapping *m, struct outcome *o);

size_t pages(size_t bytes);

/*
 * All of the first @bytes had been in the page cache, at most @left pages and a
 * hundredth of all still are, and evicted_bytes is exact.
 */
bool is_gone(const struct outcome *o, size_t bytes, size_t left);

/* All had been there, still is, and evicted_bytes says so. */
bool is_left(const struct outcome *o, size_t bytes);

#endif /* _MAPPING_H */

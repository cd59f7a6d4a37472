/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems, files on them, and what the page cache holds of these.
 */
#ifndef _FILES_H
#define _FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILES_PAGE 4096UL

/* More than the harness mounts. */
#define FS_MAX 8

/*
 * struct fs - a file system to be tested
 * @name: its type
 * @dir: where files are opened
 * @make: where they are made; not the same for an overlay, whose lower layer it is
 * @backed: is there a disk below?
 */
struct fs {
	char name[16];
	char dir[32];
	char make[32];
	bool backed;
};

/*
 * What the harness has mounted at /mnt, /mnt2 and so on, and, with @overlay, an
 * overlayfs on the first ext4 if the kernel has it.  Returns how many.
 */
unsigned int fs_list(struct fs *list, unsigned int max, bool overlay);

/* Take away what fs_list() has mounted. */
void fs_end(const struct fs *list, unsigned int n);

/*
 * A file of @bytes with the pattern of 'o', all of it on disk and nothing of it in the
 * page cache.
 */
void file_make(const struct fs *fs, const char *name, size_t bytes);

/* Open it; an overlay makes a file of its own when it is to be written to. */
int file_open(const struct fs *fs, const char *name, int flags);
void file_remove(const struct fs *fs, const char *name);

/* From now on, what is read through @fd comes in single pages, or in large folios. */
void file_small(int fd, bool small);

/* Read it all by read(2), in order, so that it is in the page cache. */
void file_warm(int fd, size_t bytes);

/* Write @bytes from the beginning: the pattern, which differs from page to page. */
void file_fill(int fd, size_t bytes, char fill);

/* Does this part of the file have the pattern? */
bool file_intact(int fd, off_t start, size_t bytes, char fill);
bool pattern_intact(const char *mem, off_t start, size_t bytes, char fill);

/*
 * Pages of this part that are in the page cache, by mincore(2) of a fresh mapping,
 * which takes no reference.
 */
size_t file_resident(int fd, off_t start, size_t bytes);

/* Write back everything, and drop what is clean from the page cache. */
void drop_caches(void);

/*
 * khugepaged is to rest.  It gathers pages of files, too, from 7.x on: what it has in
 * its hands is not mapped, and not the victim's.
 */
void khugepaged_rest(void);

/* Per cent of the pages that @pid has mapped at @mem that are in large folios. */
unsigned int large_percent(pid_t pid, const void *mem, size_t bytes);

/* A counter of /proc/vmstat; 0 if there is none of this name. */
uint64_t vmstat(const char *name);

/* In the child: read each page. */
void read_pages(const volatile char *mem, size_t bytes);

/* Random numbers that can be had again: xorshift64*; @state must not be 0. */
uint64_t random_next(uint64_t *state);

/*
 * A frozen file system would outlive a test that ends early: thaw that of @fd when the
 * last copy of the calling process is gone.  @dev is closed in who waits for that.
 */
void thaw_at_the_end(int fd, int dev);

#endif /* _FILES_H */

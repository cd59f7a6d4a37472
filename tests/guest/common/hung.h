/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Servers that do not answer: a FUSE file system and a network block device, whose
 * clients wait in the kernel as long as the test likes.
 */
#ifndef _HUNG_H
#define _HUNG_H

#include <stdbool.h>

/* Where the file system has its only file, and how large that is. */
#define FUSE_FILE "/tmp/mrelease-fuse/file"
#define FUSE_BYTES (1024UL * 1024)

/* Opened with this flag besides, it is not cached: FOPEN_DIRECT_IO. */
#define FUSE_DIRECT O_SYNC

/* Can it be had here?  NULL, or why not. */
const char *no_fuse(void);
const char *no_nbd(void);

/* Mount it; the server answers everything at first. */
void fuse_start(void);

/* From now on it answers no request to read; or none that would change something. */
void fuse_hang_reads(void);
void fuse_hang_writes(void);

/* Wait until it has taken a request that it does not answer. */
bool fuse_wait_hung(void);

/* End the server: what waits for it gets an error. */
void fuse_abort(void);

/* Unmount, when nobody uses it any more. */
void fuse_end(void);

/* A device of which nobody answers a request. */
#define NBD_DEVICE "/dev/nbd0"
#define NBD_BYTES (64UL * 1024 * 1024)

void nbd_start(void);
bool nbd_wait_hung(void);

/* A device that works, but for those who read while that is wished. */
void nbd_serve(void);
void nbd_hang_reads(bool hang);
bool nbd_wait_read(void);

/* The end of either. */
void nbd_end(void);

/* Wait until nobody has it open any more, io_uring's workers included. */
void nbd_clean(void);

#endif /* _HUNG_H */

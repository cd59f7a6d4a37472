// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile victims: those that have files, and work in flight on them.
 *
 * The file of all rounds never changes: who writes to it writes what is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/aio_abi.h>
#include <linux/io_uring.h>

#include "files.h"
#include "torture.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SHRINK 2
#define F_SEAL_WRITE 8
#endif

#define MIB (1024UL * 1024)
#define PAGE 4096UL
#define BLOCK (64 * 1024)

static int open_file(int flags)
{
	int fd = open(world->file, flags | O_CLOEXEC);

	if (fd < 0)
		_exit(95);
	return fd;
}

/* Read by private and by shared mappings, with copies here and there. */
static void file_body(uint64_t *rng)
{
	int fd = open_file(O_RDWR);
	char *mem = torture_map(TORTURE_FILE_BYTES, MAP_PRIVATE, fd);

	read_pages(mem, TORTURE_FILE_BYTES);
	memset(mem, 1, pick(rng, TORTURE_FILE_BYTES));
	if (pick(rng, 2))
		read_pages(torture_map(TORTURE_FILE_BYTES, MAP_SHARED, fd),
			   TORTURE_FILE_BYTES);
}

static void *rewriter(void *arg)
{
	volatile uint64_t *mem = arg;
	uint64_t rng = (uintptr_t)arg ^ getpid();

	for (;;) {
		size_t i = pick(&rng, TORTURE_FILE_BYTES / sizeof(*mem));

		/* Dirty, and the same. */
		mem[i] = mem[i];
		if (!pick(&rng, 64))
			msync((void *)mem, TORTURE_FILE_BYTES, MS_ASYNC);
	}
	return NULL;
}

static void shared_body(uint64_t *rng)
{
	int fd = open_file(O_RDWR);
	char *mem = torture_map(TORTURE_FILE_BYTES, MAP_SHARED, fd);

	torture_ready();
	if (pick(rng, 2))
		torture_thread(rewriter, mem);
	rewriter(mem);
}

static void *truncator(void *arg)
{
	int fd = (intptr_t)arg;

	for (;;)
		if (ftruncate(fd, 0) || ftruncate(fd, MIB))
			return NULL;
}

/* A file of its own that gets shorter while it is mapped. */
static void truncate_body(uint64_t *rng)
{
	char path[64], *mem;
	int fd;

	snprintf(path, sizeof(path), "%s/t%d", world->dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	unlink(path);
	if (ftruncate(fd, MIB))
		return;
	mem = torture_map(MIB, pick(rng, 2) ? MAP_SHARED : MAP_PRIVATE, fd);
	torture_ready();
	torture_thread(truncator, (void *)(intptr_t)fd);
	/* By bare system calls: a page beyond the end only makes them fail. */
	for (;;)
		if (syscall(SYS_getcwd, mem + pick(rng, MIB / PAGE) * PAGE,
			    PAGE) < 0 &&
		    errno != EFAULT)
			return;
}

static void memfd_body(uint64_t *rng)
{
	int fd = memfd_create("torture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *mem;

	if (fd < 0 || ftruncate(fd, 2 * MIB))
		return;
	mem = torture_map(2 * MIB, MAP_SHARED, fd);
	memset(mem, 1, 2 * MIB);
	if (pick(rng, 2)) {
		munmap(mem, 2 * MIB);
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE);
		mem = torture_map(2 * MIB, MAP_PRIVATE, fd);
		memset(mem, 2, MIB);
	}
	torture_ready();
	while (pick(rng, 100)) {
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  pick(rng, 2 * MIB / PAGE) * PAGE, PAGE);
		usleep(100);
	}
}

/* Reads in flight into memory that goes. */
static void aio_body(uint64_t *rng)
{
	int fd = open_file(O_RDONLY | (pick(rng, 2) ? O_DIRECT : 0));
	char *mem = torture_map(16 * BLOCK, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct iocb cb[16], *list[16];
	struct io_event events[16];
	aio_context_t ctx = 0;
	unsigned int i;

	if (syscall(SYS_io_setup, 64, &ctx))
		return;
	torture_ready();
	for (;;) {
		memset(cb, 0, sizeof(cb));
		for (i = 0; i < 16; i++) {
			cb[i].aio_fildes = fd;
			cb[i].aio_lio_opcode = IOCB_CMD_PREAD;
			cb[i].aio_buf = (uintptr_t)mem + i * BLOCK;
			cb[i].aio_nbytes = BLOCK;
			cb[i].aio_offset = pick(rng, 16) * BLOCK;
			list[i] = &cb[i];
		}
		if (syscall(SYS_io_submit, ctx, 16, list) < 0)
			return;
		syscall(SYS_io_getevents, ctx, 1, 16, events, NULL);
	}
}

/* struct ring - what of an io_uring is used here */
struct ring {
	int fd;
	struct io_uring_params p;
	char *sq;
	struct io_uring_sqe *sqes;
};

static bool ring_open(struct ring *r)
{
	memset(&r->p, 0, sizeof(r->p));
	r->fd = syscall(SYS_io_uring_setup, 32, &r->p);
	if (r->fd < 0)
		return false;
	r->sq = mmap(NULL,
		     r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		     IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	return r->sq != MAP_FAILED && r->sqes != MAP_FAILED;
}

static long ring_submit(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(r->sq + r->p.sq_off.tail);
	uint32_t i = *tail & (r->p.sq_entries - 1);

	r->sqes[i] = *sqe;
	((uint32_t *)(r->sq + r->p.sq_off.array))[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0);
}

/* Reads, pinned buffers, polls that never end, work handed to kernel threads. */
static void uring_body(uint64_t *rng)
{
	char *mem = torture_map(16 * BLOCK, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct iovec iov = { mem, 4 * BLOCK };
	int fd = open_file(O_RDONLY), fds[2];
	struct io_uring_sqe sqe;
	struct ring r;

	if (!ring_open(&r) || pipe(fds))
		return;
	memset(mem, 1, 16 * BLOCK);
	if (pick(rng, 2))
		syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS,
			&iov, 1);
	torture_ready();
	while (pick(rng, 400)) {
		memset(&sqe, 0, sizeof(sqe));
		sqe.opcode = pick(rng, 4) ? IORING_OP_READ : IORING_OP_POLL_ADD;
		sqe.fd = sqe.opcode == IORING_OP_READ && pick(rng, 2) ? fd :
									fds[0];
		sqe.flags = pick(rng, 2) ? IOSQE_ASYNC : 0;
		if (sqe.opcode == IORING_OP_READ) {
			sqe.addr = (uintptr_t)mem + pick(rng, 16) * BLOCK;
			sqe.len = BLOCK;
		} else {
			sqe.poll32_events = 1;
		}
		if (ring_submit(&r, &sqe) < 0)
			return;
	}
}

/* It sits in write(2); the file system may be frozen meanwhile. */
static void write_body(uint64_t *rng)
{
	char *mem = torture_map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char path[64];
	int fd;

	memset(mem, pick(rng, 256), MIB);
	snprintf(path, sizeof(path), "%s/w%d", world->dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	unlink(path);
	torture_ready();
	for (;;)
		if (pwrite(fd, mem, MIB, 0) < 0 ||
		    (!pick(rng, 16) && fsync(fd)))
			return;
}

const struct kind torture_files[] = {
	{ "file", file_body, 0 },	  { "shared", shared_body, 0 },
	{ "truncate", truncate_body, 0 }, { "memfd", memfd_body, 0 },
	{ "aio", aio_body, 0 },		  { "uring", uring_body, 0 },
	{ "write", write_body, 0 },
};

const unsigned int torture_nr_files = ARRAY_SIZE(torture_files);

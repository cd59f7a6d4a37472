// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that wait for a file system, a FUSE server or a device that does not answer,
 * see states.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hung.h"
#include "proc.h"
#include "states.h"
#include "sys.h"
#include "tap.h"

/* The same on every architecture that this project knows. */
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_io_uring_enter
#define SYS_io_uring_enter 426
#endif

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static void frozen_body(void *arg)
{
	int fd = openat(states_disk, "states", O_WRONLY | O_CREAT | O_CLOEXEC,
			0600);

	(void)arg;
	if (fd < 0)
		_exit(95);
	state_touch();
	victim_ready();
	state_wait_go();
	/* In state D. */
	_exit(write(fd, "", 1) == 1 ? 93 : 94);
}

static bool freeze_disk(const struct victim *victim)
{
	if (ioctl(states_disk, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	state_go(victim);
	return proc_wait_state(victim->pid, "D", 10000);
}

static void thaw_disk(const struct victim *victim)
{
	(void)victim;
	if (ioctl(states_disk, FITHAW, 0))
		tap_bail("FITHAW");
}

static int open_fuse(int flags)
{
	int fd = open(FUSE_FILE, flags | O_CLOEXEC);

	if (fd < 0)
		_exit(95);
	return fd;
}

static char *map_fuse(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, FUSE_BYTES, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

static bool hang_reads(const struct victim *victim)
{
	fuse_hang_reads();
	state_go(victim);
	return fuse_wait_hung() && proc_wait_state(victim->pid, "SD", 10000);
}

static bool hang_writes(const struct victim *victim)
{
	fuse_hang_writes();
	state_go(victim);
	return fuse_wait_hung() && proc_wait_state(victim->pid, "D", 10000);
}

/* The writes that hang are those that its end brings. */
static bool hang_later(const struct victim *victim)
{
	fuse_hang_writes();
	return proc_wait_state(victim->pid, "S", 10000);
}

static void abort_fuse(const struct victim *victim)
{
	(void)victim;
	fuse_abort();
}

static void fuse_read_body(void *arg)
{
	int fd = open_fuse(O_RDONLY);
	char byte;

	(void)arg;
	state_touch();
	victim_ready();
	state_wait_go();
	_exit(read(fd, &byte, 1) == 1 ? 93 : 94);
}

/* Page by page, so that the fault itself waits, and not only for its read-ahead. */
static void fuse_fault_body(void *arg)
{
	char *mem = map_fuse(open_fuse(O_RDONLY), PROT_READ, MAP_PRIVATE);

	(void)arg;
	madvise(mem, FUSE_BYTES, MADV_RANDOM);
	state_touch();
	victim_ready();
	state_wait_go();
	_exit(*(volatile char *)mem ? 93 : 94);
}

static void fuse_exec_body(void *arg)
{
	char *const argv[] = { "states", NULL };

	(void)arg;
	state_touch();
	victim_ready();
	state_wait_go();
	execv(FUSE_FILE, argv);
	_exit(93);
}

static void fuse_dirty_body(void *arg)
{
	char *mem = map_fuse(open_fuse(O_RDWR), RW, MAP_SHARED);

	(void)arg;
	mem[0] = 1;
	state_sleep(NULL);
}

/*
 * Where FUSE maps an uncached file it first writes back what is dirty, with the mmap
 * lock held for writing; and nobody answers that.
 */
static void fuse_mmap_body(void *arg)
{
	int direct = open_fuse(O_RDWR | FUSE_DIRECT);
	char *mem = map_fuse(open_fuse(O_RDWR), RW, MAP_SHARED);

	(void)arg;
	mem[0] = 1;
	state_touch();
	victim_ready();
	state_wait_go();
	map_fuse(direct, PROT_READ, MAP_PRIVATE);
	_exit(93);
}

static bool waits_for_nbd(const struct victim *victim)
{
	return nbd_wait_hung() && proc_wait_state(victim->pid, "SD", 10000);
}

static void loosen_nbd(const struct victim *victim)
{
	(void)victim;
	nbd_end();
}

/* Where the device writes to, when it ever does. */
static char *nbd_buffer(void)
{
	char *mem = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

static int open_nbd(void)
{
	int fd = open(NBD_DEVICE, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		_exit(95);
	return fd;
}

static void nbd_read_body(void *arg)
{
	char *mem = nbd_buffer();
	int fd = open_nbd();

	(void)arg;
	state_touch();
	victim_ready();
	_exit(pread(fd, mem, PAGE, 0) == (ssize_t)PAGE ? 93 : 94);
}

static void aio_body(void *arg)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = open_nbd(),
		.aio_buf = (uintptr_t)nbd_buffer(),
		.aio_nbytes = PAGE,
	};
	struct iocb *list = &iocb;
	aio_context_t ctx = 0;

	(void)arg;
	if (syscall(SYS_io_setup, 1, &ctx) ||
	    syscall(SYS_io_submit, ctx, 1, &list) != 1)
		_exit(95);
	state_sleep(NULL);
}

static const char *no_uring(void)
{
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		return "no io_uring";
	close(fd);
	return no_nbd();
}

static void uring_body(void *arg)
{
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *sqe;
	char *ring;

	(void)arg;
	ring = mmap(NULL, params.sq_off.array + sizeof(uint32_t), RW,
		    MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), RW, MAP_SHARED | MAP_POPULATE, fd,
		   IORING_OFF_SQES);
	if (fd < 0 || ring == MAP_FAILED || (void *)sqe == MAP_FAILED)
		_exit(95);
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_READ;
	sqe->fd = open_nbd();
	sqe->addr = (uintptr_t)nbd_buffer();
	sqe->len = PAGE;
	*(uint32_t *)(ring + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(ring + params.sq_off.tail), 1,
			 __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0) != 1)
		_exit(95);
	state_sleep(NULL);
}

const struct state states_io[] = {
	{
		.name = "D: frozen file system",
		.why = "in write(2), until the thaw",
		.body = frozen_body,
		.settle = freeze_disk,
		.loosen = thaw_disk,
		.kept = true,
	},
	{
		.name = "D: hung FUSE server, read(2)",
		.why = "the server has taken the request, so that FUSE waits for the answer even if the reader is killed",
		.missing = no_fuse,
		.prepare = fuse_start,
		.body = fuse_read_body,
		.settle = hang_reads,
		.loosen = abort_fuse,
		.clean = fuse_end,
		.kept = true,
	},
	{
		.name = "D: hung FUSE server, page fault",
		.why = "in a mapping of the file; the fault has let go of the mmap lock while it waits",
		.missing = no_fuse,
		.prepare = fuse_start,
		.body = fuse_fault_body,
		.settle = hang_reads,
		.loosen = abort_fuse,
		.clean = fuse_end,
		.kept = true,
	},
	{
		.name = "D: in execve(2), hung FUSE server",
		.why = "the program to be read is on it; the old memory is there as long as it waits. What is left (LEFT_OTHER) are the new program's arguments, which the kernel counts here until it has its own memory",
		.missing = no_fuse,
		.prepare = fuse_start,
		.body = fuse_exec_body,
		.settle = hang_reads,
		.loosen = abort_fuse,
		.clean = fuse_end,
		.reasons = MRELEASE_LEFT_OTHER,
		.kept = true,
	},
	{
		.name = "dirty FUSE mapping, hung server",
		.why = "the end of the mapping writes back, and from 5.16 on waits for it, when the pages are gone already",
		.missing = no_fuse,
		.prepare = fuse_start,
		.body = fuse_dirty_body,
		.settle = hang_later,
		.loosen = abort_fuse,
		.clean = fuse_end,
		.reasons = MRELEASE_LEFT_SHARED_MAP,
	},
	{
		.name = "D: mmap lock held for writing",
		.why = "in mmap(2) of a FUSE file, which writes back first; nobody can walk this memory: mrelease has 300 ms here",
		.missing = no_fuse,
		.prepare = fuse_start,
		.body = fuse_mmap_body,
		.settle = hang_writes,
		.loosen = abort_fuse,
		.clean = fuse_end,
		.timeout_ms = 300,
		.ret = -ETIMEDOUT,
		.reasons = MRELEASE_LEFT_TIMEOUT,
		.stays = true,
		.kept = true,
	},
	{
		.name = "D: hung network block device",
		.why = "in read(2) with O_DIRECT from an NBD whose server does not answer",
		.missing = no_nbd,
		.prepare = nbd_start,
		.body = nbd_read_body,
		.settle = waits_for_nbd,
		.loosen = loosen_nbd,
		.clean = nbd_clean,
		.kept = true,
	},
	{
		.name = "AIO that never completes",
		.why = "its exit waits for that before it frees anything, when the memory cannot be found by its pid any more",
		.missing = no_nbd,
		.prepare = nbd_start,
		.body = aio_body,
		.settle = waits_for_nbd,
		.loosen = loosen_nbd,
		.clean = nbd_clean,
		.reasons = MRELEASE_LEFT_SHARED_MAP,
		.kept = true,
	},
	{
		.name = "AIO that never completes, TEARDOWN",
		.why = "to wait for the end of the address space is to wait for that; with 300 ms the memory is back all the same",
		.missing = no_nbd,
		.prepare = nbd_start,
		.body = aio_body,
		.settle = waits_for_nbd,
		.loosen = loosen_nbd,
		.clean = nbd_clean,
		.flags = MRELEASE_TEARDOWN,
		.timeout_ms = 300,
		.ret = -ETIMEDOUT,
		.reasons = MRELEASE_LEFT_SHARED_MAP | MRELEASE_LEFT_TIMEOUT,
		.kept = true,
	},
	{
		.name = "io_uring request in flight",
		.why = "the same by io_uring, whose end is a worker's business",
		.missing = no_uring,
		.prepare = nbd_start,
		.body = uring_body,
		.settle = waits_for_nbd,
		.loosen = loosen_nbd,
		.clean = nbd_clean,
		.reasons = MRELEASE_LEFT_SHARED_MAP,
	},
};

const unsigned int states_io_nr = sizeof(states_io) / sizeof(states_io[0]);

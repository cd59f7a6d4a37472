// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kinds of memory that a victim can have, see kinds.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>

#include "files.h"
#include "kinds.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define PAGE 4096UL

char *kind_map(size_t bytes, int prot, int flags, int fd)
{
	if (!(flags & (MAP_SHARED | MAP_PRIVATE)))
		flags |= MAP_PRIVATE;
	if (fd < 0)
		flags |= MAP_ANONYMOUS;
	char *mem = mmap(NULL, bytes, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

void kind_touch(char *mem, size_t bytes, size_t step)
{
	size_t off;

	for (off = 0; off < bytes; off += step)
		mem[off] = 1;
}

void kind_random(char *mem, size_t bytes)
{
	uint64_t state = ((uint64_t)getpid() << 32) | 1, word;
	size_t off;

	for (off = 0; off < bytes; off += sizeof(word)) {
		word = random_next(&state);
		memcpy(mem + off, &word, sizeof(word));
	}
}

int kind_memfd(size_t bytes, unsigned int flags)
{
	int fd = memfd_create("mrelease-test", MFD_CLOEXEC | flags);

	if (fd < 0 || ftruncate(fd, bytes) || posix_fallocate(fd, 0, bytes))
		return -1;
	return fd;
}

void kind_live(void)
{
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
	_exit(99);
}

#define RW (PROT_READ | PROT_WRITE)

/* In base pages: what is large is a kind of its own. */
static char *anon_small(size_t bytes)
{
	char *mem = kind_map(bytes, RW, 0, -1);

	madvise(mem, bytes, MADV_NOHUGEPAGE);
	return mem;
}

void kind_mlocked(void *arg)
{
	char *mem = anon_small(KIND_BYTES);

	(void)arg;
	if (mlock(mem, KIND_BYTES))
		_exit(95);
	kind_live();
}

void kind_ksm(void *arg)
{
	char *mem = anon_small(KIND_SMALL);

	(void)arg;
	memset(mem, 0x5a, KIND_SMALL);
	if (madvise(mem, KIND_SMALL, MADV_MERGEABLE))
		_exit(95);
	kind_live();
}

/* The second half is missing still, and whoever touches it waits. */
static char *userfault_setup(void)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	char *mem = anon_small(2 * KIND_BYTES);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	kind_touch(mem, KIND_BYTES, PAGE);
	reg.range.start = (uintptr_t)mem;
	reg.range.len = 2 * KIND_BYTES;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &reg))
		_exit(95);
	return mem;
}

void kind_userfaultfd(void *arg)
{
	(void)arg;
	userfault_setup();
	kind_live();
}

static void *toucher(void *mem)
{
	*(volatile char *)mem = 1;
	return NULL;
}

void kind_userfault_waiting(void *arg)
{
	char *mem = userfault_setup();
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, toucher, mem + KIND_BYTES))
		_exit(95);
	kind_live();
}

/* Mapped twice: shared, and private with copies of the first half. */
void kind_memfd_both(void *arg)
{
	int fd = kind_memfd(KIND_BYTES, 0);
	char *mem;

	(void)arg;
	if (fd < 0)
		_exit(95);
	mem = kind_map(KIND_BYTES, RW, MAP_SHARED, fd);
	kind_touch(mem, KIND_BYTES, PAGE);
	mem = kind_map(KIND_BYTES, RW, MAP_PRIVATE, fd);
	read_pages(mem, KIND_BYTES);
	kind_touch(mem, KIND_BYTES / 2, PAGE);
	close(fd);
	kind_live();
}

void kind_lazyfree(void *arg)
{
	char *mem = anon_small(KIND_BYTES);

	(void)arg;
	kind_touch(mem, KIND_BYTES, PAGE);
	if (madvise(mem, KIND_BYTES, MADV_FREE))
		_exit(95);
	kind_live();
}

void kind_thp(void *arg)
{
	(void)arg;
	map_touched(KIND_BYTES, true);
	kind_live();
}

void kind_shmem_thp(void *arg)
{
	char *mem = kind_map(KIND_BYTES, RW, MAP_SHARED, -1);

	(void)arg;
	madvise(mem, KIND_BYTES, MADV_HUGEPAGE);
	kind_touch(mem, KIND_BYTES, PAGE);
	kind_live();
}

/* The huge pages of a file, mapped privately, one page of them copied. */
void kind_shmem_thp_private(void *arg)
{
	int fd = memfd_create("mrelease-test", MFD_CLOEXEC);
	char *mem;

	(void)arg;
	if (fd < 0 || ftruncate(fd, KIND_BYTES))
		_exit(95);
	mem = kind_map(KIND_BYTES, RW, MAP_SHARED, fd);
	madvise(mem, KIND_BYTES, MADV_HUGEPAGE);
	kind_touch(mem, KIND_BYTES, PAGE);
	munmap(mem, KIND_BYTES);
	mem = kind_map(KIND_BYTES, RW, MAP_PRIVATE, fd);
	madvise(mem, KIND_BYTES, MADV_HUGEPAGE);
	read_pages(mem, KIND_BYTES);
	mem[0] = 2;
	close(fd);
	kind_live();
}

void kind_hugetlb(void *arg)
{
	(void)arg;
	kind_touch(kind_map(KIND_SMALL, RW, MAP_HUGETLB, -1), KIND_SMALL, PAGE);
	kind_live();
}

void kind_hugetlb_shared(void *arg)
{
	(void)arg;
	kind_touch(kind_map(KIND_SMALL, RW, MAP_HUGETLB | MAP_SHARED, -1),
		   KIND_SMALL, PAGE);
	kind_live();
}

void kind_swapped(void *arg)
{
	char *mem = anon_small(KIND_SMALL);
	unsigned int i;

	(void)arg;
	kind_random(mem, KIND_SMALL);
	/* A page that something else holds for a moment is left out. */
	for (i = 0; i < 3; i++)
		madvise(mem, KIND_SMALL, MADV_PAGEOUT);
	kind_live();
}

static void secretmem(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = syscall(SYS_memfd_secret, 0);

	/* It counts as locked, for root too. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	if (fd < 0 || ftruncate(fd, KIND_SMALL))
		_exit(95);
	kind_touch(kind_map(KIND_SMALL, RW, MAP_SHARED, fd), KIND_SMALL, PAGE);
	close(fd);
}

void kind_secretmem(void *arg)
{
	(void)arg;
	secretmem();
	kind_live();
}

void kind_secretmem_touch(void)
{
	secretmem();
	_exit(0);
}

/* Every other page may only be read: no two are in the same mapping. */
void kind_small_vmas(void *arg)
{
	char *mem = anon_small(KIND_VMAS * PAGE);
	size_t i;

	(void)arg;
	kind_touch(mem, KIND_VMAS * PAGE, PAGE);
	for (i = 0; i < KIND_VMAS; i += 2)
		if (mprotect(mem + i * PAGE, PAGE, PROT_READ))
			_exit(95);
	kind_live();
}

/* Address space without access: never had pages, and had some before. */
void kind_reserved(void *arg)
{
	char *mem = anon_small(KIND_BYTES);

	(void)arg;
	kind_touch(mem, KIND_BYTES, PAGE);
	if (mprotect(mem, KIND_BYTES, PROT_NONE))
		_exit(95);
	kind_map(KIND_RESERVE, PROT_NONE, MAP_NORESERVE, -1);
	kind_live();
}

/* Where only five levels of page tables reach. */
void kind_high(void *arg)
{
	char *mem = mmap(KIND_HIGH, KIND_BYTES, RW, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	(void)arg;
	if (mem != KIND_HIGH)
		_exit(95);
	madvise(mem, KIND_BYTES, MADV_NOHUGEPAGE);
	kind_touch(mem, KIND_BYTES, PAGE);
	kind_live();
}

void kind_sparse(void *arg)
{
	char *mem = kind_map(KIND_SPARSE, RW, MAP_NORESERVE, -1);

	(void)arg;
	madvise(mem, KIND_SPARSE, MADV_NOHUGEPAGE);
	kind_touch(mem, KIND_SPARSE, KIND_SPARSE / KIND_SPOTS);
	kind_live();
}

void kind_aio(void *arg)
{
	char *mem = map_touched(KIND_SMALL, false);
	int fd = open("/dev/nullb0", O_RDONLY | O_DIRECT | O_CLOEXEC);
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)mem,
		.aio_nbytes = 4096,
	}, *cbs = &cb;
	aio_context_t ctx = 0;

	(void)arg;
	if (fd < 0 || syscall(SYS_io_setup, 1, &ctx) ||
	    syscall(SYS_io_submit, ctx, 1, &cbs) != 1)
		_exit(95);
	kind_live();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile victims: those whose memory is the trouble.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "files.h"
#include "torture.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define MIB (1024UL * 1024)
#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* struct storm - memory that several threads change at the same time */
struct storm {
	char *mem;
	size_t bytes;
	uint64_t rng;
};

static const int advice[] = { MADV_DONTNEED,  MADV_FREE,	MADV_COLD,
			      MADV_PAGEOUT,   MADV_HUGEPAGE,	MADV_COLLAPSE,
			      MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_WILLNEED,
			      MADV_DONTFORK,  MADV_DOFORK,	MADV_RANDOM,
			      MADV_SEQUENTIAL };

/* Only calls that cannot make a later touch fail, for this thread. */
static void storm_step(struct storm *s)
{
	size_t page = pick(&s->rng, s->bytes / PAGE), n;
	char *at = s->mem + page * PAGE;

	n = 1 + pick(&s->rng, s->bytes / PAGE - page);
	switch (pick(&s->rng, 7)) {
	case 0:
		mmap(at, n * PAGE, RW, ANON | MAP_FIXED, -1, 0);
		break;
	case 1:
		mprotect(at, n * PAGE, pick(&s->rng, 2) ? PROT_READ : RW);
		break;
	case 2:
		mremap(at, n * PAGE, n * PAGE,
		       MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		       s->mem + s->bytes);
		break;
	case 3:
		if (pick(&s->rng, 2))
			mlock(at, n * PAGE);
		else
			munlock(at, n * PAGE);
		break;
	case 4:
		at = mmap(NULL, n * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
		if (at != MAP_FAILED)
			munmap(at, n * PAGE);
		break;
	default:
		madvise(at, n * PAGE,
			advice[pick(&s->rng, ARRAY_SIZE(advice))]);
	}
	/* By a system call: a fault in it is an error, not a signal. */
	at = s->mem + pick(&s->rng, s->bytes / PAGE) * PAGE;
	if (getcwd(at, PAGE))
		at[0]++;
}

static void *storm(void *arg)
{
	struct storm *s = arg;

	for (;;)
		storm_step(s);
	return NULL;
}

/* Each thread has a place of its own, or all have the same. */
static void storm_body(uint64_t *rng)
{
	static struct storm storms[4];
	unsigned int n = 1 + pick(rng, 4), i;
	size_t bytes = MIB << pick(rng, 3);

	for (i = 0; i < n; i++) {
		storms[i].bytes = bytes;
		storms[i].rng = random_next(rng);
		storms[i].mem = torture_map(2 * bytes, ANON, -1);
	}
	torture_ready();
	for (i = 1; i < n; i++)
		torture_thread(storm, &storms[i]);
	storm(&storms[0]);
}

static char *huge_map(void)
{
	char *mem = torture_map(6 * MIB, ANON, -1);

	madvise(mem, 6 * MIB, MADV_HUGEPAGE);
	memset(mem, 1, 6 * MIB);
	return mem;
}

/* Huge pages that are split and put together again. */
static void thp_body(uint64_t *rng)
{
	char *mem = huge_map();

	torture_ready();
	while (pick(rng, 50)) {
		char *at = mem + pick(rng, 6 * MIB / PAGE) * PAGE;

		switch (pick(rng, 4)) {
		case 0:
			madvise(at, PAGE, MADV_DONTNEED);
			break;
		case 1:
			madvise(at, PAGE, MADV_PAGEOUT);
			break;
		case 2:
			mprotect(at, PAGE, PROT_READ);
			mprotect(at, PAGE, RW);
			break;
		default:
			madvise(mem, 6 * MIB, MADV_COLLAPSE);
		}
		*at = 1;
	}
}

static void ksm_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 3);
	char *mem = torture_map(bytes, ANON, -1);

	memset(mem, 0x5a, bytes);
	madvise(mem, bytes, MADV_MERGEABLE);
	torture_ready();
	while (pick(rng, 1000)) {
		usleep(100);
		mem[pick(rng, bytes)] = 0x5b;
	}
}

static void locked_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 3);

	mlockall(MCL_CURRENT | MCL_FUTURE | (pick(rng, 2) ? MCL_ONFAULT : 0));
	memset(torture_map(bytes, ANON, -1), 1, bytes);
}

static void hugetlb_body(uint64_t *rng)
{
	int flags = (pick(rng, 2) ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
	char *mem;

	mem = mmap(NULL, 4 * MIB, RW, flags | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		mem = torture_map(4 * MIB, flags, -1);
	torture_ready();
	/* One that is not to be had is SIGBUS; so by a system call. */
	if (getcwd(mem, PAGE) && pick(rng, 2) && getcwd(mem + 2 * MIB, PAGE))
		if (!fork())
			getcwd(mem, PAGE);
}

static void swapped_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 3);
	char *mem = torture_map(bytes, ANON, -1);
	uint64_t *word = (uint64_t *)mem;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = random_next(rng);
	torture_ready();
	do {
		madvise(mem, bytes, MADV_PAGEOUT);
		for (i = 0; i < 64; i++)
			mem[pick(rng, bytes)]++;
	} while (pick(rng, 20));
}

/* Relatives that have some of the pages, too. */
static void cow_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 3);
	char *mem = torture_map(bytes, ANON, -1);
	unsigned int n = 1 + pick(rng, 4);

	memset(mem, 1, bytes);
	while (n--) {
		if (fork())
			continue;
		memset(mem, 2, pick(rng, bytes));
		if (pick(rng, 2))
			break;
	}
}

static void *toucher(void *mem)
{
	*(volatile char *)mem = 1;
	return NULL;
}

/* Faults that nobody answers, or that a thread of its own answers. */
static void userfault_body(uint64_t *rng)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *mem = torture_map(2 * MIB, ANON, -1);
	struct uffdio_copy copy = {};
	unsigned int i;

	reg.range.start = (uintptr_t)mem;
	reg.range.len = 2 * MIB;
	memset(mem, 1, MIB);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &reg))
		return;
	for (i = 0; i < 3; i++)
		torture_thread(toucher, mem + MIB + i * PAGE);
	torture_ready();
	if (pick(rng, 2))
		return;
	for (i = 0; i < MIB / PAGE; i++) {
		copy.dst = (uintptr_t)mem + MIB + i * PAGE;
		copy.src = (uintptr_t)mem;
		copy.len = PAGE;
		copy.copy = 0;
		ioctl(fd, UFFDIO_COPY, &copy);
		madvise(mem + MIB + i * PAGE, PAGE, MADV_DONTNEED);
	}
}

static void *reader(void *arg)
{
	int *pipe_fd = arg;
	char bytes[512];

	while (read(*pipe_fd, bytes, sizeof(bytes)) > 0)
		;
	return NULL;
}

/* Pages that a pipe holds, and a write from memory that goes. */
static void pipe_body(uint64_t *rng)
{
	char *mem = torture_map(MIB, ANON, -1);
	struct iovec iov = { mem, MIB };
	static int fds[2];

	memset(mem, 1, MIB);
	if (pipe(fds))
		return;
	if (pick(rng, 2))
		torture_thread(reader, &fds[0]);
	torture_ready();
	for (;;) {
		if (pick(rng, 2)) {
			if (vmsplice(fds[1], &iov, 1, 0) < 0)
				return;
		} else if (write(fds[1], mem, MIB) < 0) {
			return;
		}
		madvise(mem, MIB, MADV_DONTNEED);
	}
}

/* Very many mappings, and address space without pages. */
static void maps_body(uint64_t *rng)
{
	size_t n = 500 + pick(rng, 3000), i;
	char *mem = torture_map(n * PAGE, ANON, -1);

	mmap(NULL, 1UL << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	for (i = 0; i < n; i += 2) {
		mem[i * PAGE] = 1;
		mprotect(mem + i * PAGE, PAGE, PROT_READ);
	}
}

const struct kind torture_memory[] = {
	{ "storm", storm_body, 0 },	{ "thp", thp_body, 0 },
	{ "ksm", ksm_body, 0 },		{ "locked", locked_body, 0 },
	{ "hugetlb", hugetlb_body, 0 }, { "swapped", swapped_body, 0 },
	{ "cow", cow_body, 0 },		{ "userfault", userfault_body, 0 },
	{ "pipe", pipe_body, 0 },	{ "maps", maps_body, 0 },
	{ "vm", torture_vm_body, 0 },
};

const unsigned int torture_nr_memory = ARRAY_SIZE(torture_memory);

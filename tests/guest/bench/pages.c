// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions, in a guest whose clock counts them: of each page, of a small victim,
 * of large address spaces with little in them, and of large victims.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "tap.h"

/* The slope between the two: what does not depend on the size drops out. */
#define SMALL (8 * MIB)
#define LARGE (32 * MIB)

/* What repeats to within half a percent need not be repeated often. */
#define FEW_ROUNDS 3

static uint64_t *own;

static void unmap_own(void)
{
	uint64_t start;

	start = now_ns();
	munmap(region, region_bytes);
	*own = now_ns() - start;
}

/* Clears the accessed bits. */
static void grow_old(void)
{
	if (write_file("/proc/self/clear_refs", "1"))
		_exit(88);
}

static void grow_old_and_unmap(void)
{
	grow_old();
	unmap_own();
}

/* Instructions of one call. */
static uint64_t cost(enum method method, const struct kind *kind, bool old)
{
	struct mrelease_result res;
	struct victim victim;
	uint64_t start;
	int ret;

	/* Each page touched once: the cost depends on what it has seen before. */
	if (kind->path)
		drop_page_cache();
	if (method == MUNMAP)
		when_set_up = old ? grow_old_and_unmap : unmap_own;
	else
		when_set_up = old ? grow_old : NULL;
	victim = victim_start(kind->body, (void *)kind);
	start = now_ns();
	if (method == MUNMAP) {
		start = *own;
	} else {
		ret = method_call(method, &victim, &res);
		start = now_ns() - start;
		if (ret)
			tap_note("%s: %s", ways[method].name, err_name(ret));
	}
	victim_end(&victim);
	return start;
}

static void begin(void)
{
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		tap_bail("mmap");
	/* Or the victim's own exit would run in between, on the only CPU. */
	go_first();
}

static const struct {
	const char *name;
	const char *path;
	bool old;
} contents[] = {
	{ "anonymous", NULL, false },
	{ "clean file", EXT4_FILE, false },
	{ "not accessed", EXT4_FILE, true },
};

static const enum method page_methods[] = { MUNMAP, KILL_SYSCALL, FLAGS_0, KILL,
					    KILL_EVICT };
#define NR_METHODS (sizeof(page_methods) / sizeof(page_methods[0]))

static double slope(enum method method, unsigned int content)
{
	struct kind small = { .path = contents[content].path }, large = small;
	uint64_t few, many;

	small.body = small.path ? body_file : body_anon;
	large.body = small.body;
	*(small.path ? &small.file : &small.anon) = SMALL;
	*(small.path ? &large.file : &large.anon) = LARGE;
	few = cost(method, &small, contents[content].old);
	many = cost(method, &large, contents[content].old);
	return (double)(int64_t)(many - few) / ((LARGE - SMALL) / PAGE);
}

int part_pages(void)
{
	begin();
	for (unsigned int content = 0; content < 3; content++)
		/* One more, for what is done the first time only. */
		for (int round = -1; round < rounds(ROUNDS); round++)
			for (unsigned int i = 0; i < NR_METHODS; i++) {
				enum method m = page_methods[(i + round + 1) %
							     NR_METHODS];
				double each;

				if (!method_possible(m))
					continue;
				each = slope(m, content);
				if (round < 0)
					continue;
				printf("{\"part\":\"pages\",\"victim\":\"%s\",\"method\":\"%s\","
				       "\"round\":%d,\"instructions\":%.1f}\n",
				       contents[content].name, ways[m].name,
				       round, each);
			}
	return 0;
}

static void whole_calls(const char *part, const struct kind *kind, int times,
			const enum method *methods, unsigned int nr)
{
	for (int round = -1; round < times; round++)
		for (unsigned int i = 0; i < nr; i++) {
			enum method m = methods[(i + round + 1) % nr];
			uint64_t whole;

			if (!method_possible(m))
				continue;
			whole = cost(m, kind, false);
			if (round < 0)
				continue;
			printf("{\"part\":\"%s\",\"victim\":\"%s\",\"method\":\"%s\","
			       "\"round\":%d,\"instructions\":%llu}\n",
			       part, kind->name, ways[m].name, round,
			       (unsigned long long)whole);
		}
}

static const enum method whole_methods[] = { KILL_SYSCALL, KILL,
					     KILL_TEARDOWN };

int part_small(void)
{
	static const struct kind small[] = {
		{ "64 KiB", body_anon, .anon = MIB / 16 },
		{ "256 KiB", body_anon, .anon = MIB / 4 },
		{ "1 MiB", body_anon, .anon = MIB },
		{ "4 MiB", body_anon, .anon = 4 * MIB },
	};

	begin();
	for (unsigned int i = 0; i < 4; i++)
		whole_calls("small", &small[i], rounds(ROUNDS), whole_methods,
			    3);
	return 0;
}

static void body_shape(void *arg)
{
	const struct kind *kind = arg;
	/* The sizes say what is there: pages, their distance, VMAs. */
	size_t pages = kind->anon / PAGE, step = kind->file, i;
	size_t bytes = pages * step > kind->shared ? pages * step :
						     kind->shared;
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED || madvise(mem, bytes, MADV_NOHUGEPAGE))
		_exit(87);
	for (i = 0; i < pages; i++)
		mem[i * step] = 1;
	mem = mmap(NULL, (kind->shmem + 1) * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 1; i < kind->shmem; i += 2)
		if (mprotect(mem + i * PAGE, PAGE, PROT_READ))
			_exit(86);
	victim_ready();
	for (;;)
		pause();
}

/* .file: distance of pages, .shared: bytes reserved, .shmem: VMAs */
static const struct kind shapes[] = {
	{ "1024 pages", body_shape, .anon = 1024 * PAGE, .file = PAGE },
	{ "1024 pages in 1 TiB reserved", body_shape, .anon = 1024 * PAGE,
	  .file = PAGE, .shared = 1024 * GIB },
	{ "1024 pages, each in a table of its own", body_shape,
	  .anon = 1024 * PAGE, .file = 2 * MIB },
	{ "1024 pages spread over 1 TiB", body_shape, .anon = 1024 * PAGE,
	  .file = GIB },
	{ "1024 pages, 32500 VMAs", body_shape, .anon = 1024 * PAGE,
	  .file = PAGE, .shmem = 32500 },
	{ "1024 pages, 65000 VMAs", body_shape, .anon = 1024 * PAGE,
	  .file = PAGE, .shmem = 65000 },
};

int part_shapes(void)
{
	begin();
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		whole_calls("shapes", &shapes[i], rounds(FEW_ROUNDS),
			    whole_methods, 2);
	return 0;
}

int part_scale(size_t max_mib)
{
	static const size_t sizes[] = { 64, 256, 1024, 2048, 8192 };
	char name[32];
	struct kind kind = { .name = name, .body = body_anon };

	begin();
	/* What is done the first time only. */
	kind.anon = MIB;
	cost(KILL, &kind, false);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i] > max_mib)
			break;
		snprintf(name, sizeof(name), "%zu MiB", sizes[i]);
		kind.anon = sizes[i] * MIB;
		for (int round = 0;
		     round < (sizes[i] > 256 ? 1 : rounds(FEW_ROUNDS)); round++)
			printf("{\"part\":\"scale\",\"victim\":\"%s\",\"mib\":%zu,"
			       "\"method\":\"%s\",\"round\":%d,\"instructions\":%llu}\n",
			       name, sizes[i], ways[KILL].name, round,
			       (unsigned long long)cost(KILL, &kind, false));
	}
	return 0;
}

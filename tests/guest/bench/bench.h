/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark that tests/bench runs in a guest.  Each measurement is a line of
 * JSON on stdout; what is made of them is the host's business.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define GIB (1024UL * MIB)
#define PAGE 4096UL

/* Pairs are interleaved this often, in an order that is rotated; BENCH_ROUNDS. */
#define ROUNDS 9
int rounds(int usual);

/* Where files are, see tests/bench. */
#define EXT4_FILE "/mnt/data"
#define XFS_FILE "/mnt2/data"

/* A victim that cannot die is let go after that long. */
#define RESCUE_MS 1000

/* How a process is ended: bits of struct kind.methods. */
enum method {
	KILL_WAIT,
	KILL_SYSCALL,
	CGROUP_KILL,
	MUNMAP,
	FLAGS_0,
	KILL,
	KILL_EVICT,
	KILL_SHARED,
	KILL_TEARDOWN,
	KILL_ALL,
	KILL_TWO,
	KILL_FOUR,
	EVICT_TWO,
	EVICT_FOUR,
	METHODS,
};

/*
 * struct way - one of them
 * @flags: of the release
 * @callers: threads that call it at once; 0 if it is none of ours
 */
struct way {
	const char *name;
	uint32_t flags;
	unsigned int callers;
};

extern const struct way ways[METHODS];

/* What keeps a victim from dying. */
enum hindrance {
	HINDRANCE_NONE,
	HINDRANCE_FROZEN, /* in state D, in a write to a frozen file system */
	HINDRANCE_HOG, /* SCHED_IDLE, and another has its CPU */
};

/*
 * struct kind - of victim
 * @body: sets it up, to be given the kind
 * @path: of the file that it maps
 * @anon: anonymous bytes
 * @file: bytes of a file, mapped privately
 * @shared: the same, mapped shared
 * @shmem: bytes that are gone with the last mapping
 * @methods: bits of those that it is ended by
 */
struct kind {
	const char *name;
	void (*body)(void *arg);
	const char *path;
	size_t anon;
	size_t file;
	size_t shared;
	size_t shmem;
	enum hindrance hindrance;
	unsigned int methods;
};

extern const struct kind kinds[];
extern const unsigned int nr_kinds;

/* victims.c: the one region of a simple victim, in the child. */
extern char *region;
extern size_t region_bytes;

/* What the next victims do before they say that they are ready; or NULL. */
extern void (*when_set_up)(void);

void body_anon(void *arg);
void body_file(void *arg);
void victims_init(void);
struct victim kind_start(const struct kind *kind);
/* Let the victim die; may be called twice. */
void kind_let_go(const struct kind *kind);

/*
 * struct shot - one measurement
 * @ret: what the call said
 * @call_ns: until it returned
 * @cpu_ns: CPU time of all callers
 * @back_ns: until 95 % of @expected were free; 0 if they were not, in time
 * @watched_ns: how long that was looked for
 * @expected: bytes that this method gives back
 * @at_return: bytes of MemFree gained at return
 * @flushes: interrupts for TLB flushes, all CPUs
 * @let_go: the victim had to be let go before the call returned
 */
struct shot {
	int ret;
	uint64_t call_ns;
	uint64_t cpu_ns;
	uint64_t back_ns;
	uint64_t watched_ns;
	int64_t expected;
	int64_t at_return;
	uint64_t flushes;
	bool let_go;
	struct mrelease_result res;
};

/* methods.c */
void methods_init(void);
bool method_possible(enum method method);
void method_take(enum method method, const struct kind *kind,
		 struct shot *shot);
/* Called right before and after the calls, unless NULL. */
extern void (*around_call)(bool begin);
/* The calls alone, with one caller; 0 or a negative errno. */
int method_call(enum method method, const struct victim *victim,
		struct mrelease_result *res);

/* measure.c */
uint64_t free_bytes(void);
uint64_t thread_cpu_ns(void);
uint64_t tlb_interrupts(void);
void drop_page_cache(void);
/* Nobody else is to run here. */
void go_first(void);

/* Parts, each a way to call the program. */
/* Of one victim, or of all. */
int part_wall(const char *only);
int part_latency(void);
int part_pages(void);
int part_small(void);
int part_shapes(void);
int part_scale(size_t max_mib);
int part_tlb(void);

#endif /* _BENCH_H */

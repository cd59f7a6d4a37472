/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a release has changed in the system, by /proc/meminfo before and after.
 */
#ifndef _WEIGH_H
#define _WEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/mrelease.h>

#include "proc.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define GIB (1024UL * MIB)

/* struct weight - lines of /proc/meminfo, in bytes; the huge pages as Free - Rsvd */
struct weight {
	int64_t free;
	int64_t shmem;
	int64_t page_tables;
	int64_t swap_free;
	int64_t huge_usable;
};

void weigh(struct weight *w);

/*
 * Wait until what ended before is gone, and give back what the CPUs keep of free
 * pages for themselves, which MemFree does not count: a release does that on the CPU
 * that it runs on, so a small victim is released on each.
 */
void weigh_settle(int dev);

/*
 * struct scales - a release, and all that it changed
 * @ret: of the call
 * @res: result
 * @fp: what the victim had
 * @before: just before the call
 * @after: at its return
 * @ms: duration
 */
struct scales {
	int ret;
	struct mrelease_result res;
	struct footprint fp;
	struct weight before;
	struct weight after;
	double ms;
};

/* Settle, weigh, release, weigh.  The victim sleeps, and is not waited for. */
void scales_release(int dev, const struct victim *victim, uint32_t flags,
		    uint32_t timeout_ms, struct scales *s);

/* What MemFree has risen by. */
int64_t scales_rise(const struct scales *s);

/*
 * The byte counts are those that the page tables had, and what is left is the rest.
 * @stays: bytes of @fp.file that are left; the same of shmem and hugetlb.
 */
bool scales_exact(const struct scales *s, uint64_t file_stays,
		  uint64_t shmem_stays, uint64_t hugetlb_stays);

/* One line: the counts, what MemFree rose by, the time. */
void scales_note(const char *name, const struct scales *s);

/* Is @value @target, give or take @slack? */
bool is_near(int64_t value, int64_t target, int64_t slack);

/* First argument of the program: sizes are divided by it, where a kernel is slow. */
size_t weigh_scale(int argc, char **argv);

/*
 * KSM: merge all that is marked for it, until at least @pages have been spared or
 * nothing has changed for a while, and stop there.  Returns the number.
 */
long ksm_merge(long pages);
void ksm_end(void);
bool ksm_is_there(void);

#endif /* _WEIGH_H */

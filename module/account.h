/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From counters before and after to a result.  The arithmetic is pure and also
 * compiled for user space by the unit tests.
 */
#ifndef _MR_ACCOUNT_H
#define _MR_ACCOUNT_H

#include <linux/mrelease.h>

/*
 * struct mr_counts - what an address space holds, in base pages
 *
 * Signed, since the counters of a living mm are read one after the other and
 * their sums can pass below zero for a moment.
 */
struct mr_counts {
	__s64 anon;
	__s64 file;
	__s64 shmem;
	__s64 swap;
	__s64 hugetlb;
};

/*
 * struct mr_tally - what was met on the way and no counter shows
 * @kept: anonymous pages that were unmapped, but have other users
 * @evicted: pages of page cache that were dropped
 * @reasons: MRELEASE_LEFT_*, whether or not they left anything
 * @blind: not all pages were looked at, so there may be more of @kept
 */
struct mr_tally {
	__u64 kept;
	__u64 evicted;
	__u32 reasons;
	__u32 blind;
};

/*
 * struct mr_yield - what an address space has given
 * @before: its counters at the beginning
 * @after: its counters at the end
 * @tally: what was met in between
 * @notes: MRELEASE_NOTE_*
 * @again: one of several that are told the same, and not the one that counts
 */
struct mr_yield {
	struct mr_counts before;
	struct mr_counts after;
	struct mr_tally tally;
	__u32 notes;
	__u32 again;
};

void mr_tally_add(struct mr_tally *sum, const struct mr_tally *more);
void mr_account(const struct mr_yield *yield, unsigned int page_shift,
		struct mrelease_result *result);

#endif /* _MR_ACCOUNT_H */

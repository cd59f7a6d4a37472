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

void mr_account(const struct mr_counts *before, const struct mr_counts *after,
		unsigned int page_shift, __u32 reasons,
		struct mrelease_result *result);
void mr_account_add(struct mrelease_result *sum,
		    const struct mrelease_result *more);

#endif /* _MR_ACCOUNT_H */

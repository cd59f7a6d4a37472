// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of results, see account.h.
 */
#include "module/account.h"

/* A counter that grew while it was watched has given nothing back. */
static __u64 mr_bytes(__s64 pages, unsigned int page_shift)
{
	return pages > 0 ? (__u64)pages << page_shift : 0;
}

/* Leave of @reasons those that can explain what is left in @after. */
static __u32 mr_account_reasons(const struct mr_counts *after, __u32 reasons)
{
	if (after->file <= 0 && after->shmem <= 0)
		reasons &= ~MRELEASE_LEFT_SHARED_MAP;
	if (after->hugetlb <= 0)
		reasons &= ~MRELEASE_LEFT_HUGETLB;
	if (after->anon <= 0 && after->swap <= 0)
		reasons &= ~MRELEASE_LEFT_PFNMAP;
	return reasons ? reasons : MRELEASE_LEFT_OTHER;
}

/**
 * mr_account() - fill a result from two readings of the counters
 * @before: at the first
 * @after: at the last
 * @page_shift: PAGE_SHIFT
 * @reasons: MRELEASE_LEFT_* met on the way, whether or not they left anything
 * @result: its byte counts (but evicted_bytes), left_reasons and the note on
 *	freed_bytes are written; the rest is not touched
 */
void mr_account(const struct mr_counts *before, const struct mr_counts *after,
		unsigned int page_shift, __u32 reasons,
		struct mrelease_result *result)
{
	result->anon_bytes = mr_bytes(before->anon - after->anon, page_shift);
	result->file_bytes = mr_bytes(before->file - after->file, page_shift);
	result->shmem_bytes = mr_bytes(before->shmem - after->shmem, page_shift);
	result->swap_bytes = mr_bytes(before->swap - after->swap, page_shift);
	result->hugetlb_bytes = mr_bytes(before->hugetlb - after->hugetlb,
					 page_shift);

	result->left_bytes = mr_bytes(after->anon, page_shift) +
			     mr_bytes(after->file, page_shift) +
			     mr_bytes(after->shmem, page_shift) +
			     mr_bytes(after->swap, page_shift) +
			     mr_bytes(after->hugetlb, page_shift);
	result->left_reasons = 0;
	if (result->left_bytes)
		result->left_reasons = mr_account_reasons(after, reasons);

	/*
	 * Unmapped page cache stays cached, and nobody has looked yet whether
	 * an anonymous page has other users.
	 */
	result->freed_bytes = result->anon_bytes + result->hugetlb_bytes +
			      result->evicted_bytes;
	if (result->anon_bytes)
		result->notes |= MRELEASE_NOTE_ESTIMATED;
}

/**
 * mr_account_add() - add one result to another
 * @sum: the sum; its elapsed_ns is not touched
 * @more: what is added
 */
void mr_account_add(struct mrelease_result *sum,
		    const struct mrelease_result *more)
{
	sum->anon_bytes += more->anon_bytes;
	sum->file_bytes += more->file_bytes;
	sum->shmem_bytes += more->shmem_bytes;
	sum->swap_bytes += more->swap_bytes;
	sum->hugetlb_bytes += more->hugetlb_bytes;
	sum->evicted_bytes += more->evicted_bytes;
	sum->freed_bytes += more->freed_bytes;
	sum->left_bytes += more->left_bytes;
	sum->left_reasons |= more->left_reasons;
	sum->notes |= more->notes;
	sum->victims += more->victims;
}

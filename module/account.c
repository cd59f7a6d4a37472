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
 * mr_tally_add() - add one tally to another
 * @sum: the sum
 * @more: what is added
 */
void mr_tally_add(struct mr_tally *sum, const struct mr_tally *more)
{
	sum->kept += more->kept;
	sum->evicted += more->evicted;
	sum->reasons |= more->reasons;
	sum->blind |= more->blind;
}

/**
 * mr_account() - add what an address space has given to a result
 * @yield: what it has given
 * @page_shift: PAGE_SHIFT
 * @result: its byte counts, left_reasons and notes grow
 */
void mr_account(const struct mr_yield *yield, unsigned int page_shift,
		struct mrelease_result *result)
{
	const struct mr_counts *before = &yield->before, *after = &yield->after;
	const struct mr_tally *tally = &yield->tally;
	__s64 anon = before->anon - after->anon;
	__s64 hugetlb = before->hugetlb - after->hugetlb;
	__u64 left;

	result->anon_bytes += mr_bytes(anon, page_shift);
	result->file_bytes += mr_bytes(before->file - after->file, page_shift);
	result->shmem_bytes += mr_bytes(before->shmem - after->shmem, page_shift);
	result->swap_bytes += mr_bytes(before->swap - after->swap, page_shift);
	result->hugetlb_bytes += mr_bytes(hugetlb, page_shift);
	result->evicted_bytes += mr_bytes(tally->evicted, page_shift);

	/* Unmapped page cache and shmem stay, unless they were evicted. */
	result->freed_bytes += mr_bytes(anon - (__s64)tally->kept, page_shift) +
			       mr_bytes(tally->evicted, page_shift) +
			       mr_bytes(hugetlb, page_shift);
	result->notes |= yield->notes;
	if (tally->blind && (anon > 0 || hugetlb > 0))
		result->notes |= MRELEASE_NOTE_ESTIMATED;

	left = mr_bytes(after->anon, page_shift) +
	       mr_bytes(after->file, page_shift) +
	       mr_bytes(after->shmem, page_shift) +
	       mr_bytes(after->swap, page_shift) +
	       mr_bytes(after->hugetlb, page_shift);
	result->left_bytes += left;
	if (left)
		result->left_reasons |= mr_account_reasons(after, tally->reasons);
	else if (!result->left_bytes)
		result->left_reasons = 0;
}

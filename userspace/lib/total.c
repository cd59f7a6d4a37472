// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Results added up; the tool has a copy of this, too.
 */
#include "internal.h"

void mr_total_add(struct mrelease_result *total,
		  const struct mrelease_result *res)
{
	total->anon_bytes += res->anon_bytes;
	total->file_bytes += res->file_bytes;
	total->shmem_bytes += res->shmem_bytes;
	total->swap_bytes += res->swap_bytes;
	total->hugetlb_bytes += res->hugetlb_bytes;
	total->evicted_bytes += res->evicted_bytes;
	total->freed_bytes += res->freed_bytes;
	total->left_bytes += res->left_bytes;
	total->left_reasons |= res->left_reasons;
	total->notes |= res->notes;
	total->victims += res->victims;
}

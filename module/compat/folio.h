/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folios, and batches of them.
 */
#ifndef _MR_COMPAT_FOLIO_H
#define _MR_COMPAT_FOLIO_H

#include <linux/mm.h>
#include <linux/pagemap.h>

/* 7.1 renamed the header of struct folio_batch, as the last of pagevecs went. */
#ifdef MR_HAVE_FOLIO_BATCH_H
#include <linux/folio_batch.h>
#else
#include <linux/pagevec.h>
#endif

#ifdef MR_HAVE_FOLIO

/* What delete_from_page_cache_batch() takes. */
#define MR_FOLIO_BATCH	struct folio_batch

static inline MR_FOLIO_BATCH *mr_compat_folio_batch(struct folio_batch *fbatch)
{
	return fbatch;
}

#else
#include "module/compat/page.h"
#endif

#endif /* _MR_COMPAT_FOLIO_H */

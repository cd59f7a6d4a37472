/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folios on kernels before 5.16, which have none: a folio is the head page of
 * what is allocated together, and that is what it is here, too.  Functions have
 * the names and the meaning of the later ones.
 */
#ifndef _MR_COMPAT_PAGE_H
#define _MR_COMPAT_PAGE_H

#include <linux/build_bug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>

/* As 5.16 made it: the first members of the page again, by the same names. */
struct folio {
	union {
		struct {
			unsigned long flags;
			struct list_head lru;
			struct address_space *mapping;
			pgoff_t index;
		};
		struct page page;
	};
};

static_assert(sizeof(struct folio) == sizeof(struct page));
static_assert(offsetof(struct folio, mapping) == offsetof(struct page, mapping));
static_assert(offsetof(struct folio, index) == offsetof(struct page, index));

/* A pagevec by another name, as 5.17 made it. */
struct folio_batch {
	unsigned char nr;
	bool percpu_pvec_drained;
	struct folio *folios[PAGEVEC_SIZE];
};

static_assert(sizeof(struct folio_batch) == sizeof(struct pagevec));
static_assert(offsetof(struct folio_batch, folios) ==
	      offsetof(struct pagevec, pages));

/* What delete_from_page_cache_batch() takes. */
#define MR_FOLIO_BATCH	struct pagevec

static inline MR_FOLIO_BATCH *mr_compat_folio_batch(struct folio_batch *fbatch)
{
	return (struct pagevec *)fbatch;
}

static inline void folio_batch_init(struct folio_batch *fbatch)
{
	pagevec_init((struct pagevec *)fbatch);
}

static inline unsigned int folio_batch_count(struct folio_batch *fbatch)
{
	return fbatch->nr;
}

/* Returns how many more find place. */
static inline unsigned int folio_batch_add(struct folio_batch *fbatch,
					   struct folio *folio)
{
	fbatch->folios[fbatch->nr++] = folio;
	return PAGEVEC_SIZE - fbatch->nr;
}

static inline struct folio *page_folio(struct page *page)
{
	return (struct folio *)compound_head(page);
}

static inline bool folio_test_large(struct folio *folio)
{
	return PageHead(&folio->page);
}

static inline unsigned long folio_nr_pages(struct folio *folio)
{
	return compound_nr(&folio->page);
}

static inline int folio_ref_count(struct folio *folio)
{
	return page_ref_count(&folio->page);
}

static inline void folio_get(struct folio *folio)
{
	get_page(&folio->page);
}

static inline void folio_put(struct folio *folio)
{
	put_page(&folio->page);
}

static inline bool folio_trylock(struct folio *folio)
{
	return trylock_page(&folio->page);
}

static inline void folio_unlock(struct folio *folio)
{
	unlock_page(&folio->page);
}

static inline bool folio_test_anon(struct folio *folio)
{
	return PageAnon(&folio->page);
}

static inline bool folio_test_dirty(struct folio *folio)
{
	return PageDirty(&folio->page);
}

static inline bool folio_test_writeback(struct folio *folio)
{
	return PageWriteback(&folio->page);
}

static inline bool folio_test_swapbacked(struct folio *folio)
{
	return PageSwapBacked(&folio->page);
}

static inline bool folio_has_private(struct folio *folio)
{
	return page_has_private(&folio->page);
}

static inline bool filemap_release_folio(struct folio *folio, gfp_t gfp)
{
	return try_to_release_page(&folio->page, gfp);
}

#endif /* _MR_COMPAT_PAGE_H */

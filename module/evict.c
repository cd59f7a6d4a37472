// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking again at the folios that were remembered before the zap: which
 * anonymous ones are still in use, and which file folios can be dropped.
 *
 * The batches are allocated when the module is loaded: releases happen when
 * there is no memory.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "module/compat/folio.h"
#include "module/gather.h"
#include "module/symbols.h"

static DEFINE_SPINLOCK(mr_rooms_lock);
static LIST_HEAD(mr_rooms);

/**
 * mr_rooms_init() - allocate memory for a batch for each CPU there can be
 *
 * Return: 0 or -ENOMEM.
 */
int __init mr_rooms_init(void)
{
	unsigned int i;

	for (i = 0; i < num_possible_cpus(); i++) {
		struct mr_room *room = kvmalloc(sizeof(*room), GFP_KERNEL);

		if (!room) {
			mr_rooms_exit();
			return -ENOMEM;
		}
		list_add(&room->node, &mr_rooms);
	}
	return 0;
}

/**
 * mr_rooms_exit() - undo mr_rooms_init()
 */
void mr_rooms_exit(void)
{
	struct mr_room *room, *next;

	list_for_each_entry_safe(room, next, &mr_rooms, node)
		kvfree(room);
	INIT_LIST_HEAD(&mr_rooms);
}

/**
 * mr_room_get() - borrow memory for a batch
 *
 * Return: the memory, or NULL when all of it is in use.
 */
struct mr_room *mr_room_get(void)
{
	struct mr_room *room;

	spin_lock(&mr_rooms_lock);
	room = list_first_entry_or_null(&mr_rooms, struct mr_room, node);
	if (room)
		list_del(&room->node);
	spin_unlock(&mr_rooms_lock);
	return room;
}

/**
 * mr_room_put() - give it back
 * @room: from mr_room_get(), possibly NULL
 */
void mr_room_put(struct mr_room *room)
{
	if (!room)
		return;
	spin_lock(&mr_rooms_lock);
	list_add(&room->node, &mr_rooms);
	spin_unlock(&mr_rooms_lock);
}

/*
 * Take a file folio that nobody uses, locked: not mapped, without a reference but
 * those of the page cache and ours, clean, and not under writeback.
 *
 * The order is that of the kernel's own removal: whoever has a reference may make
 * the folio dirty and drop it, so the references are looked at before the dirty
 * bit.  A reference that comes later is one of the page cache's readers: to write
 * or to map, they need the lock, and see then that it has been removed.
 */
static bool mr_folio_claim(struct folio *folio)
{
	struct address_space *mapping;

	if (folio_test_dirty(folio) || folio_test_writeback(folio))
		return false;
	if (!folio_trylock(folio))
		return false;

	/* Stable under the lock; NULL when it was truncated meanwhile. */
	mapping = folio->mapping;
	if (!mapping || mapping_unevictable(mapping) ||
	    folio_test_swapbacked(folio))
		goto unlock;
	if (folio_ref_count(folio) >
	    folio_nr_pages(folio) + folio_has_private(folio) + 1)
		goto unlock;
	if (folio_has_private(folio) && !filemap_release_folio(folio, 0))
		goto unlock;
	if (folio_ref_count(folio) != folio_nr_pages(folio) + 1)
		goto unlock;
	/* Pairs with the barrier of whoever drops a reference after writing. */
	smp_rmb();
	if (!folio_test_dirty(folio) && !folio_test_writeback(folio))
		return true;
unlock:
	folio_unlock(folio);
	return false;
}

/* Drop locked folios of one file from the page cache; returns the pages. */
static u64 mr_folios_drop(struct folio_batch *fbatch)
{
	u64 pages = 0;
	unsigned int i;

	if (!folio_batch_count(fbatch))
		return 0;
	mr_call(delete_from_page_cache_batch)(fbatch->folios[0]->mapping,
					      mr_compat_folio_batch(fbatch));
	for (i = 0; i < folio_batch_count(fbatch); i++) {
		pages += folio_nr_pages(fbatch->folios[i]);
		folio_unlock(fbatch->folios[i]);
	}
	folio_batch_init(fbatch);
	return pages;
}

/* The batch must be of one file, and in ascending order. */
static bool mr_folio_follows(struct folio *folio, struct folio_batch *fbatch)
{
	struct folio *last;

	if (!folio_batch_count(fbatch))
		return true;
	last = fbatch->folios[folio_batch_count(fbatch) - 1];
	return folio->mapping == last->mapping && folio->index > last->index;
}

/**
 * mr_batch_flush() - what has become of the folios since they were zapped?
 * @batch: empty afterwards; its tally has grown
 *
 * Process context; may sleep in the ->release_folio() of a file system, which is
 * told not to wait.
 */
void mr_batch_flush(struct mr_batch *batch)
{
	struct folio_batch fbatch;
	unsigned int i, files = 0;

	folio_batch_init(&fbatch);
	for (i = 0; i < batch->nr; i++) {
		struct folio *folio = batch->folios[i];

		if (folio_test_anon(folio)) {
			/* The last one of several entries frees it. */
			if (folio_ref_count(folio) > 1)
				batch->tally->kept += batch->pages[i];
			folio_put(folio);
			continue;
		}
		batch->folios[files++] = folio;
		if (!mr_folio_claim(folio))
			continue;
		if (!mr_folio_follows(folio, &fbatch))
			batch->tally->evicted += mr_folios_drop(&fbatch);
		if (!folio_batch_add(&fbatch, folio))
			batch->tally->evicted += mr_folios_drop(&fbatch);
	}
	batch->tally->evicted += mr_folios_drop(&fbatch);
	/* In bulk: one LRU lock for many. */
	release_pages((struct page **)batch->folios, files);
	batch->nr = 0;
}

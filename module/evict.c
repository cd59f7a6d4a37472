// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking again at the folios that were remembered before the zap: which
 * anonymous ones are still in use, and which file folios can be dropped.
 *
 * The batches are allocated when the module is loaded: releases happen when
 * there is no memory.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

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
 * Drop a file folio from the page cache if nobody uses it: it is unmapped, clean,
 * not under writeback, and has no reference but those of the page cache, of its
 * private data and ours.  The kernel function tests all of that again under the
 * locks that make it final, so nothing is ever lost; here the hopeless are spared
 * the lock.  Returns the number of pages dropped.
 */
static unsigned int mr_folio_evict(struct folio *folio)
{
	struct address_space *mapping;
	unsigned int pages = 0;

	if (folio_test_dirty(folio) || folio_test_writeback(folio) ||
	    folio_mapped(folio))
		return 0;
	if (!folio_trylock(folio))
		return 0;
	/* Stable under the lock; NULL when it was truncated meanwhile. */
	mapping = folio->mapping;
	if (mapping && !mapping_unevictable(mapping) &&
	    mr_call(mapping_evict_folio)(mapping, folio))
		pages = folio_nr_pages(folio);
	folio_unlock(folio);
	return pages;
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
	unsigned int i, files = 0;

	for (i = 0; i < batch->nr; i++) {
		struct folio *folio = batch->folios[i];

		if (folio_test_anon(folio)) {
			/* The last one of several entries frees it. */
			if (folio_ref_count(folio) > 1)
				batch->tally->kept += batch->pages[i];
			folio_put(folio);
			continue;
		}
		batch->tally->evicted += mr_folio_evict(folio);
		batch->folios[files++] = folio;
	}
	/* In bulk: one LRU lock for many. */
	release_pages((struct page **)batch->folios, files);
	batch->nr = 0;
}

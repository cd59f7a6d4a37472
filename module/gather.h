/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at pages before they are unmapped, and again afterwards.
 */
#ifndef _MR_GATHER_H
#define _MR_GATHER_H

#include <linux/mm_types.h>

#include "module/account.h"
#include "module/spare.h"

/* Folios that are looked at together, in memory that was set aside. */
#define MR_BATCH_MAX	1024

/* The same on the stack, when all that memory is in use. */
#define MR_BATCH_SMALL	16

/*
 * struct mr_batch - folios with one reference each, taken by mr_gather()
 * @nr: how many
 * @max: how many there is room for
 * @tally: what mr_batch_flush() found
 * @folios: the folios
 * @pages: how many of its pages the victim had mapped
 */
struct mr_batch {
	unsigned int nr;
	unsigned int max;
	struct mr_tally *tally;
	struct folio **folios;
	unsigned int *pages;
};

/*
 * struct mr_room - memory for what one caller has to remember
 * @node: in the pool
 * @folios: of a batch
 * @pages: of a batch
 * @spares: ranges to be spared
 */
struct mr_room {
	struct list_head node;
	struct folio *folios[MR_BATCH_MAX];
	unsigned int pages[MR_BATCH_MAX];
	struct mr_piece spares[MR_SPARE_MAX];
};

int mr_rooms_init(void);
void mr_rooms_exit(void);
struct mr_room *mr_room_get(void);
void mr_room_put(struct mr_room *room);

unsigned long mr_gather(struct mr_batch *batch, struct vm_area_struct *vma,
			unsigned long start, unsigned long end, bool evict,
			bool *mapped);
void mr_batch_flush(struct mr_batch *batch);

#endif /* _MR_GATHER_H */

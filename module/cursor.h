/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dividing an address space into pieces.  Pure: also compiled for user space by
 * the unit tests.
 *
 * Pieces are handed out from the top down: a dying process frees its memory
 * from the bottom up, so the two meet in the middle instead of fighting for the
 * same page tables.  A piece never crosses a multiple of MR_PIECE_SIZE, which is
 * a multiple of what a page-table page of the second level spans, so no huge
 * page is ever cut.
 */
#ifndef _MR_CURSOR_H
#define _MR_CURSOR_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

#define MR_PIECE_SIZE	(8UL << 20)

/* A range of addresses, empty when both are equal. */
struct mr_piece {
	unsigned long start;
	unsigned long end;
};

/*
 * struct mr_cursor - how far the address space has been handed out
 * @pos: everything at and above has been
 */
struct mr_cursor {
	unsigned long pos;
};

static inline void mr_cursor_init(struct mr_cursor *cursor)
{
	cursor->pos = ~0UL;
}

/*
 * Take the next piece, whose top lies in a VMA that ends at @vm_end, the
 * highest one that begins below cursor->pos.  A piece may reach below that VMA
 * into others.
 */
static inline void mr_cursor_take(struct mr_cursor *cursor,
				  unsigned long vm_end, struct mr_piece *piece)
{
	piece->end = vm_end < cursor->pos ? vm_end : cursor->pos;
	piece->start = (piece->end - 1) & ~(MR_PIECE_SIZE - 1);
	cursor->pos = piece->start;
}

static inline bool mr_piece_empty(const struct mr_piece *piece)
{
	return piece->start == piece->end;
}

#endif /* _MR_CURSOR_H */

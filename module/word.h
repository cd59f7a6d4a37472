/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading single words of an address space as it is: nothing is faulted in.
 */
#ifndef _MR_WORD_H
#define _MR_WORD_H

#include <linux/mm_types.h>

#include "module/cursor.h"

/*
 * enum mr_found - what there is at an address
 * @MR_FOUND_NOTHING: nothing, or nothing that was ever written to
 * @MR_FOUND_WORD: the word
 * @MR_FOUND_AWAY: something that cannot be read now: swapped out, on its way to
 *	elsewhere, or page cache that is not mapped
 */
enum mr_found {
	MR_FOUND_NOTHING,
	MR_FOUND_WORD,
	MR_FOUND_AWAY,
};

/*
 * struct mr_word - a word and where it stands
 * @value: valid when it was found
 * @page: the page that it is in, or the huge page
 * @shared: in a shared mapping
 * @swapped: it is away, and a fault would bring it back: swapped out, most likely
 */
struct mr_word {
	unsigned long value;
	struct mr_piece page;
	bool shared;
	bool swapped;
};

enum mr_found mr_word_find(struct mm_struct *mm, unsigned long addr,
			   unsigned int size, struct mr_word *word);

#endif /* _MR_WORD_H */

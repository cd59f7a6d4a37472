/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of an address space that are not to be unmapped yet.  Pure: also
 * compiled for user space by the unit tests.
 */
#ifndef _MR_SPARE_H
#define _MR_SPARE_H

#include "module/cursor.h"

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

/* Ranges that can be spared, in memory that was set aside. */
#define MR_SPARE_MAX	256

/* The same on the stack, when all that memory is in use. */
#define MR_SPARE_SMALL	16

/*
 * struct mr_spare - a set of ranges
 * @nr: how many
 * @max: how many there is room for
 * @ranges: in ascending order, neither overlapping nor touching each other
 * @away: an address whose page has to be there to say what belongs to the set; 0 when
 *	there is none
 */
struct mr_spare {
	unsigned int nr;
	unsigned int max;
	struct mr_piece *ranges;
	unsigned long away;
};

/* Index of the first range that ends at or above @addr. */
static inline unsigned int mr_spare_index(const struct mr_spare *spare,
					  unsigned long addr)
{
	unsigned int low = 0, high = spare->nr;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (spare->ranges[middle].end < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Add a range, which is not empty.  False when there is no room for it. */
static inline bool mr_spare_add(struct mr_spare *spare,
				const struct mr_piece *range)
{
	unsigned int i = mr_spare_index(spare, range->start);
	struct mr_piece *ranges = spare->ranges;
	unsigned int next = i;
	struct mr_piece sum = *range;

	/* Those from i up to next become one with it. */
	while (next < spare->nr && ranges[next].start <= sum.end) {
		if (ranges[next].start < sum.start)
			sum.start = ranges[next].start;
		if (ranges[next].end > sum.end)
			sum.end = ranges[next].end;
		next++;
	}
	if (next == i && spare->nr == spare->max)
		return false;
	memmove(&ranges[i + 1], &ranges[next],
		(spare->nr - next) * sizeof(*ranges));
	ranges[i] = sum;
	spare->nr += 1 + i - next;
	return true;
}

/* The lowest range with a part in [@start,@end), or NULL. */
static inline const struct mr_piece *
mr_spare_find(const struct mr_spare *spare, unsigned long start,
	      unsigned long end)
{
	unsigned int i = mr_spare_index(spare, start + 1);

	if (i == spare->nr || spare->ranges[i].start >= end)
		return NULL;
	return &spare->ranges[i];
}

#endif /* _MR_SPARE_H */

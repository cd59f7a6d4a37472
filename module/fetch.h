/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking for a page that is swapped out.
 */
#ifndef _MR_FETCH_H
#define _MR_FETCH_H

#include <linux/mm_types.h>

int mr_fetch_init(void);
void mr_fetch_exit(void);

void mr_fetch_page(struct mm_struct *mm, unsigned long addr);

#endif /* _MR_FETCH_H */

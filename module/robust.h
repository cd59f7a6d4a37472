/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The robust futexes of a victim, which its exit has to find.
 */
#ifndef _MR_ROBUST_H
#define _MR_ROBUST_H

#include <linux/mm_types.h>

#include "module/spare.h"

bool mr_robust_find(struct mm_struct *mm, struct task_struct *task,
		    unsigned int pins, bool shared, struct mr_spare *spare);

#endif /* _MR_ROBUST_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling the kernel's OOM killer that memory is on its way.
 */
#ifndef _MR_OOM_H
#define _MR_OOM_H

#include <linux/types.h>

int mr_oom_init(void);
void mr_oom_exit(void);

bool mr_oom_wanted(void);
void mr_oom_begin(void);
void mr_oom_progress(unsigned long pages);
void mr_oom_end(void);

#endif /* _MR_OOM_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects that become victims.
 */
#ifndef _MR_POOL_H
#define _MR_POOL_H

#include <linux/workqueue.h>

int mr_pool_init(work_func_t put);
void mr_pool_exit(void);

#endif /* _MR_POOL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of all calls since the module was loaded, and how long they took.
 */
#ifndef _MR_STATS_H
#define _MR_STATS_H

#include <linux/sysfs.h>

#include "module/report.h"

struct mr_request;

const struct attribute_group **mr_stats_groups(void);
void mr_stats_end(const struct mr_request *rq, int error, u64 ns);
void mr_stats_refused(enum mr_refused reason);

#endif /* _MR_STATS_H */

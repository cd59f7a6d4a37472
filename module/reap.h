/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unmapping what a victim had.
 */
#ifndef _MR_REAP_H
#define _MR_REAP_H

#include "module/request.h"
#include "module/victim.h"

int mr_reap(struct mr_victim *victim, struct mr_request *rq,
	    struct mr_yield *yield);

#endif /* _MR_REAP_H */

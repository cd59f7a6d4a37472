/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pass: several callers going over one address space together.
 */
#ifndef _MR_PASS_H
#define _MR_PASS_H

#include "module/request.h"
#include "module/victim.h"

/*
 * enum mr_claim - what mr_pass_claim() found
 * @MR_CLAIM_PIECE: there is work in worker->piece
 * @MR_CLAIM_DRAIN: nothing to hand out: drain this CPU's lists of free pages, and
 *	claim again
 * @MR_CLAIM_WAIT: nothing to hand out, but other workers are still busy
 * @MR_CLAIM_CLOSED: the pass is complete
 */
enum mr_claim {
	MR_CLAIM_PIECE,
	MR_CLAIM_DRAIN,
	MR_CLAIM_WAIT,
	MR_CLAIM_CLOSED,
};

int mr_pass_join(struct mr_victim *victim, struct mr_worker *worker,
		 struct mr_request *rq);
enum mr_claim mr_pass_claim(struct mr_victim *victim, struct mr_worker *worker,
			    bool rescue);
void mr_pass_abandon(struct mr_victim *victim, u32 reason);
int mr_pass_wait(struct mr_victim *victim, struct mr_worker *worker,
		 struct mr_request *rq);
void mr_pass_leave(struct mr_victim *victim, struct mr_worker *worker,
		   const struct mr_request *rq, struct mr_yield *yield);

#endif /* _MR_PASS_H */

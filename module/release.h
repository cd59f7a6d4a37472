/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages of a release, for calls with more than one victim:
 *
 *	find - begin - settle - reap - account - drop
 */
#ifndef _MR_RELEASE_H
#define _MR_RELEASE_H

#include "module/request.h"
#include "module/victim.h"

/* HUGETLB implies it: only the teardown gives huge pages back to their pool. */
static inline bool mr_release_tears_down(const struct mr_request *rq)
{
	return rq->flags & (MRELEASE_TEARDOWN | MRELEASE_HUGETLB);
}

int mr_release_find(struct mr_request *rq);
int mr_release_settle(struct mr_request *rq, struct mr_victim **victim,
		      struct mr_victim **other);
int mr_release_reap(struct mr_request *rq, struct mr_victim *victim,
		    struct mr_yield *yield);
int mr_release_finish(struct mr_request *rq, struct mr_victim *victim);
void mr_release_account(struct mr_request *rq, struct mr_yield *yield);
void mr_release_untouched(struct mr_request *rq, struct mr_victim *victim,
			  u32 reason);
void mr_release_drop(struct mr_request *rq);

/* begin.c */
struct mr_victim *mr_release_pin(struct mr_request *rq,
				 const struct mr_victim *known);
int mr_release_begin(struct mr_request *rq, struct mr_victim **victim);
void mr_release_unpinned(struct mr_request *rq);

/* look.c */
int mr_look(struct mr_request *rq, struct mr_victim *victim);
int mr_look_acceptable(struct mr_request *rq, struct mr_victim *victim);

/* last.c */
int mr_last_release(struct mr_request *rq);

#endif /* _MR_RELEASE_H */

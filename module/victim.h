/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Victims: address spaces that are being released, one object for each, shared
 * by all callers that release it.
 */
#ifndef _MR_VICTIM_H
#define _MR_VICTIM_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "module/account.h"
#include "module/cursor.h"

struct mr_request;

/*
 * struct mr_worker - one caller's part in a pass; lives on its stack
 * @node: in mr_pass.workers; empty once the pass has been closed
 * @piece: what it is zapping, empty between pieces
 * @late: @piece is one of what was put off
 * @late_seen: something in @piece was put off
 * @reasons: MRELEASE_LEFT_* met in @piece
 * @rescued: another worker does @piece as well
 * @closed: the pass is complete and @result is its result
 * @rq: the call
 * @result: valid when @closed
 *
 * All under mr_victim.lock, but for @late, @late_seen and @reasons, which belong
 * to the worker while it has a piece.
 */
struct mr_worker {
	struct list_head node;
	struct mr_piece piece;
	bool late;
	bool late_seen;
	u32 reasons;
	bool rescued;
	bool closed;
	const struct mr_request *rq;
	struct mrelease_result result;
};

/*
 * struct mr_pass - one way over the address space
 * @running: begun and not closed
 * @complete: closed, and @result is its result
 * @late: hand out what was put off: private copies of file pages
 * @late_seen: there is something that was put off
 * @joined: more than one caller took part
 * @flags: of all who take part
 * @reasons: MRELEASE_LEFT_* met on the way
 * @cursor: what has been handed out
 * @before: the counters when it began
 * @workers: those who take part now
 * @result: valid when @complete
 *
 * All under mr_victim.lock.
 */
struct mr_pass {
	bool running;
	bool complete;
	bool late;
	bool late_seen;
	bool joined;
	u32 flags;
	u32 reasons;
	struct mr_cursor cursor;
	struct mr_counts before;
	struct list_head workers;
	struct mrelease_result result;
};

/*
 * struct mr_victim - a pinned address space
 * @mm: one mm_count is held
 * @users: one mm_users is held as well; set once, by whoever needs it first
 * @refs: callers, under the lock of the table
 * @node: in the table or in the list of free objects, under the lock of the table
 * @lock: protects @pass and all its workers; taken inside the mmap lock
 * @wait: for a pass to close, a piece to end, a worker to leave
 * @pass: the way over the address space that is under way, or was last
 * @put: the last put of mm_users, when it falls to us
 */
struct mr_victim {
	struct mm_struct *mm;
	bool users;
	unsigned int refs;
	struct list_head node;
	spinlock_t lock;
	wait_queue_head_t wait;
	struct mr_pass pass;
	struct work_struct put;
};

int mr_victims_init(void);
void mr_victims_exit(void);

struct mr_victim *mr_victim_alloc(void);
void mr_victim_free(struct mr_victim *victim);
struct mr_victim *mr_victim_join(struct mr_victim **fresh, struct mm_struct *mm,
				 bool users);
void mr_victim_put(struct mr_victim *victim);

#endif /* _MR_VICTIM_H */

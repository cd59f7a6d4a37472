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
struct mr_victim;

/*
 * struct mr_reserve - an object that is kept for one user, who will find it free
 * @victim: the object
 * @lent: it is in use
 *
 * Under the lock of the free objects.
 */
struct mr_reserve {
	struct mr_victim *victim;
	bool lent;
};

/*
 * struct mr_worker - one caller's part in a pass; lives on its stack
 * @node: in mr_pass.workers; empty once the pass has been closed
 * @piece: what it is zapping, empty between pieces
 * @late: @piece is one of what was put off
 * @late_seen: something in @piece was put off
 * @tally: what was met in @piece
 * @undrained: has freed pages since it last drained the lists of its CPU
 * @rescued: another worker does @piece as well
 * @closed: the pass is complete and @yield is what it gave
 * @rq: the call
 * @yield: valid when @closed
 *
 * All under mr_victim.lock, but for @late, @late_seen and @tally, which belong
 * to the worker while it has a piece, and @undrained, which always does.
 */
struct mr_worker {
	struct list_head node;
	struct mr_piece piece;
	bool late;
	bool late_seen;
	struct mr_tally tally;
	bool undrained;
	bool rescued;
	bool closed;
	const struct mr_request *rq;
	struct mr_yield yield;
};

/*
 * struct mr_pass - one way over the address space
 * @running: begun and not closed
 * @complete: closed, and @yield is what it gave
 * @late: hand out what was put off: private copies of file pages
 * @late_seen: there is something that was put off
 * @joined: more than one caller took part
 * @flags: of all who take part
 * @cursor: what has been handed out
 * @workers: those who take part now
 * @yield: what it has given so far
 * @reported: pages freed that the OOM killer has been told of
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
	struct mr_cursor cursor;
	struct list_head workers;
	struct mr_yield yield;
	s64 reported;
};

/*
 * struct mr_victim - a pinned address space
 * @mm: one mm_count is held
 * @users: one mm_users is held as well; set once, by whoever needs it first
 * @refs: callers, under the lock of the table
 * @waiters: callers that dropped their reference and wait for @gone, likewise
 * @gone: the address space is torn down, likewise
 * @node: in the table, likewise; or in the list of free objects, under its own lock
 * @reserve: to whom the object goes back, under that lock; NULL when nobody wants it
 * @single: not one of those that all callers share: kept for a reserve
 * @lock: protects @pass and all its workers; taken inside the mmap lock
 * @wait: for a pass to close, a piece to end, a worker to leave
 * @pass: the way over the address space that is under way, or was last
 * @put: the last put of mm_users, when it falls to us
 */
struct mr_victim {
	struct mm_struct *mm;
	bool users;
	unsigned int refs;
	unsigned int waiters;
	bool gone;
	struct list_head node;
	struct mr_reserve *reserve;
	bool single;
	spinlock_t lock;	/* the pass and its workers */
	wait_queue_head_t wait;
	struct mr_pass pass;
	struct work_struct put;
};

/* How many of mm_users are the module's own, at least. */
static inline unsigned int mr_victim_pins(const struct mr_victim *victim)
{
	/* Before the count is read: mr_victim_join(). */
	return smp_load_acquire(&victim->users);
}

int mr_victims_init(void);
void mr_victims_exit(void);

struct mr_victim *mr_victim_join(struct mr_victim **fresh, struct mm_struct *mm,
				 bool users);
struct mr_victim *mr_victim_adopt(struct mr_victim **fresh,
				  struct mm_struct *mm);
void mr_victim_put(struct mr_victim *victim);
int mr_victim_let_go(struct mr_victim *victim, struct mr_request *rq);
int mr_victim_see_off(struct mr_victim *victim, struct mr_request *rq,
		      struct mr_yield *yield);

/* pool.c */
int mr_reserve_init(struct mr_reserve *reserve);
void mr_reserve_exit(struct mr_reserve *reserve);
struct mr_victim *mr_victim_alloc(struct mr_reserve *reserve);
void mr_victim_free(struct mr_victim *victim);
int mr_victim_wait(struct mr_request *rq);

#endif /* _MR_VICTIM_H */

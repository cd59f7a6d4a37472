// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several callers going over one address space together, see pass.h.
 *
 * Callers with the same flags take pieces until none is left, and all return the
 * totals of the whole; those with other flags wait and make a pass of their own.
 * Nobody depends on the others: a worker that was killed finishes its piece and
 * leaves, and one that does not get on (on a CPU that it does not get, say) has
 * its piece done again by another, which is harmless since what is unmapped is
 * unmapped, and right in the numbers since these come from the counters of the
 * address space and not from what each worker did.
 */
#include "module/compat/mm.h"
#include "module/compat/pgtable.h"
#include "module/counts.h"
#include "module/oom.h"
#include "module/pass.h"

/* How long a piece may take before another worker does it too. */
#define MR_RESCUE_DELAY		((long)msecs_to_jiffies(10))

/* What the pass has given so far.  Under victim->lock; nothing here sleeps. */
static void mr_pass_yield(struct mr_victim *victim, const struct mr_request *rq,
			  struct mr_yield *yield)
{
	struct mr_pass *pass = &victim->pass;

	*yield = pass->yield;
	mr_counts_read(&yield->after, victim->mm, rq->task);
	if (pass->joined)
		yield->notes |= MRELEASE_NOTE_JOINED;
}

/*
 * Close the pass and tell everybody in it, so that the next one can begin
 * without waiting for them to wake up.  Under victim->lock.
 */
static void mr_pass_close(struct mr_victim *victim, const struct mr_request *rq)
{
	struct mr_pass *pass = &victim->pass;
	struct mr_worker *worker, *next;

	mr_pass_yield(victim, rq, &pass->yield);
	pass->running = false;
	pass->complete = true;

	list_for_each_entry_safe(worker, next, &pass->workers, node) {
		list_del_init(&worker->node);
		worker->closed = true;
		worker->yield = pass->yield;
		worker->yield.again = worker->rq != rq;
	}
	wake_up_all(&victim->wait);
}

/* Somebody goes over this address space with other flags.  Under victim->lock. */
static bool mr_pass_occupied(const struct mr_victim *victim, u32 flags)
{
	const struct mr_pass *pass = &victim->pass;

	return pass->running && pass->flags != flags &&
	       !list_empty(&pass->workers);
}

static bool mr_pass_free(struct mr_victim *victim, u32 flags)
{
	bool ret;

	spin_lock(&victim->lock);
	ret = !mr_pass_occupied(victim, flags);
	spin_unlock(&victim->lock);
	return ret;
}

/**
 * mr_pass_join() - take part in the pass with these flags, or begin it
 * @victim: a reference is held
 * @worker: to be set up
 * @rq: the call
 *
 * Process context, no lock held.
 *
 * Return: 0, then mr_pass_leave() must follow; -EINTR, -ETIMEDOUT or, for an eager
 * call, -EAGAIN when a pass with other flags was still under way.
 */
int mr_pass_join(struct mr_victim *victim, struct mr_worker *worker,
		 struct mr_request *rq)
{
	struct mr_pass *pass = &victim->pass;
	long left;
	int ret;

	memset(worker, 0, sizeof(*worker));
	INIT_LIST_HEAD(&worker->node);
	worker->rq = rq;

	spin_lock(&victim->lock);
	while (mr_pass_occupied(victim, rq->flags)) {
		spin_unlock(&victim->lock);
		if (rq->eager)
			return -EAGAIN;
		left = wait_event_killable_timeout(victim->wait,
						   mr_pass_free(victim, rq->flags),
						   mr_request_nap(rq));
		ret = left > 0 ? 0 : mr_request_rest(rq);
		if (ret)
			return ret;
		spin_lock(&victim->lock);
	}

	if (pass->complete && pass->flags == rq->flags) {
		/* Too late to help, but what it gave is what there was to give. */
		worker->closed = true;
		worker->yield = pass->yield;
		worker->yield.notes |= MRELEASE_NOTE_JOINED;
		worker->yield.again = true;
	} else {
		if (!pass->running || pass->flags != rq->flags) {
			pass->running = true;
			pass->complete = false;
			pass->late = false;
			pass->late_seen = false;
			pass->joined = false;
			pass->flags = rq->flags;
			pass->reported = 0;
			memset(&pass->yield, 0, sizeof(pass->yield));
			/* What the victim's own exit unmaps, nobody looks at. */
			pass->yield.tally.blind = !victim->users;
			mr_cursor_init(&pass->cursor);
			mr_counts_read(&pass->yield.before, victim->mm,
				       rq->task);
		}
		if (!list_empty(&pass->workers))
			pass->joined = true;
		list_add_tail(&worker->node, &pass->workers);
	}
	spin_unlock(&victim->lock);
	return 0;
}

/*
 * Report what this pass has freed since it was last reported: anonymous pages without
 * other users, and what was evicted.  Under victim->lock.
 */
static void mr_pass_report(struct mr_victim *victim, const struct mr_request *rq)
{
	struct mr_pass *pass = &victim->pass;
	struct mr_counts now;
	s64 freed;

	mr_counts_read(&now, victim->mm, rq->task);
	freed = pass->yield.before.anon - now.anon - (s64)pass->yield.tally.kept +
		(s64)pass->yield.tally.evicted;
	if (freed <= pass->reported)
		return;
	mr_oom_progress(freed - pass->reported);
	pass->reported = freed;
}

/* Account for the piece that the worker has just done.  Under victim->lock. */
static void mr_pass_finish(struct mr_victim *victim, struct mr_worker *worker)
{
	struct mr_pass *pass = &victim->pass;

	/* One whose pass was closed without it has nothing to add any more. */
	if (!worker->closed) {
		mr_tally_add(&pass->yield.tally, &worker->tally);
		pass->late_seen |= worker->late_seen;
		if (mr_oom_wanted())
			mr_pass_report(victim, worker->rq);
	}
	worker->piece.start = 0;
	worker->piece.end = 0;
	worker->rescued = false;
	memset(&worker->tally, 0, sizeof(worker->tally));
	worker->late_seen = false;
	wake_up_all(&victim->wait);
}

/*
 * The highest VMA below what has been handed out, and the cursor in it, below
 * whatever has no page tables: the price of a reservation must not be its size, nor
 * that of VMAs that nobody has used their number.  Under victim->lock and mmap lock.
 */
static struct vm_area_struct *mr_pass_vma(struct mr_victim *victim)
{
	struct mr_cursor *cursor = &victim->pass.cursor;
	struct vm_area_struct *vma;
	unsigned long floor;

	while ((vma = mr_compat_vma_below(victim->mm, cursor->pos))) {
		cursor->pos = min(cursor->pos, vma->vm_end);
		do {
			floor = mr_compat_tables_floor(vma, cursor->pos - 1);
			if (floor == cursor->pos)
				return vma;
			cursor->pos = floor;
		} while (cursor->pos > vma->vm_start);
	}
	return NULL;
}

/* The next piece that nobody has had.  Under victim->lock and mmap lock. */
static bool mr_pass_next(struct mr_victim *victim, struct mr_piece *piece)
{
	struct mr_pass *pass = &victim->pass;
	struct vm_area_struct *vma;

	vma = mr_pass_vma(victim);
	if (!vma && !pass->late && pass->late_seen) {
		pass->late = true;
		mr_cursor_init(&pass->cursor);
		vma = mr_pass_vma(victim);
	}
	if (!vma)
		return false;
	mr_cursor_take(&pass->cursor, vma->vm_end, piece);
	return true;
}

/* Somebody whose piece is not done, and is not done by another either. */
static struct mr_worker *mr_pass_straggler(struct mr_victim *victim)
{
	struct mr_worker *worker;

	list_for_each_entry(worker, &victim->pass.workers, node)
		if (!mr_piece_empty(&worker->piece) && !worker->rescued)
			return worker;
	return NULL;
}

/**
 * mr_pass_claim() - hand in a piece and take the next
 * @victim: its mmap lock is held for reading
 * @worker: has joined; worker->piece is done, or empty
 * @rescue: do the piece of another worker again, when no other is left
 *
 * The last piece is handed in when the worker has drained its CPU's lists: all who take
 * part return as soon as all pieces are done, and want to see in MemFree what these gave.
 *
 * Return: see enum mr_claim.
 */
enum mr_claim mr_pass_claim(struct mr_victim *victim, struct mr_worker *worker,
			    bool rescue)
{
	struct mr_pass *pass = &victim->pass;
	enum mr_claim ret = MR_CLAIM_PIECE;
	struct mr_piece next = {};
	struct mr_worker *other;

	spin_lock(&victim->lock);
	if (!worker->closed) {
		/* What was put off there is there to be had now. */
		pass->late_seen |= worker->late_seen;
		if (!mr_pass_next(victim, &next) && worker->undrained) {
			worker->undrained = false;
			spin_unlock(&victim->lock);
			return MR_CLAIM_DRAIN;
		}
	}
	if (!mr_piece_empty(&worker->piece))
		mr_pass_finish(victim, worker);

	if (worker->closed) {
		ret = MR_CLAIM_CLOSED;
	} else if (!mr_piece_empty(&next)) {
		worker->piece = next;
		worker->late = pass->late;
	} else {
		other = mr_pass_straggler(victim);
		if (!other) {
			mr_pass_close(victim, worker->rq);
			ret = MR_CLAIM_CLOSED;
		} else if (rescue) {
			other->rescued = true;
			worker->piece = other->piece;
			worker->late = other->late;
		} else {
			ret = MR_CLAIM_WAIT;
		}
	}
	spin_unlock(&victim->lock);
	return ret;
}

/**
 * mr_pass_abandon() - there is nothing more to be had from this address space
 * @victim: a pass is under way
 * @reason: MRELEASE_LEFT_*
 *
 * The next mr_pass_claim() finds no piece; it may be called without the mmap
 * lock then.
 */
void mr_pass_abandon(struct mr_victim *victim, u32 reason)
{
	spin_lock(&victim->lock);
	victim->pass.yield.tally.reasons |= reason;
	victim->pass.late = true;
	victim->pass.cursor.pos = 0;
	spin_unlock(&victim->lock);
}

static bool mr_pass_idle(struct mr_victim *victim, struct mr_worker *worker)
{
	bool ret;

	spin_lock(&victim->lock);
	ret = worker->closed || !mr_pass_straggler(victim);
	spin_unlock(&victim->lock);
	return ret;
}

/**
 * mr_pass_wait() - give the others a moment to finish their pieces
 * @victim: its mmap lock is not held
 * @worker: got MR_CLAIM_WAIT
 * @rq: the call
 *
 * Return: 0, -EINTR or -ETIMEDOUT.
 */
int mr_pass_wait(struct mr_victim *victim, struct mr_worker *worker,
		 struct mr_request *rq)
{
	long delay = min(MR_RESCUE_DELAY, mr_request_jiffies(rq));

	delay = wait_event_killable_timeout(victim->wait,
					    mr_pass_idle(victim, worker), delay);
	return delay > 0 ? 0 : mr_request_check(rq);
}

/**
 * mr_pass_leave() - go, and take along what the pass has given
 * @victim: its mmap lock is not held
 * @worker: has joined
 * @rq: the call
 * @yield: what the pass gave, or has given so far
 */
void mr_pass_leave(struct mr_victim *victim, struct mr_worker *worker,
		   const struct mr_request *rq, struct mr_yield *yield)
{
	spin_lock(&victim->lock);
	if (worker->closed) {
		*yield = worker->yield;
	} else {
		if (!mr_piece_empty(&worker->piece))
			mr_pass_finish(victim, worker);
		mr_pass_yield(victim, rq, yield);
		list_del_init(&worker->node);
		/* Who goes on will be told that, too. */
		yield->again = !list_empty(&victim->pass.workers);
		wake_up_all(&victim->wait);
	}
	spin_unlock(&victim->lock);
}

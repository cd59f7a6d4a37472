// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reaper: unmap everything that a dying process has and its exit would.
 *
 * The rule that all of this rests on is kept by the caller: no live process
 * uses the address space.
 */
#include <linux/hrtimer.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>

#include "module/compat/drain.h"
#include "module/compat/mm.h"
#include "module/counts.h"
#include "module/fetch.h"
#include "module/gather.h"
#include "module/oom.h"
#include "module/pass.h"
#include "module/reap.h"
#include "module/robust.h"
#include "module/symbols.h"

/* How often a caller looks whether the victim's threads have got on. */
#define MR_SPARE_NS	(200 * NSEC_PER_USEC)

/*
 * Why a VMA is not to be touched: MRELEASE_LEFT_*, or 0.  As the kernel's own
 * reaper: hugetlb pages would stay reserved for their VMA, and a pfn mapping has
 * no pages.  Shared mappings hold what outlives the process, and are unmapped on
 * request only.
 */
static u32 mr_vma_refusal(struct vm_area_struct *vma, u32 flags)
{
	if (vma->vm_flags & VM_HUGETLB)
		return MRELEASE_LEFT_HUGETLB;
	if (vma->vm_flags & VM_PFNMAP)
		return MRELEASE_LEFT_PFNMAP;
	if ((vma->vm_flags & VM_LOCKED) && !mr_compat_vma_locked_zappable())
		return MRELEASE_LEFT_LOCKED;
	if ((vma->vm_flags & VM_SHARED) && !vma_is_anonymous(vma) &&
	    !(flags & MRELEASE_SHARED))
		return MRELEASE_LEFT_SHARED_MAP;
	return 0;
}

/*
 * A file mapping with private copies goes last: a thread of the victim that is
 * inside write(2) with such a copy as its source would find the file's original
 * bytes in its place, for the page cache is mapped again without a look at
 * MMF_UNSTABLE.
 */
static bool mr_vma_late(const struct vm_area_struct *vma)
{
	return vma->vm_file && vma->anon_vma;
}

/* Reserved by somebody who has not got round to using it, and guard pages. */
static bool mr_vma_untouched(const struct vm_area_struct *vma)
{
	return !vma->anon_vma && !vma->vm_ops && !vma->vm_file;
}

/* Look at the pages of one VMA, zap them, and see what became of them. */
static void mr_reap_vma(struct vm_area_struct *vma, unsigned long start,
			unsigned long end, bool evict, struct mr_batch *batch)
{
	unsigned long next;
	bool mapped;

	/* Never written to: at most the zero page is there. */
	if (mr_vma_untouched(vma))
		return;

	/* Page cache only, which stays: nothing to be learned from it. */
	if (!evict && !vma->anon_vma) {
		mr_vma_zap(vma, start, end);
		return;
	}

	for (; start < end; start = next) {
		next = mr_gather(batch, vma, start, end, evict, &mapped);
		if (mapped)
			mr_vma_zap(vma, start, next);
		mr_batch_flush(batch);
	}
}

/* The same, but for what is to be spared.  Returns why something was left. */
static u32 mr_reap_around(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, bool evict, struct mr_batch *batch,
			  const struct mr_spare *spare)
{
	const struct mr_piece *keep;
	u32 reasons = 0;

	while (start < end) {
		keep = mr_spare_find(spare, start, end);
		if (!keep) {
			mr_reap_vma(vma, start, end, evict, batch);
			break;
		}
		if (keep->start > start)
			mr_reap_vma(vma, start, keep->start, evict, batch);
		start = keep->end;
		reasons = MRELEASE_LEFT_ROBUST;
	}
	return reasons;
}

/* Reap what is to be reaped in one piece.  The mmap lock is held for reading. */
static void mr_reap_piece(struct mm_struct *mm, struct mr_worker *worker,
			  struct mr_batch *batch, const struct mr_spare *spare)
{
	const struct mr_piece *piece = &worker->piece;
	u32 flags = worker->rq->flags;
	struct mr_compat_vmas vmas;
	struct vm_area_struct *vma;
	u32 refusal;

	batch->tally = &worker->tally;
	mr_compat_vmas_init(&vmas, mm, piece->start);
	while ((vma = mr_compat_vmas_next(&vmas, piece->end))) {
		refusal = mr_vma_refusal(vma, flags);
		if (refusal) {
			/* Each process has one that never holds a page of its own. */
			if (refusal == MRELEASE_LEFT_PFNMAP && !vma->anon_vma)
				continue;
			/* Shared huge pages may have other users; nobody looks. */
			worker->tally.blind |= refusal == MRELEASE_LEFT_HUGETLB &&
					       (vma->vm_flags & VM_SHARED);
			worker->tally.reasons |= refusal;
			continue;
		}
		if (mr_vma_late(vma) != worker->late) {
			worker->late_seen |= !worker->late;
			continue;
		}
		worker->tally.reasons |=
			mr_reap_around(vma, max(vma->vm_start, piece->start),
				       min(vma->vm_end, piece->end),
				       vma->vm_file && (flags & MRELEASE_EVICT),
				       batch, spare);
	}
	worker->undrained = true;
}

/*
 * Take the mmap lock for reading.  Whoever holds it for writing may be the
 * victim itself, asleep for good, so with a deadline it is tried again and again
 * instead of queued for.
 *
 * Without mm_users the address space may be on its way out: MMF_OOM_SKIP, set by
 * exit_mmap() before it takes the lock for writing, says so, and must be looked
 * at each time the lock has been taken.
 *
 * Returns 0 with the lock held; -ESRCH when there is nothing left to walk;
 * -EINTR or -ETIMEDOUT; -EAGAIN when it would have to wait and must not.
 */
static int mr_reap_lock(struct mr_victim *victim, struct mr_request *rq)
{
	struct mm_struct *mm = victim->mm;
	int ret;

	if (rq->eager) {
		if (!mmap_read_trylock(mm))
			return -EAGAIN;
	} else if (rq->deadline == KTIME_MAX) {
		if (mmap_read_lock_killable(mm))
			return mr_request_check(rq) ?: -EINTR;
	} else {
		while (!mmap_read_trylock(mm)) {
			ret = mr_request_check(rq);
			if (ret)
				return ret;
			schedule_timeout_killable(1);
		}
	}

	if (!READ_ONCE(victim->users) &&
	    mr_compat_mm_flag_test(mm, MMF_OOM_SKIP)) {
		mmap_read_unlock(mm);
		return -ESRCH;
	}
	return 0;
}

/* A piece, if there is one; what comes of those before it is in MemFree then. */
static enum mr_claim mr_reap_claim(struct mr_victim *victim,
				   struct mr_worker *worker, bool rescue)
{
	enum mr_claim claim;

	while ((claim = mr_pass_claim(victim, worker, rescue)) ==
	       MR_CLAIM_DRAIN)
		mr_compat_drain();
	return claim;
}

/* Work until there is nothing to claim.  Returns 0, -EINTR, -ETIMEDOUT or -EAGAIN. */
static int mr_reap_pieces(struct mr_victim *victim, struct mr_worker *worker,
			  struct mr_request *rq, struct mr_batch *batch,
			  const struct mr_spare *spare, bool rescue,
			  enum mr_claim *claim)
{
	struct mm_struct *mm = victim->mm;
	int ret;

	ret = mr_reap_lock(victim, rq);
	if (ret == -ESRCH) {
		mr_pass_abandon(victim, MRELEASE_LEFT_EXITING);
		*claim = mr_reap_claim(victim, worker, false);
		return 0;
	}
	if (ret)
		return ret;

	for (;;) {
		*claim = mr_reap_claim(victim, worker, rescue);
		if (*claim != MR_CLAIM_PIECE)
			break;
		mr_reap_piece(mm, worker, batch, spare);

		ret = mr_request_check(rq);
		/* The victim's own exit may be the one who waits for the lock. */
		if (ret || mmap_lock_is_contended(mm))
			break;
		cond_resched();
	}
	mmap_read_unlock(mm);
	return ret;
}

/*
 * Find the pages that the exit of the victim's threads needs for their robust
 * futexes.  Each caller does so for itself: what it finds later is never more.
 * A part that is swapped out is asked for; while the pages cannot be said nothing is
 * unmapped, until the threads are through with their lists.
 *
 * Returns 0, -EINTR, -ETIMEDOUT or -EAGAIN.
 */
static int mr_reap_spare(struct mr_victim *victim, struct mr_request *rq,
			 struct mr_spare *spare)
{
	bool found;
	int ret;

	for (;;) {
		ktime_t pause = ns_to_ktime(MR_SPARE_NS);

		ret = mr_reap_lock(victim, rq);
		/* No thread is left. */
		if (ret == -ESRCH)
			return 0;
		if (ret)
			return ret;
		found = mr_robust_find(victim->mm, rq->task,
				       mr_victim_pins(victim),
				       rq->flags & MRELEASE_SHARED, spare);
		mmap_read_unlock(victim->mm);
		if (found)
			return 0;
		if (spare->away)
			mr_fetch_page(victim->mm, spare->away);
		if (rq->eager)
			return -EAGAIN;

		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout_range(&pause, MR_SPARE_NS, HRTIMER_MODE_REL);
		ret = mr_request_rest(rq);
		if (ret) {
			rq->result->left_reasons |= MRELEASE_LEFT_ROBUST;
			return ret;
		}
	}
}

/* Take part in a pass, or make one. */
static int mr_reap_pass(struct mr_victim *victim, struct mr_request *rq,
			struct mr_batch *batch, const struct mr_spare *spare,
			struct mr_yield *yield)
{
	enum mr_claim claim = MR_CLAIM_PIECE;
	struct mr_worker worker;
	bool rescue = false;
	int ret;

	ret = mr_pass_join(victim, &worker, rq);
	if (ret) {
		mr_counts_untouched(yield, victim->mm, rq->task);
		return ret;
	}
	while (!ret && !worker.closed) {
		ret = mr_reap_pieces(victim, &worker, rq, batch, spare, rescue,
				     &claim);
		if (!ret && claim == MR_CLAIM_WAIT) {
			ret = mr_pass_wait(victim, &worker, rq);
			rescue = true;
		}
	}
	/* Interrupted, or another has done its last piece sooner. */
	if (worker.undrained)
		mr_compat_drain();
	mr_pass_leave(victim, &worker, rq, yield);
	return ret;
}

/**
 * mr_reap() - unmap what a victim had, together with whoever does the same
 * @victim: no live process uses it, and no thread in user mode; a reference is
 *	held
 * @rq: the call
 * @yield: what came back; zeroed by the caller
 *
 * Process context, no lock held.
 *
 * Return: 0, -EINTR or -ETIMEDOUT; @yield is true in each case.  -EAGAIN when the call
 * is eager and would have to wait: to be called again.
 */
int mr_reap(struct mr_victim *victim, struct mr_request *rq,
	    struct mr_yield *yield)
{
	struct mr_piece spares[MR_SPARE_SMALL];
	struct folio *folios[MR_BATCH_SMALL];
	unsigned int pages[MR_BATCH_SMALL];
	struct mr_spare spare = {
		.max = MR_SPARE_SMALL,
		.ranges = spares,
	};
	struct mr_batch batch = {
		.max = MR_BATCH_SMALL,
		.folios = folios,
		.pages = pages,
	};
	u64 moves = current->se.nr_migrations;
	struct mr_room *room;
	int ret;

	/*
	 * A driver that follows this address space may take any time to answer,
	 * and there is no way to ask it without waiting.
	 */
	if (rq->deadline != KTIME_MAX && mm_has_notifiers(victim->mm)) {
		rq->result->left_reasons |= MRELEASE_LEFT_NOTIFIER;
		mr_counts_untouched(yield, victim->mm, rq->task);
		return -ETIMEDOUT;
	}

	mr_oom_begin();
	room = mr_room_get();
	if (room) {
		batch.max = MR_BATCH_MAX;
		batch.folios = room->folios;
		batch.pages = room->pages;
		spare.max = MR_SPARE_MAX;
		spare.ranges = room->spares;
	}
	ret = mr_reap_spare(victim, rq, &spare);
	if (ret) {
		mr_counts_untouched(yield, victim->mm, rq->task);
	} else {
		mr_compat_mm_flag_set(victim->mm, MMF_UNSTABLE);
		ret = mr_reap_pass(victim, rq, &batch, &spare, yield);
		/* What was freed just before a move is on the list of another CPU. */
		if (current->se.nr_migrations != moves)
			mr_compat_drain_all();
	}
	mr_room_put(room);
	mr_oom_end();
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several victims in one call, see crowd.h.
 *
 * All are pinned and killed first, one after the other, which takes no time; so they
 * die together, and none of them can put another in its place.  Then all are
 * released, the largest first, and those that can be at once before those that have to
 * be waited for.  Then they are torn down, if that was asked for: at first every
 * reference is dropped, and then all are waited for, since two callers with the same
 * victims could wait for each other else.
 *
 * There may be more of them than can be in release at once.  Those are killed with the
 * others, and pinned when there is room; what has gone by itself until then is gone.
 */
#include <linux/slab.h>
#include <linux/sort.h>

#include "module/compat/cgroup.h"
#include "module/crowd.h"

/**
 * mr_crowd_alloc() - get memory for a number of victims
 * @crowd: its parameters are set
 * @max: how many
 *
 * Before anything is done: from the first kill on nothing is allocated.
 *
 * Return: 0 or -ENOMEM; mr_crowd_free() must follow.
 */
int mr_crowd_alloc(struct mr_crowd *crowd, unsigned int max)
{
	crowd->max = max;
	if (!max)
		return 0;
	crowd->members = kvcalloc(max, sizeof(*crowd->members),
				  GFP_KERNEL_ACCOUNT);
	crowd->order = kvcalloc(max, sizeof(*crowd->order), GFP_KERNEL_ACCOUNT);
	return crowd->members && crowd->order ? 0 : -ENOMEM;
}

/**
 * mr_crowd_free() - give back what a crowd holds
 * @crowd: no member has a victim any more
 */
void mr_crowd_free(struct mr_crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < crowd->nr; i++)
		mr_release_drop(&crowd->members[i].rq);
	kvfree(crowd->members);
	kvfree(crowd->order);
}

/**
 * mr_crowd_add() - one more
 * @crowd: the crowd
 *
 * Return: the member, with its call set up but for the process; NULL when there is no
 * more room.
 */
struct mr_member *mr_crowd_add(struct mr_crowd *crowd)
{
	struct mr_member *member;

	if (crowd->nr == crowd->max)
		return NULL;
	member = &crowd->members[crowd->nr++];
	member->rq.flags = crowd->flags;
	member->rq.start = crowd->start;
	member->rq.deadline = crowd->deadline;
	member->rq.crowd = crowd;
	member->rq.result = &member->result;
	return member;
}

/**
 * mr_crowd_remove() - take the last one back
 * @crowd: the crowd
 */
void mr_crowd_remove(struct mr_crowd *crowd)
{
	struct mr_member *member = &crowd->members[--crowd->nr];

	mr_release_drop(&member->rq);
	memset(member, 0, sizeof(*member));
}

/**
 * mr_crowd_has() - is this process going to be killed by the same call?
 * @crowd: all of its members have been found
 * @task: any thread of the process; under RCU
 *
 * Return: true if it is one of them.
 */
bool mr_crowd_has(const struct mr_crowd *crowd, struct task_struct *task)
{
	unsigned int i;

	if (!(crowd->flags & MRELEASE_KILL))
		return false;
	if (crowd->cgrp)
		return mr_compat_cgroup_has(crowd->cgrp, task);
	for (i = 0; i < crowd->nr; i++)
		if (crowd->members[i].rq.pid &&
		    same_thread_group(crowd->members[i].rq.task, task))
			return true;
	return false;
}

static int mr_member_compare_pids(const void *a, const void *b)
{
	const struct mr_member *x = *(struct mr_member * const *)a;
	const struct mr_member *y = *(struct mr_member * const *)b;

	if (x->rq.pid != y->rq.pid)
		return x->rq.pid < y->rq.pid ? -1 : 1;
	return x < y ? -1 : x > y;
}

/**
 * mr_crowd_twins() - find out who was named more than once
 * @crowd: all of its members have been found
 */
void mr_crowd_twins(struct mr_crowd *crowd)
{
	struct mr_member *first = NULL;
	unsigned int i;

	for (i = 0; i < crowd->nr; i++)
		crowd->order[i] = &crowd->members[i];
	sort(crowd->order, crowd->nr, sizeof(*crowd->order),
	     mr_member_compare_pids, NULL);
	for (i = 0; i < crowd->nr; i++) {
		struct mr_member *member = crowd->order[i];

		if (!member->rq.pid)
			continue;
		if (first && first->rq.pid == member->rq.pid)
			member->twin = first;
		else
			first = member;
	}
}

static int mr_member_compare_victims(const void *a, const void *b)
{
	const struct mr_member *x = *(struct mr_member * const *)a;
	const struct mr_member *y = *(struct mr_member * const *)b;

	if (x->stakes[0].victim != y->stakes[0].victim)
		return x->stakes[0].victim < y->stakes[0].victim ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int mr_member_compare_sizes(const void *a, const void *b)
{
	const struct mr_member *x = *(struct mr_member * const *)a;
	const struct mr_member *y = *(struct mr_member * const *)b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Put the pinned ones in order, the largest first.  Returns how many there are. */
static unsigned int mr_crowd_sort(struct mr_crowd *crowd)
{
	unsigned int i, nr = 0;

	for (i = 0; i < crowd->nr; i++)
		if (crowd->members[i].progress == MR_PROGRESS_PINNED)
			crowd->order[nr++] = &crowd->members[i];
	sort(crowd->order, nr, sizeof(*crowd->order), mr_member_compare_victims,
	     NULL);
	for (i = 1; i < nr; i++)
		crowd->order[i]->shares = crowd->order[i]->stakes[0].victim ==
					  crowd->order[i - 1]->stakes[0].victim;
	sort(crowd->order, nr, sizeof(*crowd->order), mr_member_compare_sizes,
	     NULL);
	return nr;
}

/* Reap those that are pinned; with @eager only those that need no waiting for. */
static void mr_crowd_reap(struct mr_crowd *crowd, unsigned int nr, bool eager)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct mr_member *member = crowd->order[i];

		member->rq.eager = eager;
		if (member->progress == MR_PROGRESS_PINNED &&
		    !mr_member_settle(member))
			continue;
		if (member->progress == MR_PROGRESS_SETTLED)
			mr_member_reap(member);
		cond_resched();
	}
}

static void mr_crowd_tear_down(struct mr_crowd *crowd, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (crowd->order[i]->progress == MR_PROGRESS_REAPED &&
		    mr_member_gone(crowd->order[i]))
			mr_member_let_go(crowd->order[i]);
	for (i = 0; i < nr; i++)
		if (crowd->order[i]->progress == MR_PROGRESS_REAPED)
			mr_member_let_go(crowd->order[i]);
	for (i = 0; i < nr; i++)
		if (crowd->order[i]->progress == MR_PROGRESS_GOING)
			mr_member_see_off(crowd->order[i]);
}

/*
 * Pin those for whom there was no room.  What has been released may still be on its
 * way out of the table, in the work queue.
 */
static void mr_crowd_retry(struct mr_crowd *crowd)
{
	unsigned int i, pinned = 0;
	struct mr_member *member;
	int ret = 0;

	for (i = 0; i < crowd->nr; i++) {
		member = &crowd->members[i];
		if (member->progress != MR_PROGRESS_WAITING)
			continue;
		if (!ret)
			mr_member_begin(member);
		while (!ret && !pinned &&
		       member->progress == MR_PROGRESS_WAITING) {
			ret = mr_victim_wait(&member->rq);
			if (!ret)
				mr_member_begin(member);
		}
		if (ret) {
			mr_release_unpinned(&member->rq);
			mr_member_done(member, ret);
		}
		pinned += member->progress == MR_PROGRESS_PINNED;
	}
}

/**
 * mr_crowd_release() - release all that have been killed
 * @crowd: mr_member_begin() was called for each member
 *
 * Process context, no lock held.  Every member is done then.
 */
void mr_crowd_release(struct mr_crowd *crowd)
{
	unsigned int i, nr;

	do {
		nr = mr_crowd_sort(crowd);
		mr_crowd_reap(crowd, nr, true);
		mr_crowd_reap(crowd, nr, false);
		mr_crowd_tear_down(crowd, nr);
		mr_crowd_retry(crowd);
	} while (mr_crowd_sort(crowd));

	for (i = 0; i < crowd->nr; i++) {
		struct mr_member *member = &crowd->members[i];

		if (!member->twin)
			continue;
		member->result = member->twin->result;
		member->result.notes |= MRELEASE_NOTE_JOINED;
		member->error = member->twin->error;
	}
}

static void mr_crowd_add_bytes(struct mrelease_result *total,
			       const struct mrelease_result *result)
{
	total->anon_bytes += result->anon_bytes;
	total->file_bytes += result->file_bytes;
	total->shmem_bytes += result->shmem_bytes;
	total->swap_bytes += result->swap_bytes;
	total->hugetlb_bytes += result->hugetlb_bytes;
	total->evicted_bytes += result->evicted_bytes;
	total->freed_bytes += result->freed_bytes;
	total->left_bytes += result->left_bytes;
}

/**
 * mr_crowd_total() - the sum of all results
 * @crowd: every member is done
 * @total: grows; a process and an address space count once
 *
 * Return: -EINTR or -ETIMEDOUT if that cut the call short, else -EPERM if a member
 * failed, else 0.
 */
int mr_crowd_total(struct mr_crowd *crowd, struct mrelease_result *total)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < crowd->nr; i++) {
		const struct mr_member *member = &crowd->members[i];

		if (member->error == -EINTR)
			ret = -EINTR;
		else if (member->error == -ETIMEDOUT && ret != -EINTR)
			ret = -ETIMEDOUT;
		else if (member->error && !ret)
			ret = -EPERM;
		if (member->twin)
			continue;
		total->victims += member->result.victims;
		total->left_reasons |= member->result.left_reasons;
		total->notes |= member->result.notes;
		if (!member->shares)
			mr_crowd_add_bytes(total, &member->result);
	}
	return ret;
}

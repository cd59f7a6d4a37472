// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of victims, and their references.  The objects are of pool.c.
 */
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "module/compat/drain.h"
#include "module/compat/mm.h"
#include "module/compat/pgtable.h"
#include "module/counts.h"
#include "module/pool.h"
#include "module/request.h"
#include "module/victim.h"

/* How often a caller looks whether the victim's threads are gone. */
#define MR_POLL_NS	(200 * NSEC_PER_USEC)

/*
 * mr_table_lock protects the list and mr_victim.refs and .users.  It is taken
 * inside task_lock() and takes no other lock.
 */
static DEFINE_SPINLOCK(mr_table_lock);
static LIST_HEAD(mr_victims_used);

/* Where the last reference to an address space is put; never by a caller. */
static struct workqueue_struct *mr_put_queue;

static void mr_victim_put_mm(struct work_struct *work);

/**
 * mr_victims_init() - allocate everything that releases will need
 *
 * Return: 0, -EINVAL for a parameter out of range, or -ENOMEM.
 */
int __init mr_victims_init(void)
{
	int ret;

	ret = mr_pool_init(mr_victim_put_mm);
	if (ret)
		return ret;
	/*
	 * Not WQ_MEM_RECLAIM: the last put closes files of any kind, which may
	 * wait for queues that are not (delayed_fput() is such a one), and
	 * nothing that frees memory waits for this queue without a bound.
	 */
	mr_put_queue = alloc_workqueue("mrelease", WQ_UNBOUND, 0);
	if (!mr_put_queue) {
		mr_pool_exit();
		return -ENOMEM;
	}
	return 0;
}

/**
 * mr_victims_exit() - undo mr_victims_init()
 *
 * No caller is left, since each holds the module by its open device, and no put
 * is pending, since each holds a module reference; a worker may still be on its
 * way out of mr_victim_put_mm(), for which destroy_workqueue() waits.
 */
void mr_victims_exit(void)
{
	WARN_ON(!list_empty(&mr_victims_used));
	destroy_workqueue(mr_put_queue);
	mr_pool_exit();
}

/*
 * The victim of @mm, with one more reference: known, or made of *@fresh.  Under the
 * lock of the table.
 */
static struct mr_victim *mr_victim_find(struct mr_victim **fresh,
					struct mm_struct *mm)
{
	struct mr_victim *victim;

	list_for_each_entry(victim, &mr_victims_used, node)
		if (victim->mm == mm)
			goto found;

	victim = *fresh;
	*fresh = NULL;
	mmgrab(mm);
	victim->mm = mm;
	victim->users = false;
	victim->refs = 0;
	victim->waiters = 0;
	victim->gone = false;
	victim->pass.running = false;
	victim->pass.complete = false;
	list_add(&victim->node, &mr_victims_used);
found:
	victim->refs++;
	return victim;
}

/**
 * mr_victim_join() - the victim of this mm, known or new
 * @fresh: from mr_victim_alloc(); set to NULL when it has become the victim
 * @mm: kept from going by the caller's task_lock() of a thread that uses it
 * @users: hold mm_users, not only mm_count
 *
 * Return: a reference, to be dropped by mr_victim_put().
 */
struct mr_victim *mr_victim_join(struct mr_victim **fresh, struct mm_struct *mm,
				 bool users)
{
	struct mr_victim *victim;

	spin_lock(&mr_table_lock);
	victim = mr_victim_find(fresh, mm);
	if (users && !victim->users) {
		mmget(mm);
		/* Who sees it sees the count: mr_victim_pins(). */
		smp_store_release(&victim->users, true);
	}
	spin_unlock(&mr_table_lock);
	return victim;
}

/**
 * mr_victim_adopt() - the victim of an mm whose mm_users the caller holds
 * @fresh: as mr_victim_join()
 * @mm: one mm_users passes over to the victim, which may be the last one
 *
 * Return: a reference, to be dropped by mr_victim_put().
 */
struct mr_victim *mr_victim_adopt(struct mr_victim **fresh,
				  struct mm_struct *mm)
{
	struct mr_victim *victim;
	bool surplus;

	spin_lock(&mr_table_lock);
	victim = mr_victim_find(fresh, mm);
	surplus = victim->users;
	/* As in mr_victim_join(). */
	smp_store_release(&victim->users, true);
	spin_unlock(&mr_table_lock);
	/* Never the last one then. */
	if (surplus)
		mmput(mm);
	return victim;
}

/*
 * The callers are done.  When the last user of the address space is this module,
 * the teardown falls to it.  That can wait for ever in exit_aio() or for a file
 * system of the victim's own making, so the work queue does it.
 */
static void mr_victim_unpin(struct mr_victim *victim, bool watched)
{
	struct mm_struct *mm = victim->mm;

	if (victim->users &&
	    (watched || !atomic_add_unless(&mm->mm_users, -1, 1))) {
		__module_get(THIS_MODULE);
		queue_work(mr_put_queue, &victim->put);
		return;
	}
	mmdrop(mm);
	mr_victim_free(victim);
}

/*
 * Drop a caller's reference, and with @watch become one who waits for the end.
 * The object is not reused while anybody waits.
 */
static void mr_victim_drop(struct mr_victim *victim, bool watch)
{
	bool last, watched;

	spin_lock(&mr_table_lock);
	victim->waiters += watch;
	watched = victim->waiters;
	last = !--victim->refs;
	if (last)
		list_del_init(&victim->node);
	spin_unlock(&mr_table_lock);
	if (last)
		mr_victim_unpin(victim, watched);
}

/**
 * mr_victim_put() - drop a caller's reference
 * @victim: from mr_victim_join()
 */
void mr_victim_put(struct mr_victim *victim)
{
	mr_victim_drop(victim, false);
}

/* Process context, of the work queue; owns the references of the object. */
static void mr_victim_put_mm(struct work_struct *work)
{
	struct mr_victim *victim = container_of(work, struct mr_victim, put);
	bool unused;

	mmput(victim->mm);
	/* What a kernel thread drops is closed later, unless it is hurried. */
	flush_delayed_fput();
	/* They have all come by now: they held references before. */
	if (READ_ONCE(victim->waiters)) {
		mr_compat_tables_wait();
		mr_compat_drain_all();
	} else {
		mr_compat_drain();
	}

	spin_lock(&mr_table_lock);
	victim->gone = true;
	unused = !victim->waiters;
	wake_up_all(&victim->wait);
	spin_unlock(&mr_table_lock);

	if (unused) {
		mmdrop(victim->mm);
		mr_victim_free(victim);
	}
	module_put(THIS_MODULE);
}

/* Sleep until nobody but this module uses the address space any more. */
static int mr_victim_wait_users(struct mr_victim *victim, struct mr_request *rq)
{
	int ret = 0;

	/* Nobody tells when exit_mm() has been passed. */
	while (!ret && atomic_read(&victim->mm->mm_users) > 1) {
		ktime_t pause = ns_to_ktime(MR_POLL_NS);

		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout_range(&pause, MR_POLL_NS, HRTIMER_MODE_REL);
		ret = mr_request_rest(rq);
	}
	return ret;
}

/**
 * mr_victim_let_go() - drop a caller's reference when the victim has let go, too
 * @victim: from mr_victim_join() with mm_users
 * @rq: the call
 *
 * Process context, no lock held.  The teardown begins when the threads of the
 * victim and all callers have let go of the address space, and goes on if the caller
 * does not wait for it.  Depends on no other caller.
 *
 * Return: 0, then mr_victim_see_off() must follow; -EINTR or -ETIMEDOUT.
 */
int mr_victim_let_go(struct mr_victim *victim, struct mr_request *rq)
{
	int ret = mr_victim_wait_users(victim, rq);

	mr_victim_drop(victim, !ret);
	return ret;
}

/**
 * mr_victim_see_off() - wait for the end
 * @victim: after mr_victim_let_go()
 * @rq: the call
 * @yield: @yield->after is read again at the end
 *
 * Process context, no lock held.  Who waits here holds no victim: two callers could
 * wait for each other else.
 *
 * Return: 0, -EINTR or -ETIMEDOUT.
 */
int mr_victim_see_off(struct mr_victim *victim, struct mr_request *rq,
		      struct mr_yield *yield)
{
	bool unused;
	int ret = 0;
	long left;

	do {
		left = wait_event_killable_timeout(victim->wait,
						   READ_ONCE(victim->gone),
						   mr_request_nap(rq));
		if (left <= 0)
			ret = mr_request_rest(rq);
	} while (left <= 0 && !ret);
	mr_counts_read(&yield->after, victim->mm, rq->task);

	spin_lock(&mr_table_lock);
	unused = !--victim->waiters && victim->gone;
	spin_unlock(&mr_table_lock);
	if (unused) {
		mmdrop(victim->mm);
		mr_victim_free(victim);
	}
	return ret;
}

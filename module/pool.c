// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects that become victims.
 *
 * Releases happen when there is no memory, so the objects that all callers share are
 * allocated when the module is loaded, and one more with each victim fd.
 */
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "module/pool.h"
#include "module/request.h"
#include "module/victim.h"

/* Upper bound of the parameter: the objects take about 0.5 KiB each. */
#define MR_VICTIMS_MAX	4096

static unsigned int mr_param_victims = 256;
module_param_named(victims, mr_param_victims, uint, 0444);
MODULE_PARM_DESC(victims, "address spaces that can be in release at once (default 256)");

static struct mr_victim *mr_victims;

/* Protects the list and all reserves, and takes no other lock. */
static DEFINE_SPINLOCK(mr_pool_lock);
static LIST_HEAD(mr_victims_free);

/* For an object to become free. */
static DECLARE_WAIT_QUEUE_HEAD(mr_victims_wait);

/* The work of an object. */
static work_func_t mr_pool_put;

static void mr_pool_prepare(struct mr_victim *victim)
{
	spin_lock_init(&victim->lock);
	init_waitqueue_head(&victim->wait);
	INIT_LIST_HEAD(&victim->pass.workers);
	INIT_WORK(&victim->put, mr_pool_put);
}

/**
 * mr_pool_init() - allocate all objects
 * @put: the work of an object
 *
 * Return: 0, -EINVAL for a parameter out of range, or -ENOMEM.
 */
int __init mr_pool_init(work_func_t put)
{
	unsigned int i;

	if (!mr_param_victims || mr_param_victims > MR_VICTIMS_MAX) {
		pr_err("cannot load: parameter victims=%u, must be 1 to %d\n",
		       mr_param_victims, MR_VICTIMS_MAX);
		return -EINVAL;
	}

	mr_victims = kvcalloc(mr_param_victims, sizeof(*mr_victims), GFP_KERNEL);
	if (!mr_victims)
		return -ENOMEM;

	mr_pool_put = put;
	for (i = 0; i < mr_param_victims; i++) {
		mr_pool_prepare(&mr_victims[i]);
		list_add_tail(&mr_victims[i].node, &mr_victims_free);
	}
	return 0;
}

/**
 * mr_pool_exit() - undo mr_pool_init()
 */
void mr_pool_exit(void)
{
	kvfree(mr_victims);
}

/**
 * mr_reserve_init() - allocate an object for one user
 * @reserve: to be filled
 *
 * Charged to the caller's memory cgroup.  May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int mr_reserve_init(struct mr_reserve *reserve)
{
	struct mr_victim *victim;

	victim = kzalloc(sizeof(*victim), GFP_KERNEL_ACCOUNT);
	if (!victim)
		return -ENOMEM;
	mr_pool_prepare(victim);
	victim->single = true;
	victim->reserve = reserve;
	reserve->victim = victim;
	reserve->lent = false;
	return 0;
}

/**
 * mr_reserve_exit() - undo mr_reserve_init()
 * @reserve: not used any more; what is in use still is freed when it is not
 */
void mr_reserve_exit(struct mr_reserve *reserve)
{
	bool lent;

	spin_lock(&mr_pool_lock);
	lent = reserve->lent;
	reserve->victim->reserve = NULL;
	spin_unlock(&mr_pool_lock);
	if (!lent)
		kfree(reserve->victim);
}

/**
 * mr_victim_alloc() - an object for a victim that may turn out to be known
 * @reserve: where to look first, or NULL
 *
 * Return: the object, to be given to mr_victim_join() or mr_victim_free(); NULL
 * when all are in use.
 */
struct mr_victim *mr_victim_alloc(struct mr_reserve *reserve)
{
	struct mr_victim *victim;

	spin_lock(&mr_pool_lock);
	if (reserve && !reserve->lent) {
		reserve->lent = true;
		victim = reserve->victim;
	} else {
		victim = list_first_entry_or_null(&mr_victims_free,
						  struct mr_victim, node);
		if (victim)
			list_del_init(&victim->node);
	}
	spin_unlock(&mr_pool_lock);
	return victim;
}

/**
 * mr_victim_free() - give back an object that holds nothing
 * @victim: from mr_victim_alloc(), or NULL
 */
void mr_victim_free(struct mr_victim *victim)
{
	bool shared, unwanted;

	if (!victim)
		return;
	spin_lock(&mr_pool_lock);
	shared = !victim->single;
	unwanted = victim->single && !victim->reserve;
	if (victim->reserve)
		victim->reserve->lent = false;
	else if (shared)
		/* To the front: the next victim finds it warm in the cache. */
		list_add(&victim->node, &mr_victims_free);
	spin_unlock(&mr_pool_lock);
	if (unwanted)
		kfree(victim);
	if (shared && wq_has_sleeper(&mr_victims_wait))
		wake_up(&mr_victims_wait);
}

/**
 * mr_victim_wait() - wait for an object to become free
 * @rq: the call; it holds none
 *
 * Those that are being torn down come back soon, unless that hangs.
 *
 * Return: 0; -EAGAIN when there was none for a second; -EINTR or -ETIMEDOUT.
 */
int mr_victim_wait(struct mr_request *rq)
{
	/* The second after which the caller is told to come again; no mr_request_nap(). */
	long left = min_t(long, HZ, mr_request_jiffies(rq));

	left = wait_event_killable_timeout(mr_victims_wait,
					   !list_empty_careful(&mr_victims_free),
					   left);
	return left > 0 ? 0 : mr_request_rest(rq) ?: -EAGAIN;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing back a page that is swapped out.
 *
 * A list of robust futexes may be, on a machine that is short of memory, and without
 * it nothing of its thread can be unmapped.  Most threads read it back themselves, on
 * their way out; one that hangs in the kernel does not.
 *
 * A caller must neither allocate nor wait for a disk, so a kernel thread does it, one
 * page at a time for the whole module: where the disk hangs, it is only this that
 * hangs with it.  A caller that wants a page asks again until it is there.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "module/fetch.h"

/* Before the same page is brought back once more: it is not to be had, perhaps. */
#define MR_FETCH_PAUSE	msecs_to_jiffies(10)

/*
 * @mr_fetch_busy: bit 0 is the lock of all below; from a request to the end of its work
 * @mr_fetch_mm: of the request that is under way, with one mm_users; afterwards only to
 *	be compared with
 */
static unsigned long mr_fetch_busy;
static struct mm_struct *mr_fetch_mm;
static unsigned long mr_fetch_addr;
static unsigned long mr_fetch_next;	/* jiffies */

static struct workqueue_struct *mr_fetch_queue;

/*
 * Read only, so nothing of the page changes.  With PF_MEMALLOC the charge of the
 * victim's memory cgroup does not fail and nothing is reclaimed for it: the page is
 * one of those that were set aside for work that frees more.
 */
static void mr_fetch_fault(struct mm_struct *mm, unsigned long addr)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	bool unlocked;

	/* Who has it for writing may be the victim, for ever: let them ask again. */
	if (mmap_read_trylock(mm)) {
		fixup_user_fault(mm, addr, FAULT_FLAG_REMOTE, &unlocked);
		mmap_read_unlock(mm);
	}
	memalloc_noreclaim_restore(noreclaim);
}

/* Process context, of the work queue; owns one mm_users and a module reference. */
static void mr_fetch_work(struct work_struct *work)
{
	struct mm_struct *mm = mr_fetch_mm;

	mr_fetch_fault(mm, mr_fetch_addr);
	mr_fetch_next = jiffies + MR_FETCH_PAUSE;
	clear_bit_unlock(0, &mr_fetch_busy);
	/* The last put may wait for anything. */
	mmput_async(mm);
	module_put(THIS_MODULE);
}

static DECLARE_WORK(mr_fetch_request, mr_fetch_work);

/**
 * mr_fetch_page() - ask for a page
 * @mm: its mmap lock is not held; one mm_count is
 * @addr: in a page that is swapped out
 *
 * Process context; neither sleeps nor allocates.  It is a wish: nothing happens while
 * another page is being brought back, or when nobody has the address space any more.
 */
void mr_fetch_page(struct mm_struct *mm, unsigned long addr)
{
	if (test_and_set_bit_lock(0, &mr_fetch_busy))
		return;
	if (mm == mr_fetch_mm && addr == mr_fetch_addr &&
	    time_before(jiffies, mr_fetch_next))
		goto unlock;
	if (!mmget_not_zero(mm))
		goto unlock;
	mr_fetch_mm = mm;
	mr_fetch_addr = addr;
	__module_get(THIS_MODULE);
	queue_work(mr_fetch_queue, &mr_fetch_request);
	return;
unlock:
	clear_bit_unlock(0, &mr_fetch_busy);
}

/**
 * mr_fetch_init() - make what mr_fetch_page() needs
 *
 * Return: 0 or -ENOMEM.
 */
int __init mr_fetch_init(void)
{
	/* WQ_MEM_RECLAIM: there may be no memory for another kernel thread. */
	mr_fetch_queue = alloc_workqueue("mrelease_fetch",
					 WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	return mr_fetch_queue ? 0 : -ENOMEM;
}

/**
 * mr_fetch_exit() - undo mr_fetch_init()
 *
 * No request is under way, since each holds a module reference; one may still be on its
 * way out of mr_fetch_work(), for which destroy_workqueue() waits.
 */
void mr_fetch_exit(void)
{
	destroy_workqueue(mr_fetch_queue);
}

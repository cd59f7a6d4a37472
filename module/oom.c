// SPDX-License-Identifier: GPL-2.0-only
/*
 * The OOM notifier: while releases make progress, the kernel's OOM killer is told
 * what came back since it was last asked, and takes no victim of its own.
 *
 * It cannot be held off for ever: what is reported has been freed, and is reported
 * once.  With nothing to report and a release under way it is made to wait, for two
 * seconds at most, and not again before there was progress.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/wait.h>

#include "module/oom.h"

/*
 * How long the OOM killer waits for the next piece of a release: as long as it waits
 * before it reaps a victim of its own.
 */
#define MR_OOM_PATIENCE	(2 * HZ)

/* What was freed longer ago was there when the allocation failed. */
#define MR_OOM_RECENT	HZ

static bool mr_param_oom;
module_param_named(oom_notifier, mr_param_oom, bool, 0644);
MODULE_PARM_DESC(oom_notifier, "1 holds off the OOM killer while releases make progress (default 0)");

/* Pages that nobody has been told of, since when, and who may add to them. */
static atomic_long_t mr_oom_freed;
static unsigned long mr_oom_last;
static atomic_t mr_oom_running;

/* The OOM killer has waited in vain. */
static bool mr_oom_stuck;
static DECLARE_WAIT_QUEUE_HEAD(mr_oom_wait);

/**
 * mr_oom_wanted() - is there any use in reporting progress?
 *
 * Return: what root last wrote to the parameter "oom_notifier".
 */
bool mr_oom_wanted(void)
{
	return READ_ONCE(mr_param_oom);
}

/**
 * mr_oom_begin() - the caller begins to free memory
 */
void mr_oom_begin(void)
{
	atomic_inc(&mr_oom_running);
}

/**
 * mr_oom_progress() - memory has come back
 * @pages: what the system got
 *
 * Any context that may wake.
 */
void mr_oom_progress(unsigned long pages)
{
	atomic_long_add(pages, &mr_oom_freed);
	WRITE_ONCE(mr_oom_last, jiffies);
	WRITE_ONCE(mr_oom_stuck, false);
	wake_up_all(&mr_oom_wait);
}

/**
 * mr_oom_end() - the caller of mr_oom_begin() is through with it
 */
void mr_oom_end(void)
{
	if (atomic_dec_and_test(&mr_oom_running))
		wake_up_all(&mr_oom_wait);
}

static unsigned long mr_oom_take(void)
{
	unsigned long pages = atomic_long_xchg(&mr_oom_freed, 0);

	if (time_after(jiffies, READ_ONCE(mr_oom_last) + MR_OOM_RECENT))
		return 0;
	return pages;
}

/* Something was freed, or nobody is at it any more. */
static bool mr_oom_news(void)
{
	return atomic_long_read(&mr_oom_freed) || !atomic_read(&mr_oom_running);
}

/* Asked before a victim is chosen, under oom_lock; may sleep. */
static int mr_oom_notify(struct notifier_block *nb, unsigned long unused,
			 void *freed)
{
	unsigned long pages;
	long left;

	if (!mr_oom_wanted())
		return NOTIFY_OK;

	pages = mr_oom_take();
	if (!pages && atomic_read(&mr_oom_running) && !READ_ONCE(mr_oom_stuck)) {
		/* Who is being killed gets what is kept for the dying, and need not wait. */
		left = wait_event_killable_timeout(mr_oom_wait, mr_oom_news(),
						   MR_OOM_PATIENCE);
		pages = mr_oom_take();
		if (!left)
			WRITE_ONCE(mr_oom_stuck, true);
	}
	*(unsigned long *)freed += pages;
	return NOTIFY_OK;
}

static struct notifier_block mr_oom_block = {
	.notifier_call = mr_oom_notify,
};

/**
 * mr_oom_init() - be asked from now on
 *
 * Return: 0 or a negative errno.
 */
int __init mr_oom_init(void)
{
	return register_oom_notifier(&mr_oom_block);
}

/**
 * mr_oom_exit() - undo mr_oom_init()
 */
void mr_oom_exit(void)
{
	unregister_oom_notifier(&mr_oom_block);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a victim fd learns of the end of its process, and takes its memory over.
 *
 *	last thread exits ---> probe: this is the mm; one mm_users, if asked for
 *	exit_mm()              the mm is torn down, by whoever drops the last one
 *	all threads gone ----> woken with those who poll a pidfd
 *	                       work: drop what was taken; is it torn down? POLLIN
 *
 * The exit itself is never made to wait, and nothing here sleeps in its context.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "module/compat/drain.h"
#include "module/compat/pgtable.h"
#include "module/device.h"
#include "module/handle.h"
#include "module/sharers.h"

/* The longest pause between two looks at what somebody else holds up. */
#define MR_WATCH_PAUSE	(HZ / 10)

/* How long the probe stays when no handle is left, since there may be more soon. */
#define MR_PROBE_LINGER	(2 * HZ)

static struct workqueue_struct *mr_watch_queue;

/* All handles by their struct pid; looked up under RCU. */
static DEFINE_HASHTABLE(mr_handles, 10);
static DEFINE_SPINLOCK(mr_handles_lock);

/* The probe, whether it is there, and for how many handles. */
static struct kprobe mr_probe;
static DEFINE_MUTEX(mr_probe_mutex);
static bool mr_probe_on;
static unsigned long mr_probe_users;

static void mr_probe_drop(struct work_struct *work);
static DECLARE_DELAYED_WORK(mr_probe_work, mr_probe_drop);

/*
 * Have the work look at this handle.  A queued or running work has a reference to
 * the handle and one to the module.  Any context.
 */
static void mr_watch_kick(struct mr_handle *handle, unsigned long delay)
{
	kref_get(&handle->refs);
	__module_get(THIS_MODULE);
	if (mod_delayed_work(mr_watch_queue, &handle->work, delay)) {
		/* It had been queued before; nor is this the last reference. */
		kref_put(&handle->refs, mr_handle_free);
		module_put(THIS_MODULE);
	}
}

/*
 * May the memory be taken over?  As when it was armed: whoever may not kill any
 * process may have lost the power over this one by its execve(2) of a set-user-ID
 * program.  Of the current process.
 */
static bool mr_watch_permitted(const struct mr_handle *handle)
{
	const struct cred *cred = current_cred();

	return mr_enabled() &&
	       (handle->trusted || (uid_eq(cred->uid, handle->uid) &&
				    uid_eq(cred->suid, handle->suid)));
}

/*
 * Is the current process, whose last thread is exiting, the last that uses its
 * memory?  Other threads may have left a moment ago, and not said so yet; then all
 * processes are asked.  Atomic.
 */
static bool mr_watch_last_user(struct mm_struct *mm)
{
	return mr_sharers_state(mm, current, 0, false) == MR_STATE_DYING;
}

/* The last thread of the process of this handle exits, with @mm. */
static void mr_watch_dying(struct mr_handle *handle, struct mm_struct *mm)
{
	bool take = handle->flags && mr_watch_permitted(handle) &&
		    mr_watch_last_user(mm);
	unsigned long flags;

	raw_spin_lock_irqsave(&handle->lock, flags);
	if (handle->closed || handle->took || handle->stale)
		goto out_unlock;
	if (handle->mm != mm) {
		/* It has been through execve(2). */
		mmgrab(mm);
		handle->stale = handle->mm;
		handle->mm = mm;
	}
	if (take) {
		/* It is about to drop its own, so this one will be the last. */
		mmget(mm);
		handle->took = true;
	}
	/* A tracer may keep the process from being gone for as long as it likes. */
	if (take || handle->stale)
		mr_watch_kick(handle, 1);
out_unlock:
	raw_spin_unlock_irqrestore(&handle->lock, flags);
}

/*
 * Before taskstats_exit(), where each thread passes between its being counted as
 * dead and exit_mm().  Atomic.
 */
static int mr_probe_hit(struct kprobe *probe, struct pt_regs *regs)
{
	struct mm_struct *mm = current->mm;
	struct pid *pid = task_tgid(current);
	struct mr_handle *handle;

	if (!mm || atomic_read(&current->signal->live))
		return 0;
	rcu_read_lock();
	hash_for_each_possible_rcu(mr_handles, handle, node, (unsigned long)pid)
		if (handle->pid == pid)
			mr_watch_dying(handle, mm);
	rcu_read_unlock();
	return 0;
}

/* Process context.  Returns 0 or a negative errno. */
static int mr_probe_get(void)
{
	int ret = 0;

	mutex_lock(&mr_probe_mutex);
	if (!mr_probe_on) {
		memset(&mr_probe, 0, sizeof(mr_probe));
		mr_probe.symbol_name = "taskstats_exit";
		mr_probe.pre_handler = mr_probe_hit;
		ret = register_kprobe(&mr_probe);
		mr_probe_on = !ret;
	}
	mr_probe_users++;
	mutex_unlock(&mr_probe_mutex);
	return ret;
}

static void mr_probe_put(void)
{
	mutex_lock(&mr_probe_mutex);
	if (!--mr_probe_users)
		schedule_delayed_work(&mr_probe_work, MR_PROBE_LINGER);
	mutex_unlock(&mr_probe_mutex);
}

static void mr_probe_drop(struct work_struct *work)
{
	mutex_lock(&mr_probe_mutex);
	if (mr_probe_on && !mr_probe_users) {
		unregister_kprobe(&mr_probe);
		mr_probe_on = false;
	}
	mutex_unlock(&mr_probe_mutex);
}

/* Called with those who poll a pidfd, under their lock and the kernel's own. */
static int mr_watch_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			 void *key)
{
	struct mr_handle *handle = container_of(entry, struct mr_handle, exit);

	mr_watch_kick(handle, 0);
	return 0;
}

/* Nobody else will: tear it down, and have what it gives show. */
static void mr_watch_put_mm(struct mr_handle *handle)
{
	mmput(handle->mm);
	/* What a kernel thread drops is closed later, unless it is hurried. */
	flush_delayed_fput();
	mr_compat_tables_wait();
	mr_compat_drain_all();

	raw_spin_lock_irq(&handle->lock);
	handle->took = false;
	raw_spin_unlock_irq(&handle->lock);
}

/* How many handles of this process have taken its memory over? */
static int mr_watch_takers(const struct mr_handle *handle)
{
	struct pid *pid = handle->pid;
	struct mr_handle *other;
	int takers = 0;

	rcu_read_lock();
	hash_for_each_possible_rcu(mr_handles, other, node, (unsigned long)pid)
		takers += other->pid == pid && READ_ONCE(other->took);
	rcu_read_unlock();
	return takers;
}

/*
 * Should what was taken be dropped now?  The process may not have dropped its own,
 * and if it has, others may have taken as well, none of whom is to wait for the rest.
 */
static bool mr_watch_due(struct mr_handle *handle, bool gone)
{
	bool due;
	int users;

	raw_spin_lock_irq(&handle->lock);
	due = handle->took;
	users = due ? atomic_read(&handle->mm->mm_users) : 0;
	due &= gone || handle->closed;
	raw_spin_unlock_irq(&handle->lock);
	/* Who drops his own is a taker until he has: so it is counted after @users. */
	return due || (users && users <= mr_watch_takers(handle));
}

/*
 * The process is gone: is its memory back?  Then those who poll are told, but not
 * before what its exit has freed shows, unless that has been @drained.
 */
static void mr_watch_settle(struct mr_handle *handle, bool drained)
{
	struct mm_struct *mm = mr_handle_get_mm(handle);
	struct mm_struct *old = NULL;

	if (mm && !mr_mm_torn_down(mm))
		goto out_drop;
	if (!drained)
		mr_compat_drain_all();

	raw_spin_lock_irq(&handle->lock);
	/* A release that began before the end may have told of another one. */
	if (handle->mm == mm && !handle->took) {
		old = mm;
		handle->mm = NULL;
		WRITE_ONCE(handle->back, true);
	}
	raw_spin_unlock_irq(&handle->lock);
	if (READ_ONCE(handle->back))
		wake_up_poll(&handle->wait, EPOLLIN | EPOLLRDNORM);
out_drop:
	if (old)
		mmdrop(old);
	if (mm)
		mmdrop(mm);
}

/* Is there something left that only looking again can tell? */
static bool mr_watch_again(struct mr_handle *handle, bool gone)
{
	bool again;

	raw_spin_lock_irq(&handle->lock);
	again = handle->took || (gone && !handle->back && !handle->closed);
	raw_spin_unlock_irq(&handle->lock);
	return again;
}

static void mr_watch_work(struct work_struct *work)
{
	struct mr_handle *handle = container_of(to_delayed_work(work),
						struct mr_handle, work);
	bool gone = mr_handle_gone(handle);
	struct mm_struct *stale;
	bool due;

	raw_spin_lock_irq(&handle->lock);
	stale = handle->stale;
	handle->stale = NULL;
	raw_spin_unlock_irq(&handle->lock);
	if (stale)
		mmdrop(stale);

	due = mr_watch_due(handle, gone);
	if (due)
		mr_watch_put_mm(handle);
	if (gone && !READ_ONCE(handle->back))
		mr_watch_settle(handle, due);
	if (mr_watch_again(handle, gone)) {
		mr_watch_kick(handle, handle->pause);
		handle->pause = min_t(unsigned long, handle->pause * 2,
				      MR_WATCH_PAUSE);
	}
	kref_put(&handle->refs, mr_handle_free);
	module_put(THIS_MODULE);
}

/**
 * mr_watch_begin() - watch for the end of the process
 * @handle: complete; mr_watch_end() must follow
 *
 * Process context.
 *
 * Return: 0, or an errno when its memory was to be taken over and cannot be.
 */
int mr_watch_begin(struct mr_handle *handle)
{
	int ret;

	/* Without the probe, an execve(2) that nobody saw leaves a wrong mm. */
	ret = mr_probe_get();
	if (ret && handle->flags) {
		mr_probe_put();
		return ret;
	}

	INIT_DELAYED_WORK(&handle->work, mr_watch_work);
	handle->pause = 1;
	spin_lock(&mr_handles_lock);
	hash_add_rcu(mr_handles, &handle->node, (unsigned long)handle->pid);
	spin_unlock(&mr_handles_lock);
	init_waitqueue_func_entry(&handle->exit, mr_watch_wake);
	add_wait_queue(&handle->pid->wait_pidfd, &handle->exit);
	/* It may have exited meanwhile, and woken nobody. */
	if (mr_handle_gone(handle))
		mr_watch_kick(handle, 0);
	return 0;
}

/**
 * mr_watch_end() - do not watch any more
 * @handle: its file is going
 *
 * What has been taken over is dropped by the work, or by the process if that is not
 * through with it: this does not wait for either.  Process context.
 */
void mr_watch_end(struct mr_handle *handle)
{
	remove_wait_queue(&handle->pid->wait_pidfd, &handle->exit);
	spin_lock(&mr_handles_lock);
	hash_del_rcu(&handle->node);
	spin_unlock(&mr_handles_lock);

	raw_spin_lock_irq(&handle->lock);
	handle->closed = true;
	if (handle->took)
		mr_watch_kick(handle, 0);
	raw_spin_unlock_irq(&handle->lock);
	mr_probe_put();
}

/**
 * mr_watch_init() - make ready for handles
 *
 * Return: 0 or -ENOMEM.
 */
int __init mr_watch_init(void)
{
	/* Not WQ_MEM_RECLAIM, for the reason in mr_victims_init(). */
	mr_watch_queue = alloc_workqueue("mrelease_watch", WQ_UNBOUND, 0);
	return mr_watch_queue ? 0 : -ENOMEM;
}

/**
 * mr_watch_exit() - undo mr_watch_init()
 *
 * No handle is left and no work queued, since each holds a module reference; one may
 * still be on its way out.
 */
void mr_watch_exit(void)
{
	cancel_delayed_work_sync(&mr_probe_work);
	mr_probe_drop(NULL);
	destroy_workqueue(mr_watch_queue);
}

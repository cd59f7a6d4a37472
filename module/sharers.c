// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who uses an address space, see sharers.h.  The rules are those of
 * task_will_free_mem() in the kernel's OOM killer.
 */
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "module/compat/sched.h"
#include "module/compat/signal.h"
#include "module/crowd.h"
#include "module/sharers.h"
#include "module/target.h"

/* Have all threads of @p begun to exit, each for itself?  Under RCU. */
static bool mr_process_exiting(struct task_struct *p)
{
	struct task_struct *t;

	for_each_thread(p, t)
		if (!(READ_ONCE(t->flags) & PF_EXITING))
			return false;
	return true;
}

/**
 * mr_process_state() - is this process on its way out?
 * @task: any thread of it; a reference is held, or RCU
 *
 * MR_STATE_DYING stays true once it has been, and a dying process makes no new
 * user of its mm: clone(2) fails with a fatal signal pending.
 *
 * Return: see enum mr_state.
 */
enum mr_state mr_process_state(struct task_struct *task)
{
	enum mr_state state = MR_STATE_LIVE;

	if (mr_compat_signal_dumping(task->signal))
		return MR_STATE_DUMPING;
	if (READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT)
		return MR_STATE_DYING;

	rcu_read_lock();
	if (mr_process_exiting(task))
		state = MR_STATE_DYING;
	rcu_read_unlock();
	return state;
}

/*
 * Does @p use @mm?  The leader may be a zombie without an mm while its other
 * threads go on, so each of them has to be looked at.  Under RCU.
 */
static bool mr_process_uses(struct task_struct *p, const struct mm_struct *mm)
{
	struct task_struct *t;

	for_each_thread(p, t) {
		const struct mm_struct *t_mm = READ_ONCE(t->mm);

		if (t_mm)
			return t_mm == mm;
	}
	return false;
}

/*
 * The state of @p, which uses the same memory as the victim.  A child of vfork(2)
 * is told from others as long as its parent waits for it; the caller itself cannot be
 * waited for.  Under RCU.
 */
static enum mr_state mr_sharer_state(struct task_struct *p)
{
	enum mr_state state = mr_process_state(p);

	if (state == MR_STATE_LIVE && in_vfork(p) &&
	    !same_thread_group(p, current))
		return MR_STATE_VFORK;
	return state;
}

/* May the caller kill @p?  Returns 0, -EINVAL for itself, -EPERM.  Under RCU. */
static int mr_sharer_may_kill(struct task_struct *p)
{
	int ret = mr_target_may_kill(p);

	if (!ret && !task_tgid_nr_ns(p, task_active_pid_ns(current)))
		ret = -EPERM;
	return !ret || ret == -EINVAL ? ret : -EPERM;
}

/**
 * mr_sharers_none() - is it certain that nobody else uses the memory of a process?
 * @mm: a reference is held
 * @task: the process; a reference is held.  NULL when there is nothing to ask
 * @pins: how many of mm_users are known to be the module's own
 *
 * Cheap, other than a look at every process there is.  A single user that is a
 * thread of the process now has been the only one when the users were counted,
 * for nobody comes to this memory but by clone(2) of one who has it.  A dying
 * process makes no threads any more: those that are counted later than the users
 * are not more than there were then.
 *
 * Return: true when there was no other user a moment ago; false when that has to be
 * found out in another way.
 */
bool mr_sharers_none(const struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins)
{
	int users, threads = 0;
	struct task_struct *t;
	bool dying;

	if (!task)
		return false;
	dying = mr_process_state(task) == MR_STATE_DYING;
	smp_rmb();	/* the state, then the users */
	users = atomic_read(&mm->mm_users) - (int)pins;
	if (users <= 0)
		return true;
	if (users > 1 && !dying)
		return false;
	smp_rmb();	/* the users, then the threads */
	rcu_read_lock();
	for_each_thread(task, t)
		threads += READ_ONCE(t->mm) == mm;
	rcu_read_unlock();
	return threads >= users;
}

/* The worst state of all other users, but for those of @crowd who may be killed. */
static enum mr_state mr_sharers_worst(struct mm_struct *mm,
				      struct task_struct *task, bool kthreads,
				      const struct mr_crowd *crowd)
{
	enum mr_state state = MR_STATE_DYING;
	struct task_struct *p;

	rcu_read_lock();
	for_each_process(p) {
		if ((task && same_thread_group(p, task)) ||
		    !mr_process_uses(p, mm))
			continue;
		if ((p->flags & PF_KTHREAD) && !kthreads)
			continue;
		if (crowd && mr_crowd_has(crowd, p) && !mr_sharer_may_kill(p))
			continue;
		state = max(state, mr_sharer_state(p));
		if (state == MR_STATE_LIVE)
			break;
	}
	rcu_read_unlock();
	return state;
}

/**
 * mr_sharers_state() - are all other users of an mm on their way out?
 * @mm: a reference is held
 * @task: the victim, which does not count; a reference is held.  NULL when no thread
 *	of it uses the mm any more
 * @pins: as for mr_sharers_none()
 * @kthreads: kernel threads count as living users (process_mrelease(2)); else
 *	they do not count: one that borrows an mm by kthread_use_mm() copes with
 *	pages that are gone
 *
 * Return: the worst state of them; MR_STATE_DYING when there is none.
 */
enum mr_state mr_sharers_state(struct mm_struct *mm, struct task_struct *task,
			       unsigned int pins, bool kthreads)
{
	if (mr_sharers_none(mm, task, pins))
		return MR_STATE_DYING;
	return mr_sharers_worst(mm, task, kthreads, NULL);
}

/**
 * mr_sharers_outside() - the same, before anybody was killed
 * @mm: a reference is held
 * @task: the victim, which does not count; a reference is held
 * @pins: as for mr_sharers_none()
 * @crowd: those who are going to be killed by the same call, if they may be, do not
 *	count either; NULL for none
 *
 * Return: the worst state of them; MR_STATE_DYING when there is none.
 */
enum mr_state mr_sharers_outside(struct mm_struct *mm, struct task_struct *task,
				 unsigned int pins, const struct mr_crowd *crowd)
{
	if (mr_sharers_none(mm, task, pins))
		return MR_STATE_DYING;
	return mr_sharers_worst(mm, task, false, crowd);
}

/* Another process than the victim's that uses @mm?  Under RCU. */
static bool mr_sharer_is(struct task_struct *p, const struct mm_struct *mm,
			 struct task_struct *task)
{
	return !same_thread_group(p, task) && !(p->flags & PF_KTHREAD) &&
	       mr_process_uses(p, mm);
}

/**
 * mr_sharers_check() - may the caller kill all other users of an mm?
 * @mm: a reference is held
 * @task: the victim, which does not count; a reference is held
 * @pins: as for mr_sharers_none()
 * @awaits: set when there is one who need not be killed: a child of vfork(2)
 *
 * Return: 0; -EPERM when there is one whom the caller may not kill or does not see;
 * -EINVAL when the caller itself is one; -EBUSY when one dumps core.
 */
int mr_sharers_check(struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins, bool *awaits)
{
	struct task_struct *p;
	enum mr_state state;
	int ret = 0, err;

	if (mr_sharers_none(mm, task, pins))
		return 0;
	rcu_read_lock();
	for_each_process(p) {
		if (!mr_sharer_is(p, mm, task))
			continue;
		state = mr_sharer_state(p);
		if (state == MR_STATE_DYING)
			continue;
		if (state == MR_STATE_DUMPING) {
			ret = -EBUSY;
			break;
		}
		err = mr_sharer_may_kill(p);
		if (err && state == MR_STATE_VFORK)
			*awaits = true;
		else if (err)
			ret = err;
	}
	rcu_read_unlock();
	return ret;
}

/* One line for each kill: who, whom. */
static void mr_sharer_log(struct task_struct *p, struct task_struct *task)
{
	pr_info_ratelimited("%s[%d] uid %u killed %s[%d] uid %u: shares the memory of %s[%d]\n",
			    current->comm, task_tgid_nr(current),
			    from_kuid(&init_user_ns, current_uid()), p->comm,
			    task_tgid_nr(p),
			    from_kuid(&init_user_ns, task_uid(p)), task->comm,
			    task_tgid_nr(task));
}

/**
 * mr_sharers_kill() - send SIGKILL to all other users of an mm who are alive
 * @mm: a reference is held
 * @task: the victim, which does not count; a reference is held
 * @awaits: one whom the caller may not kill will go by itself
 * @victims: grows by the number of those who were signalled
 *
 * The permission is asked again, of each just before it is signalled: it may have
 * other credentials by now.  Who has left the mm by execve(2) is not signalled.
 *
 * Return: 0, or -EPERM when there is one whom the caller may not kill.
 */
int mr_sharers_kill(struct mm_struct *mm, struct task_struct *task, bool awaits,
		    u32 *victims)
{
	struct task_struct *p;
	int ret = 0;

	rcu_read_lock();
	for_each_process(p) {
		if (!mr_sharer_is(p, mm, task) ||
		    mr_process_state(p) != MR_STATE_LIVE)
			continue;
		if (mr_sharer_may_kill(p)) {
			if (awaits)
				continue;
			ret = -EPERM;
			break;
		}
		if (mr_target_send_user(p, mm)) {
			(*victims)++;
			mr_sharer_log(p, task);
		}
	}
	rcu_read_unlock();
	return ret;
}

static void mr_sharers_kicked(void *unused)
{
}

/* Under RCU. */
static void mr_process_kick(struct task_struct *p)
{
	struct task_struct *t;

	for_each_thread(p, t)
		if (mr_compat_task_on_cpu(t))
			smp_call_function_single(task_cpu(t), mr_sharers_kicked,
						 NULL, true);
}

/**
 * mr_sharers_kick() - interrupt every thread that runs on an mm
 * @mm: all who use it are being killed; a reference is held
 * @task: one of them; a reference is held.  NULL when it is gone
 * @pins: as for mr_sharers_none()
 *
 * Such a thread meets the signal before it is back in user mode, and whoever is
 * put on a CPU from now on does so too.  So nothing is brought back by a program
 * that still runs, and what the threads have written is final, but for system calls
 * in flight.  Process context; does not sleep.
 */
void mr_sharers_kick(struct mm_struct *mm, struct task_struct *task,
		     unsigned int pins)
{
	bool none = mr_sharers_none(mm, task, pins);
	struct task_struct *p;

	/* Their signals are there before it is looked where they run. */
	smp_mb();
	rcu_read_lock();
	if (none) {
		mr_process_kick(task);
	} else {
		for_each_process(p)
			if (mr_process_uses(p, mm))
				mr_process_kick(p);
	}
	rcu_read_unlock();
}

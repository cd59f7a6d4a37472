// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding what the victim uses, and sending the signal, see target.h.
 */
#include <linux/mrelease.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "module/symbols.h"
#include "module/target.h"

/**
 * mr_target_grab_mm() - find the address space that a process uses now
 * @task: leader of the process; a reference is held
 *
 * It is that of the first thread that has not been through exit_mm() yet.
 *
 * Return: a reference to mm_count, to be dropped by mmdrop(); or NULL.
 */
struct mm_struct *mr_target_grab_mm(struct task_struct *task)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	/* What a kernel thread has is borrowed. */
	if (task->flags & PF_KTHREAD)
		return NULL;

	rcu_read_lock();
	for_each_thread(task, t) {
		task_lock(t);
		mm = t->mm;
		if (mm)
			mmgrab(mm);
		task_unlock(t);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/*
 * The init of a pid namespace, which only processes above it can kill.  The
 * kernel drops any other SIGKILL for it, and says nothing.
 */
static bool mr_target_immortal(struct task_struct *task)
{
	return (READ_ONCE(task->signal->flags) & SIGNAL_UNKILLABLE) &&
	       task_pid_nr_ns(current, task_active_pid_ns(task));
}

/**
 * mr_target_may_kill() - would kill(2) with SIGKILL be allowed, and would it kill?
 * @task: leader of the process
 *
 * Asked of the kernel with the signal that will be sent, since security modules
 * judge signal 0 by another permission.  It must be asked explicitly: a positive
 * si_code makes the kernel take the signal for one of its own, and check nothing.
 * Under RCU, and without task_lock(), which a security module may take.
 *
 * Return: 0; -EINVAL for the caller itself; -EPERM, or what a security module says.
 */
int mr_target_may_kill(struct task_struct *task)
{
	int ret;

	if (same_thread_group(task, current))
		return -EINVAL;
	if (is_global_init(task) || (task->flags & PF_KTHREAD))
		return -EPERM;
	ret = mr_call(check_kill_permission)(SIGKILL, SEND_SIG_NOINFO, task);
	if (ret)
		return ret;
	return mr_target_immortal(task) ? -EPERM : 0;
}

/*
 * Send SIGKILL without any check.  The si_code is MRELEASE_SI_CODE, but for the
 * init of a pid namespace: with a positive code the kernel would not see that
 * the sender stands above it.  Under RCU.
 */
static int mr_target_send(struct task_struct *task)
{
	struct kernel_siginfo info;

	if (READ_ONCE(task->signal->flags) & SIGNAL_UNKILLABLE)
		return mr_call(do_send_sig_info)(SIGKILL, SEND_SIG_NOINFO, task,
						 PIDTYPE_TGID);

	clear_siginfo(&info);
	info.si_signo = SIGKILL;
	info.si_code = MRELEASE_SI_CODE;
	return mr_call(do_send_sig_info)(SIGKILL, &info, task, PIDTYPE_TGID);
}

/**
 * mr_target_send_user() - send SIGKILL to a process that uses an mm
 * @task: any thread of it
 * @mm: a reference is held
 *
 * Without any check of the permission.  Under RCU.
 *
 * Return: true when it was sent, at a time when the process used @mm.
 */
bool mr_target_send_user(struct task_struct *task, const struct mm_struct *mm)
{
	struct task_struct *t;
	bool sent = false;

	for_each_thread(task, t) {
		/* execve(2) gives it another one under this lock. */
		task_lock(t);
		if (t->mm == mm)
			sent = !mr_target_send(t);
		task_unlock(t);
		if (sent)
			break;
	}
	return sent;
}

/**
 * mr_target_kill() - send SIGKILL if the caller may
 * @pid: of the thread group leader
 * @mm: what it used a moment ago; a reference is held
 * @refused: something else than the permission speaks against it
 * @used: set to whether it still used @mm when it was signalled
 *
 * The process is looked up anew, since execve(2) by another thread makes that
 * one the leader, and the permission is asked of what was found just before the
 * signal is sent, as kill(2) does it.
 *
 * Return: 0; -ESRCH when it is gone; -EINVAL for the caller itself or a process
 * that is not in its pid namespace or one below (pidfd_send_signal(2)); -EPERM
 * when it must not be killed, or cannot; 1 when it may be killed, but was @refused.
 */
int mr_target_kill(struct pid *pid, const struct mm_struct *mm, bool refused,
		   bool *used)
{
	struct task_struct *task;
	int ret;

	*used = false;
	if (!pid_nr_ns(pid, task_active_pid_ns(current)))
		return -EINVAL;

	rcu_read_lock();
	do {
		task = pid_task(pid, PIDTYPE_TGID);
		if (!task) {
			ret = -ESRCH;
			break;
		}
		ret = mr_target_may_kill(task) ?: refused;
		if (ret)
			break;
		*used = mr_target_send_user(task, mm);
		if (*used)
			break;
		/* -ESRCH: unhashed meanwhile, dead or no longer the leader. */
		ret = mr_target_send(task);
	} while (ret == -ESRCH);
	rcu_read_unlock();
	return ret;
}

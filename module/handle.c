// SPDX-License-Identifier: GPL-2.0-only
/*
 * Victim fds: the file, and what is known of the process.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "module/compat/pidfd.h"
#include "module/device.h"
#include "module/handle.h"
#include "module/sharers.h"
#include "module/target.h"

/**
 * mr_handle_free() - the last reference is gone
 * @refs: of the handle
 *
 * Process context.
 */
void mr_handle_free(struct kref *refs)
{
	struct mr_handle *handle = container_of(refs, struct mr_handle, refs);

	if (handle->stale)
		mmdrop(handle->stale);
	if (handle->mm)
		mmdrop(handle->mm);
	put_pid(handle->pid);
	kfree_rcu(handle, rcu);
}

/**
 * mr_handle_gone() - is the process gone, as poll(2) on a pidfd has it?
 * @handle: any
 *
 * Return: true when all of its threads have exited; it may still be a zombie.
 */
bool mr_handle_gone(struct mr_handle *handle)
{
	struct task_struct *task;
	bool gone;

	rcu_read_lock();
	task = pid_task(handle->pid, PIDTYPE_TGID);
	gone = !task || (READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return gone;
}

/**
 * mr_handle_reserve() - the object that is kept for releases by a handle
 * @handle: the handle, or NULL
 *
 * Return: its reserve, or NULL.
 */
struct mr_reserve *mr_handle_reserve(struct mr_handle *handle)
{
	return handle ? &handle->reserve : NULL;
}

/**
 * mr_handle_get_pid() - the process
 * @handle: the handle
 *
 * Return: a reference.
 */
struct pid *mr_handle_get_pid(struct mr_handle *handle)
{
	return get_pid(handle->pid);
}

/**
 * mr_handle_get_mm() - what the process used when it was last looked at
 * @handle: the handle
 *
 * Return: a reference (mm_count), or NULL when that is known to be torn down.
 */
struct mm_struct *mr_handle_get_mm(struct mr_handle *handle)
{
	struct mm_struct *mm;
	unsigned long flags;

	raw_spin_lock_irqsave(&handle->lock, flags);
	mm = handle->mm;
	if (mm)
		mmgrab(mm);
	raw_spin_unlock_irqrestore(&handle->lock, flags);
	return mm;
}

/**
 * mr_handle_saw() - the process uses this address space, or did a moment ago
 * @handle: the handle, or NULL
 * @mm: a reference is held
 *
 * Process context.
 */
void mr_handle_saw(struct mr_handle *handle, struct mm_struct *mm)
{
	struct mm_struct *old = NULL;
	unsigned long flags;

	if (!handle)
		return;
	raw_spin_lock_irqsave(&handle->lock, flags);
	/* What its exit has told is the last word. */
	if (handle->mm && handle->mm != mm && !handle->took && !handle->stale) {
		mmgrab(mm);
		old = handle->mm;
		handle->mm = mm;
	}
	raw_spin_unlock_irqrestore(&handle->lock, flags);
	if (old)
		mmdrop(old);
}

/*
 * May the caller have the memory of @task torn down in its place?  It is asked now,
 * and as if it were to be killed.
 */
static int mr_handle_permit(struct mr_handle *handle, struct task_struct *task)
{
	int ret;

	if (!pid_nr_ns(handle->pid, task_active_pid_ns(current)))
		return -EINVAL;

	rcu_read_lock();
	ret = mr_target_may_kill(task);
	handle->uid = __task_cred(task)->uid;
	handle->suid = __task_cred(task)->suid;
	rcu_read_unlock();
	handle->trusted = ns_capable_noaudit(&init_user_ns, CAP_KILL);
	return ret;
}

/* Fill in what is asked of the process.  Returns 0 or an errno of ARM. */
static int mr_handle_look(struct mr_handle *handle)
{
	struct task_struct *task;
	int ret = 0;

	task = get_pid_task(handle->pid, PIDTYPE_TGID);
	if (!task)
		return -ESRCH;
	if (handle->flags)
		ret = mr_handle_permit(handle, task);
	if (!ret) {
		handle->mm = mr_target_grab_mm(task);
		if (!handle->mm)
			ret = -ESRCH;
	}
	put_task_struct(task);
	return ret;
}

static int mr_handle_release(struct inode *inode, struct file *file)
{
	struct mr_handle *handle = file->private_data;

	mr_watch_end(handle);
	mr_reserve_exit(&handle->reserve);
	kref_put(&handle->refs, mr_handle_free);
	return 0;
}

static __poll_t mr_handle_poll(struct file *file, poll_table *pt)
{
	struct mr_handle *handle = file->private_data;

	poll_wait(file, &handle->wait, pt);
	return READ_ONCE(handle->back) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const char *mr_handle_state(struct mr_handle *handle)
{
	struct task_struct *task;
	const char *state;

	if (READ_ONCE(handle->back))
		return "back";
	if (mr_handle_gone(handle))
		return "gone";
	task = get_pid_task(handle->pid, PIDTYPE_TGID);
	if (!task)
		return "gone";
	state = mr_process_state(task) == MR_STATE_DYING ? "dying" : "live";
	put_task_struct(task);
	return state;
}

static void mr_handle_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct mr_handle *handle = file->private_data;
	struct pid_namespace *ns = proc_pid_ns(file_inode(m->file)->i_sb);
	int nr = -1;

	/* The number may be somebody else's by now. */
	if (pid_has_task(handle->pid, PIDTYPE_PID))
		nr = pid_nr_ns(handle->pid, ns);
	seq_printf(m, "mrelease-pid:\t%d\n", nr);
	seq_printf(m, "mrelease-flags:\t%#x\n", handle->flags);
	seq_printf(m, "mrelease-state:\t%s\n", mr_handle_state(handle));
}

static const struct file_operations mr_handle_fops = {
	.owner = THIS_MODULE,
	.release = mr_handle_release,
	.poll = mr_handle_poll,
	.unlocked_ioctl = mr_handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = mr_handle_show_fdinfo,
	.llseek = noop_llseek,
};

/* All but the file.  Returns a handle, or an ERR_PTR. */
static struct mr_handle *mr_handle_create(const struct mrelease_arm_args *args)
{
	struct mr_handle *handle;
	int ret;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return ERR_PTR(-ENOMEM);
	kref_init(&handle->refs);
	raw_spin_lock_init(&handle->lock);
	init_waitqueue_head(&handle->wait);
	handle->flags = args->flags;

	ret = mr_reserve_init(&handle->reserve);
	if (ret)
		goto err_free;
	handle->pid = mr_compat_pidfd_get_pid(args->pidfd);
	if (IS_ERR(handle->pid)) {
		ret = PTR_ERR(handle->pid);
		goto err_reserve;
	}
	ret = mr_handle_look(handle);
	if (ret)
		goto err_pid;
	ret = mr_watch_begin(handle);
	if (ret)
		goto err_mm;
	return handle;

err_mm:
	mmdrop(handle->mm);
err_pid:
	put_pid(handle->pid);
err_reserve:
	mr_reserve_exit(&handle->reserve);
err_free:
	kfree(handle);
	return ERR_PTR(ret);
}

/**
 * mr_handle_open() - make a victim fd
 * @args: validated
 *
 * Process context, no lock held.
 *
 * Return: a file to be installed, or an ERR_PTR: see MRELEASE_IOC_ARM in
 * <linux/mrelease.h>.
 */
struct file *mr_handle_open(const struct mrelease_arm_args *args)
{
	struct mr_handle *handle;
	struct file *file;

	handle = mr_handle_create(args);
	if (IS_ERR(handle))
		return ERR_CAST(handle);
	file = anon_inode_getfile("[mrelease]", &mr_handle_fops, handle,
				  O_RDWR | (args->fd_flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		mr_watch_end(handle);
		mr_reserve_exit(&handle->reserve);
		kref_put(&handle->refs, mr_handle_free);
	}
	return file;
}

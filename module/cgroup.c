// SPDX-License-Identifier: GPL-2.0-only
/*
 * MRELEASE_IOC_RELEASE_CGROUP: every process of a cgroup v2 and of those below.
 *
 * The kernel's own cgroup.kill asks for the permission on the file, not on each
 * process, and no kernel before 5.14 has it.  So the processes are gone through here,
 * and each is killed as by its pidfd, again and again until there is nobody new.  A
 * pass goes from the first to the last, and whoever is made meanwhile comes after the
 * last; a parent that has been killed makes no more.  Killing one takes less than
 * making one, so a pass ends, and the next finds only the few that were being made.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "module/compat/cgroup.h"
#include "module/copy.h"
#include "module/crowd.h"
#include "module/device.h"
#include "module/forks.h"
#include "module/many.h"
#include "module/report.h"
#include "module/sharers.h"
#include "module/symbols.h"
#include "module/target.h"

static_assert(sizeof(struct mrelease_cgroup_args) == MR_CGROUP_SIZE_VER0);
static_assert(offsetof(struct mrelease_cgroup_args, total) == MR_CGROUP_HEAD);

/* Room for those who are made until all are dead. */
#define MR_CGROUP_SPARE		64

/*
 * struct mr_cgroup_call - one call; lives on the caller's stack
 * @rq: for its deadline; rq.result is @total
 * @total: the sum
 * @crowd: those who have been found
 * @known: hash table of them by struct pid: index + 1, 0 where there is none
 * @bits: binary logarithm of its size
 * @signalled: how many have been killed
 * @beyond: those of them for whom there is no room in @crowd
 * @refused: somebody for whom there is no room must not be killed
 */
struct mr_cgroup_call {
	struct mr_request rq;
	struct mrelease_result total;
	struct mr_crowd crowd;
	u32 *known;
	unsigned int bits;
	unsigned int signalled;
	unsigned int beyond;
	bool refused;
};

/*
 * struct mr_cgroup_iter - a way through all processes
 * @cgrp: of this one, and those below
 * @css: where it is; a reference is held
 * @it: in there
 */
struct mr_cgroup_iter {
	struct cgroup *cgrp;
	struct cgroup_subsys_state *css;
	struct css_task_iter it;
};

/*
 * The one function that calls through a pointer, in code that the kernel's headers
 * have inline: what is called there the kernel itself calls like that, so it has the
 * landing pad that found functions lack.  tests/objects knows it by its name.
 */
static noinline void mr_cgroup_put(struct cgroup_subsys_state *css)
{
	css_put(css);
}

/* The next process: a task that is valid until the next call; or NULL. */
static struct task_struct *mr_cgroup_next(struct mr_cgroup_iter *iter)
{
	struct cgroup_subsys_state *css;
	struct task_struct *task;

	for (;;) {
		if (iter->css) {
			task = mr_call(css_task_iter_next)(&iter->it);
			if (task)
				return task;
			mr_call(css_task_iter_end)(&iter->it);
		}

		rcu_read_lock();
		css = iter->css;
		do {
			css = css_next_descendant_pre(css, &iter->cgrp->self);
		} while (css && !css_tryget(css));
		rcu_read_unlock();

		if (iter->css)
			mr_cgroup_put(iter->css);
		iter->css = css;
		if (!css)
			return NULL;
		cond_resched();
		mr_call(css_task_iter_start)(css, CSS_TASK_ITER_PROCS |
					     CSS_TASK_ITER_THREADED, &iter->it);
	}
}

static unsigned int mr_cgroup_count(struct cgroup *cgrp)
{
	struct mr_cgroup_iter iter = { .cgrp = cgrp };
	unsigned int nr = 0;

	while (mr_cgroup_next(&iter))
		nr++;
	return nr;
}

/* Where in the table this one stands, or would stand; it is never full. */
static u32 *mr_cgroup_slot(const struct mr_cgroup_call *call,
			   const struct pid *pid)
{
	unsigned long i = hash_ptr((void *)pid, call->bits);

	for (;; i = (i + 1) & ((1UL << call->bits) - 1)) {
		u32 *slot = &call->known[i];

		if (!*slot || call->crowd.members[*slot - 1].rq.pid == pid)
			return slot;
	}
}

/* No room to remember it: it is killed all the same. */
static void mr_cgroup_kill_beyond(struct mr_cgroup_call *call,
				  struct task_struct *task, struct pid *pid)
{
	bool used;
	int ret;

	if (mr_process_state(task) != MR_STATE_LIVE)
		return;
	ret = mr_target_kill(pid, NULL, false, &used);
	if (!ret) {
		call->signalled++;
		call->beyond++;
	} else if (ret != -ESRCH) {
		call->refused = true;
	}
}

/* Pin it and kill it, unless that was done before. */
static void mr_cgroup_kill_one(struct mr_cgroup_call *call,
			       struct task_struct *task)
{
	struct pid *pid = get_task_pid(task, PIDTYPE_TGID);
	struct mr_member *member;
	u32 *slot;

	if (!pid)
		return;
	slot = mr_cgroup_slot(call, pid);
	if (*slot)
		goto out;
	member = mr_crowd_add(&call->crowd);
	if (!member) {
		mr_cgroup_kill_beyond(call, task, pid);
		goto out;
	}
	member->rq.pid = get_pid(pid);
	member->rq.task = get_task_struct(task);
	member->pid = pid_nr_ns(pid, task_active_pid_ns(current));
	mr_member_begin(member);
	if (member->error == -ESRCH) {
		/* Dead, or as good as that, before anything was done. */
		mr_crowd_remove(&call->crowd);
		goto out;
	}
	*slot = call->crowd.nr;
	call->signalled += member->result.victims;
out:
	put_pid(pid);
}

/* Once through all of them.  Returns true when somebody new was killed. */
static bool mr_cgroup_pass(struct mr_cgroup_call *call)
{
	struct mr_cgroup_iter iter = { .cgrp = call->crowd.cgrp };
	unsigned int before = call->signalled;
	struct task_struct *task;

	while ((task = mr_cgroup_next(&iter)))
		if (!(task->flags & PF_KTHREAD))
			mr_cgroup_kill_one(call, task);
	return call->signalled != before;
}

/* Kill until nobody is alive.  Returns 0, -EINTR or -ETIMEDOUT. */
static int mr_cgroup_kill(struct mr_cgroup_call *call)
{
	int ret;

	do {
		while (mr_cgroup_pass(call)) {
			ret = mr_request_check(&call->rq);
			if (ret)
				return ret;
		}
		ret = mr_forks_wait(&call->rq);
		if (ret)
			return ret;
	} while (mr_cgroup_pass(call));
	return 0;
}

/* Kill all, release all.  Returns 0 or a negative errno. */
static int mr_cgroup_release(struct mr_cgroup_call *call)
{
	unsigned int before;
	int ret, sum;

	/* Somebody may have been moved in meanwhile. */
	do {
		before = call->signalled;
		ret = mr_cgroup_kill(call);
		mr_crowd_release(&call->crowd);
	} while (!ret && call->signalled != before);

	sum = mr_crowd_total(&call->crowd, &call->total);
	call->total.victims += call->beyond;
	if (call->beyond)
		call->total.notes |= MRELEASE_NOTE_SKIPPED;
	if (sum == -EINTR || !ret)
		ret = sum;
	return ret ?: call->refused ? -EPERM : 0;
}

/* Memory for everything, before anything is done. */
static int mr_cgroup_alloc(struct mr_cgroup_call *call)
{
	unsigned int nr = mr_cgroup_count(call->crowd.cgrp);

	nr = min_t(unsigned int, 2 * nr + MR_CGROUP_SPARE, MRELEASE_CGROUP_MAX);
	call->bits = ilog2(nr) + 2;
	call->known = kvcalloc(1UL << call->bits, sizeof(*call->known),
			       GFP_KERNEL_ACCOUNT);
	if (!call->known)
		return -ENOMEM;
	return mr_crowd_alloc(&call->crowd, nr);
}

/* The cgroup that is meant: a reference, or an ERR_PTR. */
static struct cgroup *mr_cgroup_get(int fd)
{
	struct cgroup *cgrp = cgroup_get_from_fd(fd);
	bool inside;
	int ret = 0;

	if (IS_ERR(cgrp))
		return cgrp;
	rcu_read_lock();
	inside = mr_compat_cgroup_has(cgrp, current);
	rcu_read_unlock();
	if (inside)
		ret = -EINVAL;
	if (cgrp->dom_cgrp != cgrp)
		ret = -EOPNOTSUPP;
	if (!ret)
		return cgrp;
	mr_cgroup_put(&cgrp->self);
	return ERR_PTR(ret);
}

static int mr_cgroup_check(const struct mrelease_cgroup_args *args)
{
	int ret;

	ret = mr_abi_flags_check(args->flags, mr_features());
	if (ret)
		return ret;
	if (!(args->flags & MRELEASE_KILL))
		return -EINVAL;
	return mr_enabled() ? 0 : -EPERM;
}

/* Write to all that will be written to later: the last chance for -EFAULT. */
static int mr_cgroup_clear(struct mrelease_cgroup_args __user *uarg,
			   struct mrelease_cgroup_args *args)
{
	char __user *to = u64_to_user_ptr(args->targets);
	unsigned int i;
	int ret;

	if (!args->targets)
		args->nr = 0;
	if (args->nr) {
		ret = mr_abi_size_check(args->target_size, MR_TARGET_SIZE_VER0);
		if (ret)
			return ret;
	}
	args->nr = min_t(u32, args->nr, MRELEASE_CGROUP_MAX);
	for (i = 0; i < args->nr; i++, to += args->target_size) {
		ret = mr_many_clear(to, args->target_size, -1);
		if (ret)
			return ret;
	}
	return put_user(0, &uarg->nr);
}

static int mr_cgroup_write(struct mrelease_cgroup_args __user *uarg,
			   const struct mrelease_cgroup_args *args,
			   const struct mr_cgroup_call *call)
{
	char __user *to = u64_to_user_ptr(args->targets);
	unsigned int i;
	int ret;

	ret = put_user(call->crowd.nr + call->beyond, &uarg->nr);
	for (i = 0; i < min(args->nr, call->crowd.nr); i++) {
		ret = mr_many_put(to, args->target_size, -1,
				  &call->crowd.members[i]) ?: ret;
		to += args->target_size;
	}
	return ret;
}

/**
 * mr_ioctl_cgroup() - MRELEASE_IOC_RELEASE_CGROUP
 * @uarg: struct mrelease_cgroup_args
 *
 * Return: 0 or a negative errno, see <linux/mrelease.h>.
 */
long mr_ioctl_cgroup(void __user *uarg)
{
	void __user *utotal = uarg + MR_CGROUP_HEAD;
	struct mr_cgroup_call call = {
		.rq.start = ktime_get(),
		.rq.deadline = KTIME_MAX,
	};
	struct mrelease_cgroup_args args = {};
	u32 size;
	int ret;

	if (!(mr_features() & MRELEASE_FEAT_CMD(3)))
		return -ENOTTY;
	ret = mr_copy_size(uarg, MR_CGROUP_SIZE_VER0, &size) ?:
	      copy_struct_from_user(&args, sizeof(args), uarg, size) ?:
	      mr_copy_out(utotal, size - MR_CGROUP_HEAD, &call.total,
			  sizeof(call.total)) ?:
	      mr_cgroup_clear(uarg, &args) ?:
	      mr_cgroup_check(&args);
	if (ret)
		return mr_report_refused(args.flags, ret);

	if (args.timeout_ms)
		call.rq.deadline = ktime_add_ms(call.rq.start, args.timeout_ms);
	call.rq.result = &call.total;
	call.crowd.flags = args.flags;
	call.crowd.start = call.rq.start;
	call.crowd.deadline = call.rq.deadline;
	call.crowd.cgrp = mr_cgroup_get(args.cgroup_fd);
	if (IS_ERR(call.crowd.cgrp))
		return mr_report_refused(args.flags, PTR_ERR(call.crowd.cgrp));
	ret = mr_cgroup_alloc(&call);
	if (ret) {
		mr_report_refused(args.flags, ret);
		goto out;
	}

	ret = mr_cgroup_release(&call);
	call.total.elapsed_ns = ktime_to_ns(ktime_sub(ktime_get(), call.rq.start));
	if (mr_cgroup_write(uarg, &args, &call) ||
	    mr_copy_out(utotal, size - MR_CGROUP_HEAD, &call.total,
			sizeof(call.total)))
		ret = -EFAULT;
out:
	mr_crowd_free(&call.crowd);
	kvfree(call.known);
	mr_cgroup_put(&call.crowd.cgrp->self);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * MRELEASE_IOC_RELEASE_MANY: an array of victims.
 */
#include <linux/pid_namespace.h>

#include "module/copy.h"
#include "module/crowd.h"
#include "module/device.h"
#include "module/many.h"
#include "module/report.h"

static_assert(sizeof(struct mrelease_target) == MR_TARGET_SIZE_VER0);
static_assert(sizeof(struct mrelease_many_args) == MR_MANY_SIZE_VER0);
static_assert(offsetof(struct mrelease_many_args, total) == MR_MANY_HEAD);

/**
 * mr_many_put() - tell the caller of one victim
 * @to: an element of the caller's array
 * @size: of such an element
 * @pidfd: as it stands there
 * @member: what came of it
 *
 * Return: 0 or -EFAULT.
 */
int mr_many_put(void __user *to, u32 size, s32 pidfd,
		const struct mr_member *member)
{
	struct mrelease_target target = {
		.pidfd = pidfd,
		.error = member->error,
		.pid = member->pid,
		.result = member->result,
	};

	return mr_copy_out(to, size, &target, sizeof(target));
}

/**
 * mr_many_clear() - write zeroes where a result is going to stand
 * @to: an element of the caller's array
 * @size: of such an element
 * @pidfd: as it stands there
 *
 * Return: 0 or -EFAULT.
 */
int mr_many_clear(void __user *to, u32 size, s32 pidfd)
{
	struct mrelease_target target = {
		.pidfd = pidfd,
	};

	return mr_copy_out(to, size, &target, sizeof(target));
}

/* Read the array, and write it: the last chance for -EFAULT. */
static int mr_many_read(struct mr_crowd *crowd,
			const struct mrelease_many_args *args)
{
	char __user *to = u64_to_user_ptr(args->targets);
	struct mrelease_target target;
	struct mr_member *member;
	unsigned int i;
	int ret;

	for (i = 0; i < args->nr; i++, to += args->target_size) {
		ret = copy_struct_from_user(&target, sizeof(target), to,
					    args->target_size);
		if (ret)
			return ret;
		if (target.pad)
			return -EINVAL;
		ret = mr_many_clear(to, args->target_size, target.pidfd);
		if (ret)
			return ret;
		member = mr_crowd_add(crowd);
		member->rq.pidfd = target.pidfd;
	}
	return 0;
}

static int mr_many_write(const struct mr_crowd *crowd,
			 const struct mrelease_many_args *args)
{
	char __user *to = u64_to_user_ptr(args->targets);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < args->nr; i++, to += args->target_size)
		ret = mr_many_put(to, args->target_size,
				  crowd->members[i].rq.pidfd,
				  &crowd->members[i]) ?: ret;
	return ret;
}

/* Find all, kill all, release all. */
static void mr_many_release(struct mr_crowd *crowd)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct mr_member *member;
	unsigned int i;
	int ret;

	for (i = 0; i < crowd->nr; i++) {
		member = &crowd->members[i];
		ret = mr_release_find(&member->rq);
		if (ret)
			mr_member_done(member, ret);
		else
			member->pid = pid_nr_ns(member->rq.pid, ns);
	}
	mr_crowd_twins(crowd);
	for (i = 0; i < crowd->nr; i++) {
		member = &crowd->members[i];
		if (member->twin)
			member->progress = MR_PROGRESS_DONE;
		else if (member->progress == MR_PROGRESS_NONE)
			mr_member_begin(member);
	}
	mr_crowd_release(crowd);
}

static int mr_many_check(const struct mrelease_many_args *args)
{
	int ret;

	ret = mr_abi_size_check(args->target_size, MR_TARGET_SIZE_VER0);
	if (ret)
		return ret;
	if (args->pad)
		return -EINVAL;
	if (args->nr > MRELEASE_MANY_MAX)
		return -E2BIG;
	ret = mr_abi_flags_check(args->flags, mr_features());
	if (ret)
		return ret;
	return mr_enabled() ? 0 : -EPERM;
}

/**
 * mr_ioctl_many() - MRELEASE_IOC_RELEASE_MANY
 * @uarg: struct mrelease_many_args
 *
 * Return: 0 or a negative errno, see <linux/mrelease.h>.
 */
long mr_ioctl_many(void __user *uarg)
{
	void __user *utotal = uarg + MR_MANY_HEAD;
	struct mr_crowd crowd = {
		.start = ktime_get(),
		.deadline = KTIME_MAX,
	};
	struct mrelease_result total = {};
	struct mrelease_many_args args = {};
	u32 size;
	int ret;

	ret = mr_copy_size(uarg, MR_MANY_SIZE_VER0, &size) ?:
	      copy_struct_from_user(&args, sizeof(args), uarg, size) ?:
	      mr_copy_out(utotal, size - MR_MANY_HEAD, &total, sizeof(total)) ?:
	      mr_many_check(&args);
	if (ret)
		return mr_report_refused(args.flags, ret);

	crowd.flags = args.flags;
	if (args.timeout_ms)
		crowd.deadline = ktime_add_ms(crowd.start, args.timeout_ms);
	ret = mr_crowd_alloc(&crowd, args.nr) ?: mr_many_read(&crowd, &args);
	if (ret) {
		mr_report_refused(args.flags, ret);
		goto out;
	}

	mr_many_release(&crowd);
	ret = mr_crowd_total(&crowd, &total);
	/* What became of each stands there. */
	if (ret == -EPERM)
		ret = 0;
	total.elapsed_ns = ktime_to_ns(ktime_sub(ktime_get(), crowd.start));
	if (mr_many_write(&crowd, &args) ||
	    mr_copy_out(utotal, size - MR_MANY_HEAD, &total, sizeof(total)))
		ret = -EFAULT;
out:
	mr_crowd_free(&crowd);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/mrelease: copy in, validate, dispatch, copy out.
 */
#include <linux/file.h>

#include "module/copy.h"
#include "module/device.h"
#include "module/handle.h"
#include "module/many.h"
#include "module/report.h"
#include "module/request.h"
#include "module/symbols.h"

static_assert(sizeof(struct mrelease_info) == MR_INFO_SIZE_VER0);
static_assert(sizeof(struct mrelease_args) == MR_ARGS_SIZE_VER0);
static_assert(sizeof(struct mrelease_arm_args) == MR_ARM_SIZE_VER0);
static_assert(offsetof(struct mrelease_args, result) == MR_ARGS_HEAD);

/**
 * mr_features() - what works on this kernel
 *
 * Return: MRELEASE_* flags and MRELEASE_FEAT_* bits.
 */
u64 mr_features(void)
{
	return MR_FLAGS | MR_COMMANDS | mr_symbols_features();
}

static long mr_ioctl_info(void __user *uarg)
{
	struct mrelease_info info = {
		.abi_version = MRELEASE_ABI_VERSION,
		.features = mr_features(),
		.primitive = MR_ZAP_NAME,
		.version = MR_VERSION,
	};
	u32 size;
	int ret;

	ret = mr_copy_size(uarg, MR_INFO_SIZE_VER0, &size);
	if (ret)
		return ret;
	if (size > sizeof(info)) {
		/* All but the size is output, yet an unknown tail may be input. */
		ret = check_zeroed_user(uarg + sizeof(info), size - sizeof(info));
		if (ret <= 0)
			return ret ?: -E2BIG;
	}
	info.size = size;
	return mr_copy_out(uarg, size, &info, sizeof(info));
}

static int mr_release_check(const struct mrelease_args *args,
			    const struct mr_handle *handle)
{
	int ret;

	ret = mr_abi_flags_check(args->flags, mr_features());
	if (ret)
		return ret;
	/* A victim fd has its victim. */
	if (handle && args->pidfd != -1)
		return -EINVAL;
	return mr_enabled() ? 0 : -EPERM;
}

static long mr_ioctl_release(void __user *uarg, struct mr_handle *handle)
{
	struct mrelease_result __user *uresult = uarg + MR_ARGS_HEAD;
	struct mrelease_result result = {};
	struct mr_request rq = {
		.handle = handle,
		.start = ktime_get(),
		.deadline = KTIME_MAX,
		.result = &result,
	};
	struct mrelease_args args = {};
	u32 size;
	int ret;

	ret = mr_copy_size(uarg, MR_ARGS_SIZE_VER0, &size) ?:
	      copy_struct_from_user(&args, sizeof(args), uarg, size) ?:
	      /* Last chance for EFAULT: nothing has been done yet. */
	      mr_copy_out(uresult, size - MR_ARGS_HEAD, &result, sizeof(result)) ?:
	      mr_release_check(&args, handle);
	if (ret)
		return mr_report_refused(args.flags, ret);

	rq.pidfd = args.pidfd;
	rq.flags = args.flags;
	if (args.timeout_ms)
		rq.deadline = ktime_add_ms(rq.start, args.timeout_ms);

	ret = mr_release(&rq);

	result.elapsed_ns = ktime_to_ns(ktime_sub(ktime_get(), rq.start));
	if (mr_copy_out(uresult, size - MR_ARGS_HEAD, &result, sizeof(result)))
		ret = -EFAULT;
	return ret;
}

static long mr_ioctl_arm(struct mrelease_arm_args __user *uarg)
{
	struct mrelease_arm_args args;
	struct file *file;
	u32 size;
	int ret;

	ret = mr_copy_size(uarg, MR_ARM_SIZE_VER0, &size) ?:
	      copy_struct_from_user(&args, sizeof(args), uarg, size) ?:
	      mr_abi_arm_check(&args, mr_features());
	if (ret)
		return ret;
	if (!mr_enabled())
		return -EPERM;

	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0)
		return args.fd;
	file = mr_handle_open(&args);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_fd;
	}
	if (put_user(args.fd, &uarg->fd)) {
		ret = -EFAULT;
		goto err_put_file;
	}
	fd_install(args.fd, file);
	return 0;

err_put_file:
	fput(file);
err_put_fd:
	put_unused_fd(args.fd);
	return ret;
}

/* A victim fd, which is not NULL then, knows the first two only. */
static long mr_ioctl_any(struct mr_handle *handle, unsigned int cmd,
			 void __user *uarg)
{
	if (_IOC_TYPE(cmd) != MRELEASE_IOC_TYPE)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(MRELEASE_IOC_INFO):
		return mr_ioctl_info(uarg);
	case _IOC_NR(MRELEASE_IOC_RELEASE):
		return mr_ioctl_release(uarg, handle);
	}
	if (handle)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(MRELEASE_IOC_RELEASE_MANY):
		return mr_ioctl_many(uarg);
	case _IOC_NR(MRELEASE_IOC_RELEASE_CGROUP):
		return mr_ioctl_cgroup(uarg);
	case _IOC_NR(MRELEASE_IOC_ARM):
		return mr_ioctl_arm(uarg);
	default:
		return -ENOTTY;
	}
}

/**
 * mr_ioctl() - entry of every command on the device
 * @file: not used, an open device has no state
 * @cmd: type and number count; the size encoded in it does not
 * @arg: user pointer to the structure of the command
 *
 * Return: 0 or a negative errno, see <linux/mrelease.h>.
 */
long mr_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mr_ioctl_any(NULL, cmd, (void __user *)arg);
}

/**
 * mr_handle_ioctl() - entry of every command on a victim fd
 * @file: the victim fd
 * @cmd: as mr_ioctl()
 * @arg: as mr_ioctl()
 *
 * Return: 0 or a negative errno, see <linux/mrelease.h>.
 */
long mr_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mr_ioctl_any(file->private_data, cmd, (void __user *)arg);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Validation of arguments, see abi.h.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/fcntl.h>
#else
#include <errno.h>
#include <fcntl.h>
#endif

#include "module/abi.h"

/**
 * mr_abi_size_check() - is this a size that a caller may name?
 * @size: what the structure says of itself
 * @first: size of its first version
 *
 * A larger size than ours is allowed as long as the unknown tail is zero; that
 * is for the copy to find out.
 *
 * Return: 0, -EINVAL when too small, -E2BIG when absurd.
 */
int mr_abi_size_check(__u32 size, __u32 first)
{
	if (size < first)
		return -EINVAL;
	if (size > MR_SIZE_MAX)
		return -E2BIG;
	return 0;
}

/**
 * mr_abi_flags_check() - are these flags that can be honoured?
 * @flags: MRELEASE_* from the caller
 * @usable: those that work on this kernel
 *
 * Return: 0, or -EINVAL for an unknown flag, one that is not usable, or a
 * combination that makes no sense.
 */
int mr_abi_flags_check(__u32 flags, __u32 usable)
{
	if (flags & ~usable)
		return -EINVAL;
	if ((flags & MRELEASE_KILL_SHARERS) && !(flags & MRELEASE_KILL))
		return -EINVAL;
	return 0;
}

/**
 * mr_abi_arm_check() - can this victim fd be had?
 * @args: from the caller
 * @features: mrelease_info.features
 *
 * Return: 0, or -EINVAL for an unknown flag, one that this kernel has not, or
 * padding that is not zero.
 */
int mr_abi_arm_check(const struct mrelease_arm_args *args, __u64 features)
{
	if (args->flags & ~MRELEASE_TEARDOWN)
		return -EINVAL;
	if (args->flags && !(features & MRELEASE_FEAT_TAKEOVER))
		return -EINVAL;
	if (args->fd_flags & ~O_NONBLOCK)
		return -EINVAL;
	if (args->pad)
		return -EINVAL;
	if (args->reserved[0] || args->reserved[1] || args->reserved[2] ||
	    args->reserved[3])
		return -EINVAL;
	return 0;
}

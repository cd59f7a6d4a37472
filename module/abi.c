// SPDX-License-Identifier: GPL-2.0-only
/*
 * Validation of arguments, see abi.h.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of the ABI between here and the caller.
 */
#ifndef _MR_COPY_H
#define _MR_COPY_H

#include <linux/uaccess.h>

#include "module/abi.h"

/* Every structure begins with its size, as the caller knows it. */
static inline int mr_copy_size(void __user *uarg, u32 first, u32 *size)
{
	if (get_user(*size, (u32 __user *)uarg))
		return -EFAULT;
	return mr_abi_size_check(*size, first);
}

/*
 * Write an output of @ksize bytes to where the caller has room for @usize,
 * with zeroes for what a newer caller has beyond ours.
 */
static inline int mr_copy_out(void __user *to, size_t usize, const void *from,
			      size_t ksize)
{
	size_t n = min(usize, ksize);

	if (copy_to_user(to, from, n))
		return -EFAULT;
	if (usize > n && clear_user(to + n, usize - n))
		return -EFAULT;
	return 0;
}

#endif /* _MR_COPY_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MRELEASE_IOC_RELEASE_MANY and MRELEASE_IOC_RELEASE_CGROUP.
 */
#ifndef _MR_MANY_H
#define _MR_MANY_H

#include <linux/compiler_types.h>

struct mr_member;

long mr_ioctl_many(void __user *uarg);
long mr_ioctl_cgroup(void __user *uarg);
int mr_many_clear(void __user *to, u32 size, s32 pidfd);
int mr_many_put(void __user *to, u32 size, s32 pidfd,
		const struct mr_member *member);

#endif /* _MR_MANY_H */

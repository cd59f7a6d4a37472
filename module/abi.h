/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a caller may ask for, as far as it can be said without looking at a
 * process.  Pure: also compiled for user space by the unit tests.
 */
#ifndef _MR_ABI_H
#define _MR_ABI_H

#include <linux/mrelease.h>

/* Sizes of the first version of each structure; they never change. */
#define MR_INFO_SIZE_VER0	128
#define MR_ARGS_SIZE_VER0	144
#define MR_TARGET_SIZE_VER0	144
#define MR_MANY_SIZE_VER0	160
#define MR_CGROUP_SIZE_VER0	160
#define MR_ARM_SIZE_VER0	56

/* Where the input part of a structure ends; what follows is output only. */
#define MR_ARGS_HEAD		16
#define MR_MANY_HEAD		32
#define MR_CGROUP_HEAD		32

/* No structure of this ABI is ever larger, as for clone3() and openat2(). */
#define MR_SIZE_MAX		4096

/* The flags that this build implements on every kernel. */
#define MR_FLAGS		(MRELEASE_KILL | MRELEASE_SHARED | MRELEASE_HUGETLB | \
				 MRELEASE_KILL_SHARERS | MRELEASE_TEARDOWN)

/* The commands that this build implements on every kernel. */
#define MR_COMMANDS		(MRELEASE_FEAT_CMD(0) | MRELEASE_FEAT_CMD(1) | \
				 MRELEASE_FEAT_CMD(2) | MRELEASE_FEAT_CMD(4))

int mr_abi_size_check(__u32 size, __u32 first);
int mr_abi_flags_check(__u32 flags, __u32 usable);
int mr_abi_arm_check(const struct mrelease_arm_args *args, __u64 features);

#endif /* _MR_ABI_H */

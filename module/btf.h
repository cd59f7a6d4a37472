/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading prototypes of functions out of BTF, the kernel's description of its
 * own types.  Pure: also compiled for user space by the unit tests.
 *
 * What is read is not trusted to be well formed: nothing outside of it is ever
 * looked at, and whatever makes no sense is an error.
 */
#ifndef _MR_BTF_H
#define _MR_BTF_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#endif

/* A prototype as text, cut off when it is longer. */
#define MR_BTF_TEXT	256

/**
 * struct mr_btf - BTF that has been looked through
 * @types: the section of types
 * @types_size: its size in bytes
 * @strings: the section of strings, whose last byte is 0
 * @strings_size: its size in bytes
 * @index: where each type begins in @types; the first one has the number 1
 * @nr: number of types, and the highest number
 */
struct mr_btf {
	const char *types;
	size_t types_size;
	const char *strings;
	size_t strings_size;
	__u32 *index;
	__u32 nr;
};

size_t mr_btf_index_size(size_t size);
int mr_btf_init(struct mr_btf *btf, const void *data, size_t size, __u32 *index);
int mr_btf_compare(const struct mr_btf *btf, const char *name,
		   const char *prototype, char found[MR_BTF_TEXT]);

#endif /* _MR_BTF_H */

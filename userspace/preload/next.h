/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The next syscall() behind ours: that of the C library, or of another drop-in.
 *
 * It is declared with six arguments where the C library has "...": on the
 * architectures of Linux both are passed alike, and a function with a fixed
 * number of them can hand all on by a jump, without a stack frame of its own.
 */
#ifndef MRELEASE_NEXT_H
#define MRELEASE_NEXT_H

typedef long mr_syscall_fn(long nr, long a, long b, long c, long d, long e,
			   long f);

/* NULL until it was looked for. */
extern void *mr_next;

/* Leaves errno alone. */
mr_syscall_fn *mr_next_find(void);

/* Stands for syscall() in all that is compiled into the drop-in. */
mr_syscall_fn mr_next_syscall;

#endif /* MRELEASE_NEXT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lists of robust futexes that a thread has registered.
 */
#ifndef _MR_COMPAT_FUTEX_H
#define _MR_COMPAT_FUTEX_H

#include <linux/sched.h>

/* 7.1 or 7.2 put what futexes need of a task into a structure of its own. */
#ifdef MR_HAVE_FUTEX_SCHED_DATA
#define mr_compat_futex(t)	((t)->futex)
#else
#define mr_compat_futex(t)	(*(t))
#endif

/*
 * The address of the head of the list, in the address space of @t.  0 when there
 * is none, or when @t is through with it on its way out: the kernel forgets the
 * address when it has followed the list.
 */
static inline unsigned long mr_compat_robust_list(const struct task_struct *t)
{
#ifdef CONFIG_FUTEX
	return (unsigned long)READ_ONCE(mr_compat_futex(t).robust_list);
#else
	return 0;
#endif
}

/* The same for the list of 32-bit programs, which a thread may have as well. */
static inline unsigned long mr_compat_robust_list32(const struct task_struct *t)
{
#if defined(CONFIG_FUTEX) && defined(CONFIG_COMPAT)
	return (unsigned long)READ_ONCE(mr_compat_futex(t).compat_robust_list);
#else
	return 0;
#endif
}

#endif /* _MR_COMPAT_FUTEX_H */

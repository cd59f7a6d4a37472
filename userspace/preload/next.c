// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "next.h"

void *mr_next;

mr_syscall_fn *mr_next_find(void)
{
	mr_syscall_fn *fn;
	int saved = errno;

	fn = dlsym(RTLD_NEXT, "syscall");
	__atomic_store_n(&mr_next, fn, __ATOMIC_RELAXED);
	errno = saved;
	return fn;
}

/* Other libraries may be started before this one, and use it. */
long mr_next_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	mr_syscall_fn *fn;

	fn = __atomic_load_n(&mr_next, __ATOMIC_RELAXED);
	if (!fn)
		fn = mr_next_find();
	return fn(nr, a, b, c, d, e, f);
}

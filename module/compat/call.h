/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calling a function whose address was found.
 *
 * Where the kernel has static calls, they are direct, and any function can be
 * called so.  Elsewhere, as on arm64, static_call() goes through a pointer.  That
 * asks nothing of the function, unless the kernel guards its own text: then the
 * function must begin with a landing pad, which compilers leave out where they
 * see no address taken.
 */
#ifndef _MR_COMPAT_CALL_H
#define _MR_COMPAT_CALL_H

#include <linux/types.h>

#include "module/landing.h"

#ifdef CONFIG_ARM64
#include <asm/cpufeature.h>
#endif

/* Checks a hash before the function, which has none if its address is not taken. */
#if (defined(CONFIG_CFI) || defined(CONFIG_CFI_CLANG)) && \
	!defined(CONFIG_HAVE_STATIC_CALL)
#error "mrelease: calls to found functions would fail this kernel's CONFIG_CFI"
#endif

/* Is a call through a pointer to a function without a landing pad a fault? */
static inline bool mr_compat_text_guarded(void)
{
#if defined(CONFIG_ARM64) && !defined(CONFIG_HAVE_STATIC_CALL)
	return IS_ENABLED(CONFIG_ARM64_BTI_KERNEL) && system_supports_bti();
#else
	return false;
#endif
}

/* May mr_call() call the function at @addr? */
static inline bool mr_compat_callable(const void *addr)
{
	return !mr_compat_text_guarded() || mr_landing_pad(*(const u32 *)addr);
}

#endif /* _MR_COMPAT_CALL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reap primitive: unmap a range of one VMA, with MMU notifier, TLB batch
 * and freeing of the pages.  Every kernel has exactly one such function, under
 * a name of its time:
 *
 *  - up to 6.2: zap_page_range(vma, start, size); it runs on into the VMAs that
 *    follow, so the range must lie within one;
 *  - 6.3 to 7.0: zap_page_range_single(vma, start, size, details);
 *  - from 7.1: zap_vma_range(vma, start, size).
 *
 * Debian exports it for its binder modules; elsewhere it is found like the
 * other symbols.  An exported one is preferred, since modversions check it.
 *
 * All may sleep; the caller holds the mmap lock for reading.
 */
#ifndef _MR_COMPAT_ZAP_H
#define _MR_COMPAT_ZAP_H

#include <linux/mm.h>

struct zap_details;

#if defined(MR_HAVE_ZAP_VMA_RANGE)
#define MR_ZAP_NAME	"zap_vma_range"
#define MR_ZAP_DECLARE(declare, sym) declare(sym, void, struct vm_area_struct *, \
					     unsigned long, unsigned long)
#define MR_ZAP_CALL(f, vma, start, size) f(vma, start, size)
#ifdef MR_EXPORTED_ZAP_VMA_RANGE
#define MR_ZAP_EXPORTED	zap_vma_range
#endif

#elif defined(MR_HAVE_ZAP_PAGE_RANGE)
#define MR_ZAP_NAME	"zap_page_range"
#define MR_ZAP_DECLARE(declare, sym) declare(sym, void, struct vm_area_struct *, \
					     unsigned long, unsigned long)
#define MR_ZAP_CALL(f, vma, start, size) f(vma, start, size)
#ifdef MR_EXPORTED_ZAP_PAGE_RANGE
#define MR_ZAP_EXPORTED	zap_page_range
#endif

#elif defined(MR_HAVE_ZAP_PAGE_RANGE_SINGLE)
#define MR_ZAP_NAME	"zap_page_range_single"
#define MR_ZAP_DECLARE(declare, sym) declare(sym, void, struct vm_area_struct *, \
					     unsigned long, unsigned long,	\
					     struct zap_details *)
#define MR_ZAP_CALL(f, vma, start, size) f(vma, start, size, NULL)
#ifdef MR_EXPORTED_ZAP_PAGE_RANGE_SINGLE
#define MR_ZAP_EXPORTED	zap_page_range_single
#endif

#else
#error "mrelease: no zap_vma_range(), zap_page_range_single() or zap_page_range()"
#endif

#endif /* _MR_COMPAT_ZAP_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making freed pages visible in MemFree.
 */
#ifndef _MR_COMPAT_DRAIN_H
#define _MR_COMPAT_DRAIN_H

#include <linux/mrelease.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "module/symbols.h"

/*
 * Give the free pages that this CPU keeps for itself back to the buddy
 * allocator.  Since 6.7 these lists grow with what passes through them, to
 * tens of MiB, and neither MemFree nor MemAvailable counts them.
 *
 * drain_local_pages() wants to stay on its CPU.  Until 6.1 it does not lock the
 * list but disables interrupts; before 5.11 there is no migrate_disable() for
 * kernels without PREEMPT_RT other than disabling preemption itself.
 */
static inline void mr_compat_drain(void)
{
	if (!(mr_symbols_features() & MRELEASE_FEAT_VISIBLE))
		return;
	migrate_disable();
	mr_call(drain_local_pages)(NULL);
	migrate_enable();
}

/*
 * The same for all CPUs: what a work queue of the kernel's has freed is where that
 * ran.  Since 6.0 the lists have a lock, and drain_all_pages() empties those of
 * other CPUs from here; before, it waited for a work item on each of them, which
 * may be busy for good, but then the lists were also small.
 */
static inline void mr_compat_drain_all(void)
{
#ifdef MR_HAVE_PCP_LOCK
	if (mr_symbols_features() & MRELEASE_FEAT_VISIBLE)
		mr_call(drain_all_pages)(NULL);
#else
	mr_compat_drain();
#endif
}

#endif /* _MR_COMPAT_DRAIN_H */

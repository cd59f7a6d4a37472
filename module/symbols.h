/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel functions that are not exported: their prototypes, and how they are
 * called.
 *
 * An address found at run time must never be called through a pointer: on CPUs
 * with indirect branch tracking every such function lacks its landing pad
 * (6.2 and later seal it) and the call is a BUG.  static_call() patches a
 * direct call into the text instead.  Hence mr_call(function)(arguments), and
 * never from __init text, whose call sites are not patched after loading.
 */
#ifndef _MR_SYMBOLS_H
#define _MR_SYMBOLS_H

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/static_call.h>

#include "module/compat/folio.h"
#include "module/compat/zap.h"

#define mr_call(sym)	static_call(mr_##sym)

/*
 * Prototypes as the kernel has them, under names of our own, since some of
 * them also stand in a header.  Nothing is ever defined under these names.
 */

/* kernel/pid.c, kernel/fork.c before 5.10; same prototype from 5.10 to 7.3 */
struct pid *mr_proto_pidfd_get_pid(unsigned int fd, unsigned int *flags);
DECLARE_STATIC_CALL(mr_pidfd_get_pid, mr_proto_pidfd_get_pid);

/* kernel/signal.c, static; same prototype from 2.6.24 to 7.3 */
int mr_proto_check_kill_permission(int sig, struct kernel_siginfo *info,
				   struct task_struct *t);
DECLARE_STATIC_CALL(mr_check_kill_permission, mr_proto_check_kill_permission);

/* kernel/signal.c; same prototype from 4.19 to 7.3 */
int mr_proto_do_send_sig_info(int sig, struct kernel_siginfo *info,
			      struct task_struct *p, enum pid_type type);
DECLARE_STATIC_CALL(mr_do_send_sig_info, mr_proto_do_send_sig_info);

/* mm/page_alloc.c; same prototype from 3.19 to 7.3 */
void mr_proto_drain_local_pages(struct zone *zone);
DECLARE_STATIC_CALL(mr_drain_local_pages, mr_proto_drain_local_pages);

/* mm/filemap.c; same prototype from 5.17 to 7.3 */
void mr_proto_delete_from_page_cache_batch(struct address_space *mapping,
					   struct folio_batch *fbatch);
DECLARE_STATIC_CALL(mr_delete_from_page_cache_batch,
		    mr_proto_delete_from_page_cache_batch);

#ifdef MR_ZAP_EXPORTED
#define mr_zap	MR_ZAP_EXPORTED
#else
MR_ZAP_PROTO(mr_proto_zap);
DECLARE_STATIC_CALL(mr_zap, mr_proto_zap);
#define mr_zap	mr_call(zap)
#endif

/*
 * Unmap part of one VMA and free what nobody else uses.  The caller holds the
 * mmap lock for reading.  May sleep.
 */
static inline void mr_vma_zap(struct vm_area_struct *vma, unsigned long start,
			      unsigned long end)
{
	MR_ZAP_CALL(mr_zap, vma, start, end - start);
}

int mr_symbols_init(void);
u64 mr_symbols_features(void);

#endif /* _MR_SYMBOLS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel functions that are not exported: their prototypes, and how they are
 * called.
 *
 * On x86 an address found at run time must never be called through a pointer: on
 * CPUs with indirect branch tracking every such function lacks its landing pad
 * (6.2 and later seal it) and the call is a BUG.  static_call() patches a
 * direct call into the text instead.  Hence mr_call(function)(arguments), and
 * never from __init text, whose call sites are not patched after loading.
 * For architectures without that see compat/call.h.
 */
#ifndef _MR_SYMBOLS_H
#define _MR_SYMBOLS_H

#include <linux/cgroup.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/static_call.h>

#include "module/compat/folio.h"
#include "module/compat/zap.h"

#define mr_call(sym)	static_call(mr_##sym)

/*
 * Declare a function by its return type and the types of its parameters, as the
 * kernel has them: for the compiler, under a name of our own, since some of them
 * also stand in a header (nothing is ever defined under it); and, by the same
 * words, as the text that is compared with the kernel's BTF when the module is
 * loaded.  The words are C's shortest, "unsigned long" and not "long unsigned int";
 * a macro among them is expanded before either.
 */
#define MR_DECLARE_SYMBOL(sym, ret, ...)				\
	MR_DECLARE_EXPANDED(sym, ret, __VA_ARGS__)
#define MR_DECLARE_EXPANDED(sym, ret, ...)				\
ret mr_proto_##sym(__VA_ARGS__);					\
DECLARE_STATIC_CALL(mr_##sym, mr_proto_##sym);				\
static const char mr_text_##sym[] __maybe_unused __initconst =		\
	#ret " (" #__VA_ARGS__ ")"

/* kernel/pid.c, kernel/fork.c before 5.10; same prototype from 5.10 to 7.3 */
MR_DECLARE_SYMBOL(pidfd_get_pid, struct pid *, unsigned int, unsigned int *);

/* kernel/signal.c, static; same prototype from 2.6.24 to 7.3 */
MR_DECLARE_SYMBOL(check_kill_permission, int, int, struct kernel_siginfo *,
		  struct task_struct *);

/* kernel/signal.c; same prototype from 4.19 to 7.3 */
MR_DECLARE_SYMBOL(do_send_sig_info, int, int, struct kernel_siginfo *,
		  struct task_struct *, enum pid_type);

/* mm/page_alloc.c; same prototype from 3.19 to 7.3 */
MR_DECLARE_SYMBOL(drain_local_pages, void, struct zone *);

/* mm/page_alloc.c; same prototype from 3.19 to 7.3 */
MR_DECLARE_SYMBOL(drain_all_pages, void, struct zone *);

/* mm/filemap.c; same prototype from 4.16 to 7.3, but for the type of the batch */
MR_DECLARE_SYMBOL(delete_from_page_cache_batch, void, struct address_space *,
		  MR_FOLIO_BATCH *);

/* kernel/cgroup/cgroup.c; same prototypes from 4.14 to 7.3 */
MR_DECLARE_SYMBOL(css_task_iter_start, void, struct cgroup_subsys_state *,
		  unsigned int, struct css_task_iter *);
MR_DECLARE_SYMBOL(css_task_iter_next, struct task_struct *,
		  struct css_task_iter *);
MR_DECLARE_SYMBOL(css_task_iter_end, void, struct css_task_iter *);

/*
 * kernel/taskstats.c; same prototype from 2.6.19 to 7.3.  Never called: the exit of
 * each thread passes here, see watch.c.
 */
MR_DECLARE_SYMBOL(taskstats_exit, void, struct task_struct *, int);

#ifdef MR_ZAP_EXPORTED
#define mr_zap	MR_ZAP_EXPORTED
#else
MR_ZAP_DECLARE(MR_DECLARE_SYMBOL, zap);
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

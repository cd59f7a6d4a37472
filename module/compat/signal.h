/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct signal_struct: what tells that a process is on its way out.
 */
#ifndef _MR_COMPAT_SIGNAL_H
#define _MR_COMPAT_SIGNAL_H

#include <linux/sched/signal.h>

/*
 * Is a core dump in progress?  5.17 replaced SIGNAL_GROUP_COREDUMP by a pointer
 * in the signal struct, which until then stood in the mm.
 */
static inline bool mr_compat_signal_dumping(struct signal_struct *sig)
{
#ifdef SIGNAL_GROUP_COREDUMP
	return READ_ONCE(sig->flags) & SIGNAL_GROUP_COREDUMP;
#else
	return READ_ONCE(sig->core_state);
#endif
}

#endif /* _MR_COMPAT_SIGNAL_H */

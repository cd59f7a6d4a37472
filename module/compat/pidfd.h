/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a pidfd to the struct pid that it names.
 */
#ifndef _MR_COMPAT_PIDFD_H
#define _MR_COMPAT_PIDFD_H

#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <uapi/linux/pidfd.h>

#include "module/symbols.h"

/*
 * Returns a reference, or an ERR_PTR: -EBADF for what is no pidfd.
 *
 * pidfd_get_task(), which 5.15 added and process_mrelease(2) uses, does the
 * same and takes the task; 5.10 has only this one.  From 6.15 it also knows
 * names for the caller itself, which are no file descriptors.
 */
static inline struct pid *mr_compat_pidfd_get_pid(int pidfd)
{
	unsigned int flags;

#ifdef PIDFD_SELF_THREAD_GROUP
	if (pidfd == PIDFD_SELF_THREAD_GROUP || pidfd == PIDFD_SELF_THREAD)
		return get_pid(task_tgid(current));
#endif
	return mr_call(pidfd_get_pid)(pidfd, &flags);
}

#endif /* _MR_COMPAT_PIDFD_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Victim fds, of MRELEASE_IOC_ARM: a process that may have to be released one day.
 *
 * handle.c has the file and what is known of the process, watch.c how its end is
 * learned, last.c the release of what it has left behind.
 */
#ifndef _MR_HANDLE_H
#define _MR_HANDLE_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mrelease.h>
#include <linux/pid.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "module/victim.h"

/*
 * struct mr_handle - what a victim fd holds
 * @refs: the open file, and the work while it is queued or runs
 * @flags: MRELEASE_TEARDOWN or 0
 * @trusted: whoever armed it may kill any process, whatever its credentials become
 * @uid: else, what the process had when it was armed and must have in the end
 * @suid: likewise
 * @pid: the process; one reference
 * @reserve: for a release, which then allocates nothing
 * @node: in the table, by @pid
 * @exit: in the queue that pidfds of the process wait in
 * @wait: whoever polls the handle
 * @work: what is to be done after the end and may sleep
 * @pause: until @work looks again, in jiffies; its own
 * @lock: protects what follows; taken by the victim's exit, so also inside the locks
 *	of that
 * @mm: what the process used when it was last looked at; one mm_count, NULL when it
 *	is known to be torn down
 * @stale: what it used before and nobody has dropped yet; likewise
 * @took: one mm_users of @mm is held; not before the last thread exits
 * @closed: the file is gone
 * @back: the process is gone and its memory back
 * @rcu: the exit of any process may look at it
 */
struct mr_handle {
	struct kref refs;
	u32 flags;
	bool trusted;
	kuid_t uid;
	kuid_t suid;
	struct pid *pid;
	struct mr_reserve reserve;
	struct hlist_node node;
	wait_queue_entry_t exit;
	wait_queue_head_t wait;
	struct delayed_work work;
	unsigned long pause;
	raw_spinlock_t lock;	/* the state */
	struct mm_struct *mm;
	struct mm_struct *stale;
	bool took;
	bool closed;
	bool back;
	struct rcu_head rcu;
};

struct file *mr_handle_open(const struct mrelease_arm_args *args);
void mr_handle_free(struct kref *refs);
bool mr_handle_gone(struct mr_handle *handle);
struct mr_reserve *mr_handle_reserve(struct mr_handle *handle);
struct pid *mr_handle_get_pid(struct mr_handle *handle);
struct mm_struct *mr_handle_get_mm(struct mr_handle *handle);
void mr_handle_saw(struct mr_handle *handle, struct mm_struct *mm);

int mr_watch_init(void);
void mr_watch_exit(void);
int mr_watch_begin(struct mr_handle *handle);
void mr_watch_end(struct mr_handle *handle);

/*
 * Has this address space been torn down?  The caller has a reference to it.  Its
 * program goes last of all that it holds, and only then.
 */
static inline bool mr_mm_torn_down(struct mm_struct *mm)
{
	return !atomic_read(&mm->mm_users) && !rcu_access_pointer(mm->exe_file);
}

#endif /* _MR_HANDLE_H */

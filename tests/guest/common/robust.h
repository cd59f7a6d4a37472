/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Robust futexes, made by hand: lists of locks as the kernel follows them when a
 * thread dies, in any place and in any form.
 */
#ifndef _ROBUST_H
#define _ROBUST_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* From a link to the word that belongs to it; the same for all of a list. */
#define ROBUST_OFFSET 16

/*
 * struct robust_lock - a lock
 * @link: in the list of whoever holds it
 * @word: its owner; FUTEX_OWNER_DIED: given back by the kernel
 */
struct robust_lock {
	struct robust_list link;
	char pad[ROBUST_OFFSET - sizeof(struct robust_list)];
	uint32_t word;
	uint32_t pad2;
};

/* In the owner: an empty list. */
void robust_init(struct robust_list_head *head);

/* Take a lock, and put it at the front of the list. */
void robust_take(struct robust_list_head *head, struct robust_lock *lock);

/* Take a lock as if killed in the middle: it is in no list yet. */
void robust_take_pending(struct robust_list_head *head,
			 struct robust_lock *lock);

/* Tell the kernel where the calling thread's list begins. */
void robust_register(void *head);

/*
 * struct waiter - a process that waits for a lock in shared memory
 * @lock: the lock
 * @pid: the process
 * @fd: says when it has been woken
 */
struct waiter {
	struct robust_lock *lock;
	pid_t pid;
	int fd;
};

/* Start one, and return when it is about to sleep. */
struct waiter waiter_start(struct robust_lock *lock);

/*
 * The owner is dead: was the lock given back, and the waiter woken?  Ends the
 * waiter.
 */
bool waiter_end(struct waiter *waiter);

#endif /* _ROBUST_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Robust futexes, made by hand, see robust.h.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "robust.h"
#include "tap.h"

/* As good as for ever: a machine that is emulated may be slow. */
#define WOKEN_MS 30000

_Static_assert(offsetof(struct robust_lock, word) == ROBUST_OFFSET,
	       "a list has one offset for all of its locks");

void robust_init(struct robust_list_head *head)
{
	head->list.next = &head->list;
	head->futex_offset = ROBUST_OFFSET;
	head->list_op_pending = NULL;
}

static void own(struct robust_lock *lock)
{
	__atomic_store_n(&lock->word, (uint32_t)syscall(SYS_gettid),
			 __ATOMIC_SEQ_CST);
}

void robust_take(struct robust_list_head *head, struct robust_lock *lock)
{
	own(lock);
	lock->link.next = head->list.next;
	head->list.next = &lock->link;
}

void robust_take_pending(struct robust_list_head *head,
			 struct robust_lock *lock)
{
	head->list_op_pending = &lock->link;
	own(lock);
}

void robust_register(void *head)
{
	if (syscall(SYS_set_robust_list, head, sizeof(struct robust_list_head)))
		_exit(90);
}

static void wait_for(struct robust_lock *lock, int fd)
{
	uint32_t word, want;

	for (;;) {
		word = __atomic_load_n(&lock->word, __ATOMIC_SEQ_CST);
		if (word & FUTEX_OWNER_DIED)
			break;
		want = word | FUTEX_WAITERS;
		if (word != want && !__atomic_compare_exchange_n(
					    &lock->word, &word, want, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		syscall(SYS_futex, &lock->word, FUTEX_WAIT, want, NULL, NULL,
			0);
	}
	if (write(fd, "", 1) != 1)
		_exit(1);
	_exit(0);
}

struct waiter waiter_start(struct robust_lock *lock)
{
	struct waiter waiter = { .lock = lock };
	int fds[2];

	if (pipe(fds))
		tap_bail("pipe");
	waiter.pid = fork();
	if (waiter.pid < 0)
		tap_bail("fork");
	if (!waiter.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		wait_for(lock, fds[1]);
	}
	close(fds[1]);
	waiter.fd = fds[0];
	while (!(__atomic_load_n(&lock->word, __ATOMIC_SEQ_CST) &
		 FUTEX_WAITERS))
		usleep(100);
	if (!proc_wait_state(waiter.pid, "S", 10000))
		tap_bail("the waiter does not sleep");
	return waiter;
}

bool waiter_end(struct waiter *waiter)
{
	struct pollfd pollfd = { .fd = waiter->fd, .events = POLLIN };
	bool given = __atomic_load_n(&waiter->lock->word, __ATOMIC_SEQ_CST) &
		     FUTEX_OWNER_DIED;
	char byte;

	/* It is given back while the owner dies, or never. */
	given = given && poll(&pollfd, 1, WOKEN_MS) == 1 &&
		read(waiter->fd, &byte, 1) == 1;
	close(waiter->fd);
	kill(waiter->pid, SIGKILL);
	waitpid(waiter->pid, NULL, 0);
	return given;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The drop-in: a library for LD_PRELOAD that serves unmodified callers of
 * process_mrelease(2) by /dev/mrelease.
 *
 *	interpose.c, syscall.S
 *			the functions that it puts before those of the C library
 *	next.c		syscall() of the C library, behind ours
 *	serve.c		what is done instead
 *	environ.c	what the administrator allowed
 *
 * Nothing here allocates memory or takes a lock: the callers run when there is
 * no memory, and kill(2) may be called in a signal handler.
 */
#ifndef MRELEASE_PRELOAD_H
#define MRELEASE_PRELOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct mr_preload_options - from the environment
 * @flags: MRELEASE_EVICT and the like, added to each release; never one that
 *	kills
 * @timeout_ms: limit of a release, 0 for none
 * @pair: a SIGKILL becomes kill and release in one call
 * @verbose: say on standard error what was found at the start
 */
struct mr_preload_options {
	uint32_t flags;
	uint32_t timeout_ms;
	bool pair;
	bool verbose;
};

void mr_preload_environ(struct mr_preload_options *opts);

/* Read the environment and open the device.  Leaves errno alone. */
void mr_preload_start(void);

/* As process_mrelease(2). */
int mr_preload_mrelease(int pidfd, unsigned int flags);

/*
 * SIGKILL to a process, and its memory.  False when it was not signalled, so
 * that the call that was asked for has to be made.  Leaves errno alone.
 */
bool mr_preload_kill_pidfd(int pidfd);
bool mr_preload_kill_pid(pid_t pid);

/* process_mrelease(2) itself: with flags that are not ours to understand. */
int mr_preload_real_mrelease(int pidfd, unsigned int flags);

#endif /* MRELEASE_PRELOAD_H */

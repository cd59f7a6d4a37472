/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MRELEASE_INTERPOSE_H
#define MRELEASE_INTERPOSE_H

#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int process_mrelease(int pidfd, unsigned int flags);
EXPORT int pidfd_send_signal(int pidfd, int sig, void *info,
			     unsigned int flags);
EXPORT int kill(pid_t pid, int sig);

/* From syscall.S: those of its numbers that the functions above serve. */
long mr_preload_ours(long nr, long a, long b, long c, long d);

#endif /* MRELEASE_INTERPOSE_H */

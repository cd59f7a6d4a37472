// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What stands before the C library, but for syscall(), which is in syscall.S.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "interpose.h"
#include "next.h"
#include "preload.h"

#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif

__attribute__((constructor)) static void start(void)
{
	mr_next_find();
	mr_preload_start();
}

int mr_preload_real_mrelease(int pidfd, unsigned int flags)
{
	return (int)mr_next_syscall(__NR_process_mrelease, pidfd, flags, 0, 0,
				    0, 0);
}

/* Only a plain SIGKILL to one process is ours; any other signal stays what it is. */
static int send_pidfd(int pidfd, int sig, void *info, unsigned int flags)
{
	if (sig == SIGKILL && !info && !flags && mr_preload_kill_pidfd(pidfd))
		return 0;
	return (int)mr_next_syscall(__NR_pidfd_send_signal, pidfd, sig,
				    (long)info, flags, 0, 0);
}

static int send_pid(pid_t pid, int sig)
{
	if (sig == SIGKILL && pid > 0 && mr_preload_kill_pid(pid))
		return 0;
	return (int)mr_next_syscall(__NR_kill, pid, sig, 0, 0, 0, 0);
}

int process_mrelease(int pidfd, unsigned int flags)
{
	return mr_preload_mrelease(pidfd, flags);
}

int pidfd_send_signal(int pidfd, int sig, void *info, unsigned int flags)
{
	return send_pidfd(pidfd, sig, info, flags);
}

int kill(pid_t pid, int sig)
{
	return send_pid(pid, sig);
}

long mr_preload_ours(long nr, long a, long b, long c, long d)
{
	switch (nr) {
	case __NR_process_mrelease:
		return mr_preload_mrelease((int)a, (unsigned int)b);
	case __NR_pidfd_send_signal:
		return send_pidfd((int)a, (int)b, (void *)c, (unsigned int)d);
	default:
		return send_pid((pid_t)a, (int)b);
	}
}

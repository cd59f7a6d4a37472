// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that knows nothing of mrelease: what daemons do, one word each.
 *
 * usage: client PID WORD...
 *
 *	no-mrelease	from here on process_mrelease(2) is ENOSYS (seccomp), as on
 *			a kernel without it
 *	no-open		and open(2) is EPERM
 *	close		close all descriptors, and open /dev/null in their place
 *	SOURCE.CALL	make the call, by the function of the C library (libc) or by
 *			syscall(): mrelease, probe, kill, term, pidfd-kill, pidfd-term
 *
 * Prints for each call a line with its errno, 0 for none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static int pid;
static int pidfd;

static void deny(long nr, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("seccomp");
		exit(99);
	}
}

static void close_all(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd;

	for (fd = 3; fd < 1024; fd++) {
		if (fd != pidfd && fd != null && close(fd) == 0)
			dup2(null, fd);
	}
}

static int by_libc(const char *call)
{
	if (!strcmp(call, "mrelease"))
		return process_mrelease(pidfd, 0);
	if (!strcmp(call, "probe"))
		return process_mrelease(-1, 0);
	if (!strcmp(call, "kill"))
		return kill(pid, SIGKILL);
	if (!strcmp(call, "term"))
		return kill(pid, SIGTERM);
	if (!strcmp(call, "pidfd-kill"))
		return pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (!strcmp(call, "pidfd-term"))
		return pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	exit(98);
}

static int by_syscall(const char *call)
{
	if (!strcmp(call, "mrelease"))
		return (int)syscall(SYS_process_mrelease, pidfd, 0);
	if (!strcmp(call, "probe"))
		return (int)syscall(SYS_process_mrelease, -1, 0);
	if (!strcmp(call, "kill"))
		return (int)syscall(SYS_kill, pid, SIGKILL);
	if (!strcmp(call, "term"))
		return (int)syscall(SYS_kill, pid, SIGTERM);
	if (!strcmp(call, "pidfd-kill"))
		return (int)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL,
				    0);
	if (!strcmp(call, "pidfd-term"))
		return (int)syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL,
				    0);
	exit(98);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		return 97;
	pid = atoi(argv[1]);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		perror("pidfd_open");
		return 96;
	}
	for (i = 2; i < argc; i++) {
		int ret;

		errno = 0;
		if (!strcmp(argv[i], "no-mrelease")) {
			deny(SYS_process_mrelease, ENOSYS);
			continue;
		} else if (!strcmp(argv[i], "no-open")) {
			deny(SYS_openat, EPERM);
			continue;
		} else if (!strcmp(argv[i], "close")) {
			close_all();
			continue;
		} else if (!strncmp(argv[i], "libc.", 5)) {
			ret = by_libc(argv[i] + 5);
		} else if (!strncmp(argv[i], "syscall.", 8)) {
			ret = by_syscall(argv[i] + 8);
		} else {
			return 97;
		}
		printf("%d\n", ret < 0 ? errno : 0);
	}
	return fflush(stdout) ? 95 : 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program for check_preload, run with the drop-in and without: system calls by
 * syscall(), each with the answer that it must have.  Exits with the number of
 * wrong ones.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

#define PAGE 4096

static int wrong;

static void expect(const char *what, int ok)
{
	if (ok)
		return;
	printf("wrong: %s (errno %d)\n", what, errno);
	wrong++;
}

/* All six arguments, the last one on the stack. */
static void six_arguments(void)
{
	int fd = memfd_create("six", 0);
	char *mem;

	expect("memfd", ftruncate(fd, 2 * PAGE) == 0 &&
				pwrite(fd, "second", 6, PAGE) == 6);
	mem = (char *)syscall(SYS_mmap, NULL, (size_t)PAGE, PROT_READ,
			      MAP_SHARED, fd, (off_t)PAGE);
	expect("mmap", mem != MAP_FAILED && !memcmp(mem, "second", 6));
	expect("munmap", syscall(SYS_munmap, mem, (size_t)PAGE) == 0);
	close(fd);
}

static void errors(void)
{
	errno = 0;
	expect("close(-1)", syscall(SYS_close, -1) == -1 && errno == EBADF);
	errno = 77;
	expect("getpid", syscall(SYS_getpid) == getpid() && errno == 77);
	errno = 0;
	expect("no such call", syscall(100000) == -1 && errno == ENOSYS);
	errno = 0;
	expect("a negative number", syscall(-1) == -1 && errno == ENOSYS);
}

static void kills(void)
{
	pid_t pid = fork();
	int status = 0;
	int pidfd;

	if (!pid) {
		for (;;)
			pause();
	}
	expect("kill 0", kill(pid, 0) == 0);
	expect("syscall kill 0", syscall(SYS_kill, pid, 0) == 0);
	errno = 0;
	expect("bad signal", kill(pid, 1000) == -1 && errno == EINVAL);
	errno = 0;
	expect("no process", kill(0x3fffffff, SIGKILL) == -1 && errno == ESRCH);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	expect("pidfd_open", pidfd >= 0);
	expect("pidfd_send_signal 0",
	       syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0);
	errno = 0;
	expect("flags", syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL,
				1U << 31) == -1 &&
				errno == EINVAL);
	/* It lives, so there is nothing to release. */
	errno = 0;
	expect("process_mrelease",
	       syscall(SYS_process_mrelease, pidfd, 0) == -1 &&
		       (errno == EINVAL || errno == ENOSYS));
	expect("it lives", waitpid(pid, &status, WNOHANG) == 0);
	expect("SIGKILL",
	       syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0);
	expect("it died", waitpid(pid, &status, 0) == pid &&
				  WIFSIGNALED(status) &&
				  WTERMSIG(status) == SIGKILL);
	close(pidfd);

	errno = 0;
	expect("the probe", syscall(SYS_process_mrelease, -1, 0) == -1 &&
				    (errno == EBADF || errno == ENOSYS));
	errno = 0;
	expect("bad flags", syscall(SYS_process_mrelease, -1, 1) == -1 &&
				    (errno == EINVAL || errno == ENOSYS));
}

/* A group, all, oneself: not one process, so never paired. */
static void odd_pids(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		setpgid(0, 0);
		kill(0, SIGKILL);
		_exit(1);
	}
	expect("its own group", waitpid(pid, &status, 0) == pid &&
					WIFSIGNALED(status) &&
					WTERMSIG(status) == SIGKILL);
	pid = fork();
	if (!pid) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	expect("itself", waitpid(pid, &status, 0) == pid &&
				 WIFSIGNALED(status) &&
				 WTERMSIG(status) == SIGKILL);
}

/* Threads that sleep and wake each other by syscall() with its six arguments. */
static int word;

static void *waker(void *arg)
{
	int i;

	(void)arg;
	for (i = 1; i <= 1000; i++) {
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 2 * i - 1)
			syscall(SYS_futex, &word, FUTEX_WAIT, 2 * i - 2, NULL,
				NULL, 0);
		__atomic_store_n(&word, 2 * i, __ATOMIC_RELEASE);
		syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread;
	int i;

	expect("pthread_create", !pthread_create(&thread, NULL, waker, NULL));
	for (i = 1; i <= 1000; i++) {
		__atomic_store_n(&word, 2 * i - 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 2 * i)
			syscall(SYS_futex, &word, FUTEX_WAIT, 2 * i - 1, NULL,
				NULL, 0);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	six_arguments();
	errors();
	kills();
	odd_pids();
	threads();
	return wrong;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile victims: those whose threads and processes are the trouble.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "torture.h"

#define MIB (1024UL * 1024)
#define STACK (64 * 1024)
#define EXECS 200

static void *faulter(void *arg)
{
	uint64_t rng = (uintptr_t)arg | 1;
	size_t bytes = MIB << pick(&rng, 3);
	char *mem = torture_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (;;) {
		memset(mem, 3, bytes);
		madvise(mem, bytes, MADV_DONTNEED);
	}
	return NULL;
}

static void anon_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 4);

	memset(torture_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, bytes);
}

static void faults_body(uint64_t *rng)
{
	unsigned int n = 1 + pick(rng, 4);

	torture_ready();
	while (n--)
		torture_thread(faulter, (void *)(uintptr_t)random_next(rng));
	faulter((void *)(uintptr_t)random_next(rng));
}

static void threads_body(uint64_t *rng)
{
	unsigned int n = pick(rng, world->slow ? 100 : 1000);

	/* The group has room for TORTURE_PIDS only: leave it. */
	while (n-- && torture_thread(torture_sleep, NULL))
		;
}

/* Threads that come and go. */
static void *mayfly(void *arg)
{
	return arg;
}

static void mayflies_body(uint64_t *rng)
{
	(void)rng;
	torture_ready();
	for (;;) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, mayfly, NULL))
			pthread_join(thread, NULL);
	}
}

static int sharer(void *arg)
{
	volatile char *mem = arg;

	for (;;) {
		if (mem)
			mem[0]++;
		else
			pause();
	}
	return 0;
}

/* Other processes with the same memory. */
static void sharers_body(uint64_t *rng)
{
	unsigned int n = 1 + pick(rng, 5), i;
	char *stacks = torture_map(6 * STACK, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *mem = torture_map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(mem, 1, MIB);
	for (i = 0; i < n; i++)
		clone(sharer, stacks + (i + 1) * STACK, CLONE_VM | SIGCHLD,
		      pick(rng, 2) ? mem : NULL);
}

static void vfork_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 3);

	memset(torture_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, bytes);
	torture_ready();
	for (;;) {
		pid_t pid = vfork();

		if (!pid) {
			execl("/bin/true", "true", NULL);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void bomb_body(uint64_t *rng)
{
	char *mem = torture_map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)rng;
	memset(mem, 1, MIB);
	torture_ready();
	for (;;) {
		if (!fork())
			mem[0]++;
		sched_yield();
	}
}

/* Children that only wait, and have their parent's pages. */
static void herd_body(uint64_t *rng)
{
	unsigned int n = 1 + pick(rng, TORTURE_PIDS / 2);

	memset(torture_map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, MIB);
	while (n--)
		if (!fork())
			torture_sleep(NULL);
}

static void on_signal(int sig)
{
	/* The stack grows. */
	*(volatile char *)alloca(4096) = sig;
}

static void signals_body(uint64_t *rng)
{
	struct itimerval it = { { 0, 500 }, { 0, 500 } };

	signal(SIGALRM, on_signal);
	signal(SIGUSR1, on_signal);
	setitimer(ITIMER_REAL, &it, NULL);
	torture_ready();
	if (pick(rng, 2))
		torture_thread(faulter, (void *)(uintptr_t)random_next(rng));
	for (;;)
		kill(getpid(), SIGUSR1);
}

/* It traces a child; or a child traces it, so that it may be in a ptrace stop. */
static void ptrace_body(uint64_t *rng)
{
	bool reverse = pick(rng, 2);
	pid_t self = getpid(), pid = fork(), tracee;
	int status;

	if (pid < 0)
		return;
	if (!pid != reverse) {
		faulter((void *)(uintptr_t)random_next(rng));
		return;
	}
	tracee = reverse ? self : pid;
	torture_ready();
	if (ptrace(PTRACE_SEIZE, tracee, 0,
		   pick(rng, 2) ? PTRACE_O_EXITKILL : PTRACE_O_TRACEEXIT))
		return;
	for (;;) {
		ptrace(PTRACE_INTERRUPT, tracee, 0, 0);
		if (waitpid(tracee, &status, __WALL) < 0)
			return;
		if (!WIFSTOPPED(status))
			return;
		ptrace(PTRACE_SYSCALL, tracee, 0, 0);
		if (waitpid(tracee, &status, __WALL) < 0)
			return;
		ptrace(PTRACE_CONT, tracee, 0, 0);
	}
}

static void dump_body(uint64_t *rng)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	size_t bytes = MIB << pick(rng, 3);
	unsigned int n = pick(rng, 4);

	prctl(PR_SET_DUMPABLE, 1);
	setrlimit(RLIMIT_CORE, &all);
	memset(torture_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, bytes);
	while (n--)
		torture_thread(torture_sleep, NULL);
	torture_ready();
	usleep(pick(rng, 3000));
	abort();
}

/* The init of a pid namespace, and what lives in it. */
static int pidns_init(void *arg)
{
	uint64_t rng = (uintptr_t)arg | 1;

	if (!fork())
		faulter(arg);
	if (pick(&rng, 2))
		torture_sleep(NULL);
	for (;;)
		waitpid(-1, NULL, 0);
	return 0;
}

static void pidns_body(uint64_t *rng)
{
	char *stack = torture_map(STACK, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	clone(pidns_init, stack + STACK, CLONE_NEWPID | SIGCHLD,
	      (void *)(uintptr_t)random_next(rng));
}

/* The thread that the process is named by is gone. */
static void leader_body(uint64_t *rng)
{
	unsigned int n = 1 + pick(rng, 3);

	while (n--)
		torture_thread(pick(rng, 2) ? faulter : torture_sleep,
			       (void *)(uintptr_t)random_next(rng));
	torture_ready();
	pthread_exit(NULL);
}

static void exec_body(uint64_t *rng)
{
	size_t bytes = MIB << pick(rng, 2);
	char text[32];

	memset(torture_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, bytes);
	if (pick(rng, 2))
		torture_thread(torture_sleep, NULL);
	torture_ready();
	snprintf(text, sizeof(text), "%d", EXECS);
	execl("/proc/self/exe", "torture", "--exec", text, NULL);
}

void torture_exec_main(int argc, char **argv)
{
	int left = argc == 3 && !strcmp(argv[1], "--exec") ? atoi(argv[2]) : 0;
	char text[32];

	if (!left)
		return;
	memset(torture_map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, MIB);
	snprintf(text, sizeof(text), "%d", left - 1);
	if (left > 1)
		execl("/proc/self/exe", "torture", "--exec", text, NULL);
	torture_sleep(NULL);
}

/* Holds a robust mutex that the test program can see; it must be given back. */
static void *robust_taker(void *arg)
{
	torture_lock();
	torture_ready();
	return torture_sleep(arg);
}

static void robust_body(uint64_t *rng)
{
	anon_body(rng);
	if (pick(rng, 2))
		robust_taker(NULL);
	torture_thread(robust_taker, NULL);
	faulter((void *)(uintptr_t)random_next(rng));
}

/* Ends while it is being looked at. */
static void exit_body(uint64_t *rng)
{
	anon_body(rng);
	torture_ready();
	usleep(pick(rng, 3000));
	_exit(0);
}

const struct kind torture_tasks[] = {
	{ "anon", anon_body, 0 },
	{ "faults", faults_body, 0 },
	{ "threads", threads_body, 0 },
	{ "mayflies", mayflies_body, 0 },
	{ "sharers", sharers_body, KIND_SHARES },
	{ "vfork", vfork_body, 0 },
	{ "bomb", bomb_body, 0 },
	{ "herd", herd_body, 0 },
	{ "signals", signals_body, 0 },
	{ "ptrace", ptrace_body, 0 },
	{ "dump", dump_body, KIND_ENDS },
	{ "pidns", pidns_body, 0 },
	{ "leader", leader_body, 0 },
	{ "exec", exec_body, 0 },
	{ "robust", robust_body, 0 },
	{ "exit", exit_body, KIND_ENDS },
};

const unsigned int torture_nr_tasks = ARRAY_SIZE(torture_tasks);

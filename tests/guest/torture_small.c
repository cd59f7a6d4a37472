// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile victims: small ones, of which a round has many, so that a hundred thousand can
 * die in a time that somebody waits for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "torture.h"

#define PAGE 4096UL
#define STACK (16 * 1024)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void speck_body(uint64_t *rng)
{
	size_t bytes = PAGE * (1 + pick(rng, 32));

	memset(torture_map(bytes, ANON, -1), 1, bytes);
}

/* Nothing but what it has of its parent. */
static void idle_body(uint64_t *rng)
{
	(void)rng;
}

/* Most of those that never sleep take what the others leave. */
static void be_nice(uint64_t *rng)
{
	setpriority(PRIO_PROCESS, 0, pick(rng, 4) ? 19 : 0);
}

static void busy_body(uint64_t *rng)
{
	volatile char *mem = torture_map(PAGE, ANON, -1);

	be_nice(rng);
	torture_ready();
	for (;;) {
		mem[0]++;
		sched_yield();
	}
}

/* Pages of the file of all rounds, and private copies of some. */
static void leaf_body(uint64_t *rng)
{
	size_t bytes = PAGE * (1 + pick(rng, 32));
	int fd = open(world->file, O_RDWR | O_CLOEXEC);
	char *mem = torture_map(bytes, MAP_PRIVATE, fd);

	read_pages(mem, bytes);
	memset(mem, 1, pick(rng, bytes));
	if (pick(rng, 2))
		read_pages(torture_map(bytes, MAP_SHARED, fd), bytes);
}

static void *churn(void *arg)
{
	size_t bytes = 8 * PAGE;

	for (;;) {
		char *mem = torture_map(bytes, ANON, -1);

		memset(mem, 2, bytes);
		munmap(mem, bytes);
	}
	return arg;
}

static void churn_body(uint64_t *rng)
{
	be_nice(rng);
	torture_ready();
	if (pick(rng, 2))
		torture_thread(churn, NULL);
	churn(NULL);
}

static void pair_body(uint64_t *rng)
{
	(void)rng;
	torture_thread(torture_sleep, NULL);
}

/* Holds the robust mutex that must be given back. */
static void lock_body(uint64_t *rng)
{
	torture_lock();
	speck_body(rng);
}

static int share(void *arg)
{
	torture_sleep(arg);
	return 0;
}

static void share_body(uint64_t *rng)
{
	unsigned int n = pick(rng, 4) ? 1 : 2 + pick(rng, 10);
	char *stacks = torture_map(n * STACK, ANON, -1);

	while (n--)
		clone(share, stacks + (n + 1) * STACK, CLONE_VM | SIGCHLD,
		      NULL);
}

static void fork_body(uint64_t *rng)
{
	unsigned int n = 1 + pick(rng, 3);

	while (n--)
		if (!fork())
			torture_sleep(NULL);
}

static void vfork_body(uint64_t *rng)
{
	pid_t pid;

	(void)rng;
	torture_ready();
	pid = vfork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void exec_body(uint64_t *rng)
{
	(void)rng;
	torture_ready();
	execl("/proc/self/exe", "torture", "--exec", "1", NULL);
}

/* Ends while it is being looked at; nobody has taken its place. */
static void exit_body(uint64_t *rng)
{
	torture_ready();
	usleep(pick(rng, 10000));
	_exit(0);
}

static void stopped_body(uint64_t *rng)
{
	(void)rng;
	torture_ready();
	raise(SIGSTOP);
}

/* The thread that the process is named by is gone. */
static void leader_body(uint64_t *rng)
{
	(void)rng;
	torture_thread(torture_sleep, NULL);
	torture_ready();
	pthread_exit(NULL);
}

/* One waits in a write that nobody reads. */
static void pipe_body(uint64_t *rng)
{
	size_t bytes = PAGE * 20;
	char *mem = torture_map(bytes, ANON, -1);
	int pipes[2];

	(void)rng;
	memset(mem, 1, bytes);
	if (pipe2(pipes, O_CLOEXEC))
		_exit(95);
	torture_ready();
	while (write(pipes[1], mem, bytes) > 0)
		;
}

const struct kind torture_small[] = {
	{ "speck", speck_body, 0 },	{ "idle", idle_body, 0 },
	{ "busy", busy_body, 0 },	{ "leaf", leaf_body, 0 },
	{ "churn", churn_body, 0 },	{ "pair", pair_body, 0 },
	{ "lock", lock_body, 0 },	{ "share", share_body, KIND_SHARES },
	{ "fork", fork_body, 0 },	{ "vfork", vfork_body, 0 },
	{ "exec", exec_body, 0 },	{ "exit", exit_body, KIND_ENDS },
	{ "stopped", stopped_body, 0 }, { "leader", leader_body, 0 },
	{ "pipe", pipe_body, 0 },
};

const unsigned int torture_nr_small = ARRAY_SIZE(torture_small);

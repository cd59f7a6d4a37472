// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No process that survives a call, and none before its SIGKILL, may ever be in
 * an address space that is marked MMF_UNSTABLE: its next page fault would be a
 * SIGBUS.  So the victims fault all the time, count their rounds and any SIGBUS,
 * and are called upon thousands of times: refused, and while they exec, fork,
 * exit, are killed by somebody else or released by another caller.
 *
 * With MRELEASE_LONG in the environment ten thousand times, else with a fifth of the
 * races.
 */
/* guest: smp=2 mem=1024 timeout=400 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define SET_BYTES (256 * 1024)
#define THREADS 3
#define REFUSED 1500
#define RACED 500
#define RACES (sizeof(races) / sizeof(races[0]))
/* A victim that exits by itself does so with this. */
#define OWN_STATUS 7

/* What the victims write down, in memory that no call takes from them. */
struct record {
	atomic_ulong rounds;
	atomic_ulong sigbus;
	char *mem;
};

static struct record *record;
static int dev;
/* How often each race is run. */
static unsigned int raced;

static void on_sigbus(int sig)
{
	(void)sig;
	/* It would come again at once: the page cannot be had any more. */
	atomic_fetch_add(&record->sigbus, 1);
	_exit(90);
}

static void fault_round(char *mem)
{
	if (madvise(mem, SET_BYTES, MADV_DONTNEED))
		_exit(91);
	memset(mem, 1, SET_BYTES);
	atomic_fetch_add(&record->rounds, 1);
}

static char *fault_set(void)
{
	signal(SIGBUS, on_sigbus);
	return map_touched(SET_BYTES, false);
}

static void *fault_forever(void *arg)
{
	char *mem = map_touched(SET_BYTES, false);

	(void)arg;
	for (;;)
		fault_round(mem);
	return NULL;
}

static void single_body(void *arg)
{
	(void)arg;
	fault_set();
	victim_ready();
	fault_forever(NULL);
}

static void threads_body(void *arg)
{
	pthread_t thread;
	int i;

	(void)arg;
	fault_set();
	for (i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, fault_forever, NULL))
			_exit(92);
	victim_ready();
	fault_forever(NULL);
}

static int sharer_main(void *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fault_forever(arg);
	return 0;
}

/* Another process in the same address space; it dies when the victim does. */
static void sharing_body(void *arg)
{
	char *stack = map_touched(64 * 1024, false);

	(void)arg;
	fault_set();
	if (clone(sharer_main, stack + 64 * 1024, CLONE_VM, NULL) < 0)
		_exit(93);
	victim_ready();
	fault_forever(NULL);
}

static void exec_body(void *arg)
{
	char *const argv[] = { "t_unstable", "exec", NULL };

	(void)arg;
	victim_ready();
	execv("/proc/self/exe", argv);
	_exit(94);
}

static void fork_body(void *arg)
{
	char *mem = fault_set();
	pid_t pid;

	(void)arg;
	victim_ready();
	for (;;) {
		pid = fork();
		fault_round(mem);
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void exit_body(void *arg)
{
	char *mem = fault_set();
	int i;

	(void)arg;
	victim_ready();
	for (i = 0; i < 4; i++)
		fault_round(mem);
	_exit(OWN_STATUS);
}

/* 0 to about 2 ms of nothing, the same in each run of the test. */
static void any_delay(void)
{
	static uint32_t state = 2463534242u;
	uint64_t end;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	end = now_ns() + state % 2000000;
	while (now_ns() < end)
		;
}

/* Is the victim alive, and does it get on, faulting? */
static bool unharmed(const struct victim *victim)
{
	unsigned long before = atomic_load(&record->rounds);
	uint64_t end = now_ns() + 10000000000ULL;
	siginfo_t info;

	while (atomic_load(&record->rounds) < before + 2 * THREADS) {
		/* Left as it is for victim_end(). */
		info.si_pid = 0;
		if (waitid(P_PID, victim->pid, &info,
			   WEXITED | WNOHANG | WNOWAIT) ||
		    info.si_pid || now_ns() > end)
			return false;
		sleep_ms(1);
	}
	return !atomic_load(&record->sigbus);
}

static unsigned int refuse(const struct victim *victim, uint32_t flags,
			   int errno_)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < REFUSED; i++)
		wrong += dev_release(dev, victim->pidfd, flags, NULL) !=
			 -errno_;
	return wrong;
}

/* The device is open, but nothing else speaks for this caller. */
static unsigned int refuse_as_nobody(const struct victim *victim)
{
	int status = -1;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(refuse(victim, MRELEASE_KILL, EPERM) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* 3 points. */
static void check_refused(const char *name, void (*body)(void *arg),
			  unsigned int (*calls)(const struct victim *victim))
{
	struct victim victim = victim_start(body, NULL);

	tap_ok(!calls(&victim), "%s: each of %d calls refused", name, REFUSED);
	tap_ok(unharmed(&victim), "%s: the victim goes on unharmed", name);
	tap_ok(was_killed(victim_end(&victim)), "%s: ends by SIGKILL", name);
}

static unsigned int calls_alive(const struct victim *victim)
{
	return refuse(victim, 0, EINVAL);
}

static unsigned int calls_sharing(const struct victim *victim)
{
	return refuse(victim, MRELEASE_KILL, EINVAL);
}

/* What somebody else does to the victim at the same time. */
enum rival { RIVAL_NONE, RIVAL_KILL, RIVAL_RELEASE, RIVAL_KILL_LATE };

struct race {
	const char *name;
	void (*body)(void *arg);
	enum rival rival;
	bool own_status;
};

static const struct race races[] = {
	{ "in exec", exec_body, RIVAL_NONE, false },
	{ "in fork", fork_body, RIVAL_NONE, false },
	{ "exits by itself", exit_body, RIVAL_NONE, true },
	{ "killed by kill(2)", single_body, RIVAL_KILL, false },
	{ "released by another", threads_body, RIVAL_RELEASE, false },
	{ "flags 0 all the time", threads_body, RIVAL_KILL_LATE, false },
};

struct rival_args {
	const struct victim *victim;
	enum rival rival;
	pthread_barrier_t *barrier;
	int ret;
};

static void *rival_thread(void *arg)
{
	struct rival_args *a = arg;
	int pidfd = a->victim->pidfd;

	pthread_barrier_wait(a->barrier);
	any_delay();
	if (a->rival == RIVAL_RELEASE)
		a->ret = dev_release(dev, pidfd, MRELEASE_KILL, NULL);
	else
		a->ret = sys_pidfd_send_signal(pidfd, SIGKILL);
	return NULL;
}

/* One race; returns the number of calls, and counts in @wrong. */
static unsigned int run_race(const struct race *race, unsigned int *wrong)
{
	struct victim victim = victim_start(race->body, NULL);
	struct rival_args args = { &victim, race->rival, NULL, 0 };
	pthread_barrier_t barrier;
	unsigned int calls = 0;
	pthread_t thread;
	int ret, status;

	if (race->rival != RIVAL_NONE) {
		args.barrier = &barrier;
		pthread_barrier_init(&barrier, NULL, 2);
		if (pthread_create(&thread, NULL, rival_thread, &args))
			tap_bail("pthread_create");
		pthread_barrier_wait(&barrier);
	}
	if (race->rival == RIVAL_KILL_LATE) {
		/* EINVAL while it lives, 0 while it dies, ESRCH at the end. */
		do {
			ret = dev_release(dev, victim.pidfd, 0, NULL);
			calls++;
		} while (ret == -EINVAL || !ret);
	} else {
		any_delay();
		ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL);
		calls++;
	}
	if (race->rival != RIVAL_NONE) {
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&barrier);
	}
	/* Gone is what only another than this caller can have made it. */
	if (ret && !(ret == -ESRCH && (race->rival || race->own_status)))
		goto wrong;
	if (args.ret && args.ret != -ESRCH)
		goto wrong;
	status = victim_reap(&victim);
	if (!was_killed(status) && !(race->own_status && WIFEXITED(status) &&
				     WEXITSTATUS(status) == OWN_STATUS)) {
		if (!(*wrong)++)
			tap_note("%s: wait status %#x", race->name, status);
	}
	return calls;

wrong:
	if (!(*wrong)++)
		tap_note("%s: %s, and the other got %s", race->name,
			 err_name(ret), err_name(args.ret));
	victim_end(&victim);
	return calls;
}

/* 2 points. */
static unsigned int check_race(const struct race *race)
{
	unsigned int i, calls = 0, wrong = 0;

	for (i = 0; i < raced; i++)
		calls += run_race(race, &wrong);
	tap_ok(!wrong, "%s: %d times 0, or gone, and SIGKILL", race->name,
	       raced);
	tap_ok(!atomic_load(&record->sigbus), "%s: no SIGBUS", race->name);
	return calls;
}

static void readable_body(void *arg)
{
	(void)arg;
	record->mem = map_touched(SET_BYTES, false);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/*
 * 2 points.  What has been unmapped is not to be taken for zeros by somebody who reads
 * the memory of another: that is what the mark is for.
 */
static void check_marked(void)
{
	struct victim victim = victim_start(readable_body, NULL);
	struct iovec remote = { record->mem, SET_BYTES };
	static char copy[SET_BYTES];
	struct iovec local = { copy, sizeof(copy) };
	bool before;
	ssize_t n;

	hold_prepare(&victim);
	before = process_vm_readv(victim.pid, &local, 1, &remote, 1, 0) ==
			 SET_BYTES &&
		 copy[0] == 1;
	tap_ok(before && !dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL),
	       "read by another process: before it is released");
	hold_wait(&victim);
	n = process_vm_readv(victim.pid, &local, 1, &remote, 1, 0);
	if (!tap_ok(n < 0 && errno == EFAULT,
		    "read by another process: then it is EFAULT"))
		tap_note("%zd bytes, the first is %d", n, copy[0]);
	hold_end(&victim);
}

int main(int argc, char **argv)
{
	unsigned int i, calls = 4 * REFUSED;
	const char *full = getenv("MRELEASE_LONG");

	/* The victim that execs itself; SIGBUS would be its wait status. */
	if (argc == 2 && !strcmp(argv[1], "exec")) {
		map_touched(SET_BYTES, false);
		execv("/proc/self/exe", argv);
		_exit(94);
	}

	raced = full ? RACED : RACED / 5;
	tap_plan(4 * 3 + 2 * RACES + 1 + 2);
	dev = dev_open();
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED)
		tap_bail("mmap");

	check_marked();
	check_refused("alive, flags 0", single_body, calls_alive);
	check_refused("alive, threads, flags 0", threads_body, calls_alive);
	check_refused("no permission", threads_body, refuse_as_nobody);
	check_refused("shared memory", sharing_body, calls_sharing);

	for (i = 0; i < RACES; i++)
		calls += check_race(&races[i]);
	tap_ok(calls >= 4 * REFUSED + RACES * raced &&
		       (!full || calls >= 10000),
	       "no race was left out");
	tap_note("%u calls, %lu rounds of faults, %lu SIGBUS", calls,
		 atomic_load(&record->rounds), atomic_load(&record->sigbus));
	return tap_done();
}

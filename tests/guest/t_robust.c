// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process is killed while it holds a robust mutex that it shares with another.
 * That one waits for it, and must be told that the owner has died, each time.
 * The same with process_mrelease(2) after kill(2), which may unmap the list of locks
 * before the kernel has followed it, and with kill(2) alone.
 *
 * t_robust [ROUNDS], or MRELEASE_ROUNDS in the environment; with MRELEASE_LONG 10 000.
 */
/* guest: smp=2 mem=1024 timeout=1800 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (1024UL * 1024)
#define CALLER_CPU 0
#define VICTIM_CPU 1
#define ROUNDS "300"
#define PEER_ROUNDS 200
#define LONG_ROUNDS "10000"
#define LONG_PEER_ROUNDS 1000
/* As good as for ever. */
#define TOLD_MS 60000

enum way { WAY_DEVICE, WAY_SYSCALL, WAY_KILL, WAYS };

static const char *const names[WAYS] = {
	[WAY_DEVICE] = "mrelease",
	[WAY_SYSCALL] = "kill + process_mrelease",
	[WAY_KILL] = "kill(2)",
};

/*
 * struct stage - shared by all
 * @mutex: what the victim holds
 * @waiting: the waiter is about to lock it
 */
struct stage {
	pthread_mutex_t mutex;
	volatile int waiting;
};

/* What came of the rounds of one way; counts of them. */
struct tally {
	unsigned int rounds;
	unsigned int errors;
	unsigned int lost;
	unsigned int wrong;
	unsigned int wrong_status;
	unsigned int left;
};

static struct stage *stage;
static int dev;
static int told[2]; /* the waiter: what pthread_mutex_lock() said */
static int go[2]; /* to the waiter */

static void holder_body(void *arg)
{
	const enum victim_way *way = arg;
	char *mem;

	pin_to_cpu(VICTIM_CPU);
	mem = map_touched(BYTES, false);
	if (pthread_mutex_lock(&stage->mutex))
		_exit(95);
	victim_ready();
	victim_live(*way, mem, BYTES);
}

static void mutex_init(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (pthread_mutex_init(&stage->mutex, &attr))
		tap_bail("pthread_mutex_init");
}

/* One process for all rounds. */
static pid_t start_waiter(void)
{
	pid_t pid = fork();
	char byte;
	int ret;

	if (pid < 0)
		tap_bail("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(go[0], &byte, 1) == 1) {
		stage->waiting = 1;
		ret = pthread_mutex_lock(&stage->mutex);
		if (ret == EOWNERDEAD)
			pthread_mutex_consistent(&stage->mutex);
		pthread_mutex_unlock(&stage->mutex);
		if (write(told[1], &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static int release(enum way way, struct victim *victim, struct tally *tally)
{
	struct mrelease_result res = {};
	int ret;

	if (way == WAY_DEVICE) {
		ret = dev_release(dev, victim->pidfd, MRELEASE_KILL, &res);
		tally->left += !!(res.left_reasons & MRELEASE_LEFT_ROBUST);
		return ret;
	}
	ret = sys_pidfd_send_signal(victim->pidfd, SIGKILL);
	if (!ret && way == WAY_SYSCALL)
		ret = sys_process_mrelease(victim->pidfd, 0);
	return ret == -ESRCH ? 0 : ret;
}

/* The owner is dead.  Is the mutex still its own, for ever? */
static bool is_lost(pid_t owner)
{
	unsigned int *word = (unsigned int *)&stage->mutex.__data.__lock;

	if ((__atomic_load_n(word, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK) !=
	    (unsigned int)owner)
		return false;
	/* Do what its exit should have done, for the next round. */
	__atomic_store_n(word, FUTEX_WAITERS | FUTEX_OWNER_DIED,
			 __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	return true;
}

static void run_round(enum way way, unsigned int i, struct tally *tally)
{
	struct pollfd pollfd = { .fd = told[0], .events = POLLIN };
	/* In user mode when it is killed, or asleep. */
	enum victim_way live = i & 2 ? VICTIM_SPIN : VICTIM_SLEEP;
	struct victim victim = victim_start(holder_body, &live);
	pid_t pid = victim.pid;
	int ret;

	stage->waiting = 0;
	if (write(go[1], "", 1) != 1)
		tap_bail("write");
	while (!stage->waiting)
		usleep(50);
	/* The waiter sleeps in the kernel, or not yet. */
	if (i & 1)
		usleep(500);
	ret = release(way, &victim, tally);
	if (ret && !tally->errors++)
		tap_note("%s: %s", names[way], err_name(ret));
	tally->wrong_status += !was_killed(victim_reap(&victim));

	tally->lost += is_lost(pid);
	if (poll(&pollfd, 1, TOLD_MS) != 1)
		tap_bail("the waiter was not told");
	if (read(told[0], &ret, sizeof(ret)) != sizeof(ret))
		tap_bail("read");
	if (ret != EOWNERDEAD && !tally->wrong++)
		tap_note("%s: the waiter got %s", names[way], err_name(ret));
}

int main(int argc, char **argv)
{
	bool all = getenv("MRELEASE_LONG");
	const char *rounds = argc > 1		       ? argv[1] :
			     getenv("MRELEASE_ROUNDS") ?:
			     all		       ? LONG_ROUNDS :
							 ROUNDS;
	int nr, peer = all ? LONG_PEER_ROUNDS : PEER_ROUNDS;
	unsigned int way;
	int i;
	struct tally tallies[WAYS] = {};
	pid_t waiter;

	tap_plan(4);
	if (nr_cpus() < 2) {
		errno = ENODEV;
		tap_bail("a CPU for the victim");
	}
	pin_to_cpu(CALLER_CPU);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	mutex_init();
	if (pipe2(told, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		tap_bail("pipe2");
	waiter = start_waiter();

	for (way = 0; way < WAYS; way++) {
		if (way == WAY_SYSCALL && !have_process_mrelease())
			continue;
		nr = way == WAY_DEVICE ? atoi(rounds) : peer;
		for (i = 0; i < nr; i++)
			run_round(way, i, &tallies[way]);
		tallies[way].rounds = nr;
	}
	kill(waiter, SIGKILL);
	waitpid(waiter, NULL, 0);

	tap_ok(tallies[WAY_DEVICE].rounds && !tallies[WAY_DEVICE].errors,
	       "each victim was released");
	tap_ok(!tallies[WAY_DEVICE].lost, "no mutex was lost with its owner");
	tap_ok(!tallies[WAY_DEVICE].wrong,
	       "each time the waiter got EOWNERDEAD");
	tap_ok(!tallies[WAY_DEVICE].wrong_status, "killed by SIGKILL");
	tap_note("how                      rounds errors   lost LEFT_ROBUST");
	for (way = 0; way < WAYS; way++)
		tap_note("%-24s %6u %6u %6u %6u", names[way],
			 tallies[way].rounds, tallies[way].errors,
			 tallies[way].lost, tallies[way].left);
	return tap_done();
}

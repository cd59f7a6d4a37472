// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Torture, see torture.h: rounds of hostile victims, disturbances and callers, drawn
 * by lot, and what must hold after each of them.
 *
 * In the environment: MRELEASE_SEED; MRELEASE_FIRST, the round to begin with;
 * MRELEASE_ROUNDS, at most so many; MRELEASE_KILLS, processes, after which no round
 * begins; MRELEASE_SECONDS, none but the first 40 begins later; MRELEASE_SWARM, so many
 * of a hundred rounds have many small victims in place of a few large ones.  A round
 * depends on the seed, its number, and the last of these.  tests/torture runs it for
 * longer.
 */
/* guest: smp=2 mem=2048 numa=2 disk=ext4:256 timeout=600 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "group.h"
#include "sys.h"
#include "tap.h"
#include "torture.h"

#define SEED 20261121
#define ROUNDS 100
#define SECONDS 15
#define SWARM 20
/* Rounds until everything is as large as it gets, before memory is weighed. */
#define WARM 10
/* So many are run however long they take: what leaks in fewer may be noise. */
#define LEAST 40
/* Of a thread. */
#define STACK (64 * 1024)
/* In which it is looked how much memory there is, for the log. */
#define LOOK_NS 300000000000ULL

struct world *world;
struct prey *torture_me;

uint64_t pick(uint64_t *rng, uint64_t below)
{
	/* The low bits of xorshift64* are its worst. */
	return (random_next(rng) >> 16) % below;
}

char *torture_map(size_t bytes, int flags, int fd)
{
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

bool torture_thread(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	ret = pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return !ret;
}

void torture_spawn(pthread_t *thread, unsigned int stack, void *(*fn)(void *),
		   void *arg)
{
	static char stacks[TORTURE_CALLERS + TORTURE_DISTURBANCES][STACK]
		__attribute__((aligned(FILES_PAGE)));
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stacks[stack], STACK);
	if (pthread_create(thread, &attr, fn, arg))
		tap_bail("pthread_create");
	pthread_attr_destroy(&attr);
}

void *torture_sleep(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

void torture_lock(void)
{
	if (!pthread_mutex_lock(&torture_me->mutex))
		__atomic_store_n(&torture_me->locked, 1, __ATOMIC_SEQ_CST);
}

void torture_ready(void)
{
	__atomic_store_n(&torture_me->ready, 1, __ATOMIC_SEQ_CST);
}

const struct kind *torture_kind(uint64_t *rng)
{
	switch (pick(rng, 3)) {
	case 0:
		return &torture_memory[pick(rng, torture_nr_memory)];
	case 1:
		return &torture_files[pick(rng, torture_nr_files)];
	default:
		return &torture_tasks[pick(rng, torture_nr_tasks)];
	}
}

static void mutex_init(struct prey *prey)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&prey->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* Is this program in the victims' group?  A child that was made there need not go. */
static bool inside;

/*
 * What moves between groups waits for RCU, so many victims are made where they belong.
 * Those that are there already would leave hardly any time for that.
 */
static void enter(bool in)
{
	if (in == inside)
		return;
	setpriority(PRIO_PROCESS, 0, in ? -20 : 0);
	group_move(in ? TORTURE_GROUP : "", 0);
	inside = in;
}

void torture_start(struct prey *prey, const struct kind *kind, uint64_t seed)
{
	pid_t pid;

	memset(prey, 0, sizeof(*prey));
	mutex_init(prey);
	prey->kind = kind;
	/* Shared memory: the child must not write its 0 there. */
	pid = fork();
	if (pid < 0 && inside) {
		/* Those before have taken all the room. */
		enter(false);
		pid = fork();
	}
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpriority(PRIO_PROCESS, 0, 0);
		torture_me = prey;
		if (!inside && write_file("/sys/fs/cgroup/test." TORTURE_GROUP
					  "/cgroup.procs",
					  "0"))
			_exit(95);
		kind->body(&seed);
		torture_ready();
		for (;;)
			pause();
	}
	prey->pid = pid;
	prey->pidfd = sys_pidfd_open(pid);
	if (prey->pidfd < 0)
		tap_bail("pidfd_open");
}

/* Some are called on before they are complete. */
static void wait_ready(struct prey *prey, uint64_t *rng)
{
	unsigned int ms = pick(rng, 4) ? 2000 : pick(rng, 5);
	uint64_t end = now_ns() + ms * 1000000ULL;

	while (!__atomic_load_n(&prey->ready, __ATOMIC_SEQ_CST) &&
	       now_ns() < end)
		usleep(200);
}

/* What a round consists of, and how long that took. */
enum phase { START, READY, CALL, BURY, CHECK, PHASES };

static unsigned int took_ms[PHASES];

static void phase_over(enum phase phase)
{
	static uint64_t began;
	uint64_t now = now_ns();

	if (phase < PHASES)
		took_ms[phase] = (now - began) / 1000000;
	began = now;
}

static bool run_round(uint64_t seed)
{
	uint64_t rng = seed | 1;
	bool swarm = pick(&rng, 100) < world->swarm;
	unsigned int i;
	bool ok;

	phase_over(PHASES);
	torture_room(swarm ? 2 * TORTURE_PIDS : TORTURE_PIDS);
	world->preys = 1 + pick(&rng, swarm ? TORTURE_SWARM : TORTURE_VICTIMS);
	enter(swarm);
	for (i = 0; i < world->preys; i++) {
		uint64_t own = random_next(&rng) | 1;

		torture_start(
			&world->prey[i],
			swarm ? &torture_small[pick(&rng, torture_nr_small)] :
				torture_kind(&rng),
			own);
	}
	enter(false);
	phase_over(START);
	for (i = 0; i < world->preys; i++)
		wait_ready(&world->prey[i], &rng);
	phase_over(READY);
	torture_disturb_begin(&rng);
	ok = torture_calls(&rng, swarm ? 1 + world->preys / 4 : 1);
	torture_disturb_end();
	if (swarm)
		ok &= torture_sweep();
	phase_over(CALL);
	ok &= torture_bury();
	phase_over(BURY);
	ok &= torture_check_round();
	phase_over(CHECK);
	return ok;
}

static void note_round(const char *what, unsigned int round)
{
	char line[160];
	unsigned int i;
	size_t len = 0;

	line[0] = 0;
	for (i = 0; i < world->preys && len < sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, " %s",
				world->prey[i].kind->name);
	tap_note("%s: round %u:%s", what, round, line);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned long seed = setting("MRELEASE_SEED", SEED);
	unsigned long first = setting("MRELEASE_FIRST", 0), i;
	unsigned long rounds = setting("MRELEASE_ROUNDS", ROUNDS);
	unsigned long kills = setting("MRELEASE_KILLS", ULONG_MAX);
	uint64_t start, look, end, began, took, slowest = 0;
	unsigned int bad = 0;
	bool weighed = false, flat = true;

	/* For the threads, one with the rest: less to copy in fork(2). */
	mallopt(M_ARENA_MAX, 1);
	torture_exec_main(argc, argv);
	tap_plan(4);
	start = now_ns();
	look = start + LOOK_NS;
	end = setting("MRELEASE_SECONDS", SECONDS) * 1000000000ULL + start;
	world = caller_shared(sizeof(*world));
	world->slow = !access("/proc/lockdep_stats", F_OK);
	world->swarm = setting("MRELEASE_SWARM", SWARM);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");
	world->dev = dev_open();
	torture_check_setup();
	torture_disturb_setup();

	for (i = first; i < first + rounds && world->kills < kills; i++) {
		uint64_t state = (seed << 32) + i + 1;

		if (i >= first + LEAST && now_ns() > end)
			break;
		random_next(&state);
		began = now_ns();
		if (!run_round(random_next(&state))) {
			bad++;
			note_round("bad", i);
		}
		took = now_ns() - began;
		if (took > slowest + 1000000000ULL) {
			slowest = took;
			tap_note(
				"%llu ms: started %u, ready %u, called %u, buried %u, checked %u",
				(unsigned long long)took / 1000000,
				took_ms[START], took_ms[READY], took_ms[CALL],
				took_ms[BURY], took_ms[CHECK]);
			note_round("slowest so far", i);
		}
		if (i == first + WARM)
			weighed = torture_check_deep(true);
		if (now_ns() > look) {
			look += LOOK_NS;
			torture_weigh_note((now_ns() - start) / 1000000000);
		}
		if ((i - first) % 500 == 499)
			tap_note("%lu rounds, %u bad, %u signals of the module",
				 i + 1 - first, bad, world->kills);
	}
	tap_note("seed %lu, rounds %lu to %lu", seed, first, i - 1);
	torture_calls_note();
	tap_ok(i > first, "rounds were run");
	tap_ok(!bad,
	       "each round: calls, victims, innocents, page cache, module");
	if (weighed)
		flat = torture_check_deep(false);
	torture_disturb_note();
	if (i > first + WARM + 1)
		tap_ok(flat && weighed, "objects, free memory and the disk");
	else
		tap_skip("too few rounds", "objects, free memory and the disk");
	torture_check_end();
	return tap_done();
}

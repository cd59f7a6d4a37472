// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several callers releasing one victim: they share the work, each is told the
 * whole, and nobody waits for one that has other flags, was killed or does not
 * get a CPU.
 *
 * The victim is held by the freezer, so that it never gets away: no caller can
 * come too late to find it.  One that comes when the others have returned finds
 * nothing left, and the round is run once more.
 */
/* guest: smp=4 mem=2048 timeout=900 */
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
/*
 * With MRELEASE_LONG in the environment all of them, else a quarter; and the victims of
 * check_threads() are twice as large.
 */
#define ROUNDS 20
#define RETRIES 40
#define CALLERS_MAX 4
/* For ever, to a caller that should be back in a fraction of a second. */
#define FOR_EVER_NS 10000000000ULL
#define SLOW_CPU 3

/*
 * struct caller - one of those who release the victim
 * @idle: SCHED_IDLE, on a CPU that a hog gets
 * @begun: it is about to make the call
 * @end_ns: 0 as long as it has not returned
 */
struct caller {
	uint32_t flags;
	bool idle;
	pid_t pid;
	int ret;
	struct mrelease_result res;
	atomic_bool begun;
	atomic_ullong end_ns;
};

/* Shared with the callers and the hog, which are processes. */
struct stage {
	struct caller callers[CALLERS_MAX];
	atomic_int nr;
	atomic_int waiting;
	atomic_bool hog;
	int pidfd;
};

static struct stage *stage;
static int dev;

/* Half of it in base pages, without which it would be over too soon. */
static void mixed_body(void *arg)
{
	size_t bytes = *(size_t *)arg;

	map_touched(bytes / 2, false);
	map_touched(bytes / 2, true);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* All of them go at once, as far as the CPUs allow. */
static void meet(void)
{
	atomic_fetch_add(&stage->waiting, 1);
	while (atomic_load(&stage->waiting) < atomic_load(&stage->nr))
		sched_yield();
}

static void *call(void *arg)
{
	struct caller *caller = arg;
	struct mrelease_result *res = &caller->res;

	meet();
	atomic_store(&caller->begun, true);
	caller->ret = dev_release(dev, stage->pidfd, caller->flags, res);
	atomic_store(&caller->end_ns, now_ns());
	return NULL;
}

static void start_process(struct caller *caller)
{
	struct sched_param param = {};
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (pid) {
		caller->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (caller->idle) {
		pin_to_cpu(SLOW_CPU);
		if (sched_setscheduler(0, SCHED_IDLE, &param))
			_exit(1);
	}
	call(caller);
	_exit(0);
}

static struct victim stage_victim(size_t bytes, int nr, uint64_t *total)
{
	struct victim victim = victim_start(mixed_body, &bytes);

	memset(stage, 0, sizeof(*stage));
	stage->pidfd = victim.pidfd;
	stage->nr = nr;
	*total = anon_bytes(victim.pid);
	hold_freeze(victim.pid);
	return victim;
}

/* True when it was SIGKILL that ended it, once it could go. */
static bool unstage_victim(struct victim *victim)
{
	hold_thaw();
	return was_killed(victim_reap(victim));
}

/* Did one of them come when the others had returned, and find nothing left? */
static bool somebody_late(int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		const struct caller *c = &stage->callers[i];

		if (c->end_ns && !c->ret && !c->res.anon_bytes &&
		    !(c->res.notes & MRELEASE_NOTE_JOINED))
			return true;
	}
	return false;
}

static bool told_all(const struct caller *c, uint64_t total, bool joined)
{
	const struct mrelease_result *res = &c->res;
	bool ret = !c->ret && res->anon_bytes == total && !res->left_bytes &&
		   (!joined || (res->notes & MRELEASE_NOTE_JOINED));

	if (!ret)
		tap_note("%s: anon %llu of %llu, left %llu, notes %#x, %.1f ms",
			 err_name(c->ret), res->anon_bytes,
			 (unsigned long long)total, res->left_bytes, res->notes,
			 res->elapsed_ns / 1e6);
	return ret;
}

/*
 * struct score - of a number of rounds
 * @late: rounds that were run once more
 * @ns_max: the longest time that a caller took
 */
struct score {
	int rounds;
	int late;
	int wrong;
	int wrong_status;
	uint64_t ns_max;
};

static void score_time(struct score *score, const struct caller *c)
{
	if (c->res.elapsed_ns > score->ns_max)
		score->ns_max = c->res.elapsed_ns;
}

static int rounds(void)
{
	return getenv("MRELEASE_LONG") ? ROUNDS : ROUNDS / 4;
}

/* Another round?  One that was late does not count. */
static bool score_more(struct score *s)
{
	return s->rounds < rounds() && s->late <= RETRIES && !s->wrong;
}

/* 2 points. */
static void score_tell(const struct score *score, const char *name)
{
	tap_ok(score->rounds == rounds() && !score->wrong,
	       "%s: all return, with the same and true totals", name);
	tap_ok(!score->wrong_status, "%s: killed by SIGKILL", name);
	tap_note(
		"%s: %d rounds, %d more with a late caller, longest call %.1f ms",
		name, score->rounds, score->late, score->ns_max / 1e6);
}

static void check_threads(int nr, const char *name)
{
	struct score score = {};
	pthread_t threads[CALLERS_MAX];
	uint64_t total;
	int i;

	while (score_more(&score)) {
		struct victim victim = stage_victim(
			getenv("MRELEASE_LONG") ? 512 * MIB : 256 * MIB, nr,
			&total);
		bool late;

		for (i = 0; i < nr; i++) {
			stage->callers[i].flags = MRELEASE_KILL;
			if (pthread_create(&threads[i], NULL, call,
					   &stage->callers[i]))
				tap_bail("pthread_create");
		}
		for (i = 0; i < nr; i++)
			pthread_join(threads[i], NULL);
		late = somebody_late(nr);
		for (i = 0; i < nr && !late; i++) {
			score.wrong +=
				!told_all(&stage->callers[i], total, true);
			score_time(&score, &stage->callers[i]);
		}
		score.wrong_status += !unstage_victim(&victim);
		score.late += late;
		score.rounds += !late;
	}
	score_tell(&score, name);
}

/* Flags 0 beside KILL: one makes its pass after the other. */
static void check_other_flags(void)
{
	struct score score = {};
	uint64_t total;

	while (score_more(&score)) {
		struct victim victim = stage_victim(128 * MIB, 2, &total);
		struct caller *c = stage->callers;

		c[0].flags = MRELEASE_KILL;
		sys_pidfd_send_signal(victim.pidfd, SIGKILL);
		start_process(&c[0]);
		start_process(&c[1]);
		waitpid(c[0].pid, NULL, 0);
		waitpid(c[1].pid, NULL, 0);
		/* Between them they had everything, and nothing twice. */
		if (c[0].ret || c[1].ret ||
		    c[0].res.anon_bytes + c[1].res.anon_bytes != total) {
			tap_note("%s %llu, %s %llu of %llu", err_name(c[0].ret),
				 c[0].res.anon_bytes, err_name(c[1].ret),
				 c[1].res.anon_bytes,
				 (unsigned long long)total);
			score.wrong++;
		}
		score_time(&score, &c[0]);
		score_time(&score, &c[1]);
		score.wrong_status += !unstage_victim(&victim);
		score.rounds++;
	}
	score_tell(&score, "other flags");
}

/* May the call have begun after @ns, or so little before that it had not joined? */
static bool began_after(const struct caller *c, uint64_t ns)
{
	return c->end_ns - c->res.elapsed_ns + 3000000 > ns;
}

/* The first of three is killed while they work, sooner or later. */
static void check_killed_caller(void)
{
	struct score score = {};
	uint64_t total;
	int killed = 0;

	while (score_more(&score)) {
		struct victim victim = stage_victim(256 * MIB, 3, &total);
		struct caller *c = stage->callers;
		uint64_t kill_ns;
		bool late;
		int i;

		for (i = 0; i < 3; i++) {
			c[i].flags = MRELEASE_KILL;
			start_process(&c[i]);
		}
		while (stage->waiting < 3)
			sched_yield();
		kill_ns = now_ns() +
			  (1 + (score.rounds + score.late) % 5) * 5000000;
		while (now_ns() < kill_ns)
			;
		kill(c[0].pid, SIGKILL);
		for (i = 0; i < 3; i++)
			waitpid(c[i].pid, NULL, 0);
		killed += !c[0].end_ns;
		/* What it did alone, before they were in the kernel, is not theirs. */
		late = somebody_late(3) || began_after(&c[1], kill_ns) ||
		       began_after(&c[2], kill_ns);
		for (i = 1; i < 3 && !late; i++) {
			score.wrong += !told_all(&c[i], total, false);
			score_time(&score, &c[i]);
		}
		score.wrong_status += !unstage_victim(&victim);
		score.late += late;
		score.rounds += !late;
	}
	score_tell(&score, "one is killed");
	tap_note("one is killed: %d times in the middle", killed);
	tap_ok(killed, "one is killed: at least once in the middle");
}

/* Takes the slow CPU as soon as it is told to. */
static pid_t start_hog(void)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to_cpu(SLOW_CPU);
	setpriority(PRIO_PROCESS, 0, -20);
	while (!atomic_load(&stage->hog))
		sleep_ms(1);
	for (;;)
		;
}

/* One gets no CPU any more while it has a piece, most of the times. */
static void check_idle_caller(void)
{
	struct score score = {};
	uint64_t total;
	int stuck = 0;

	/* There who holds the lock of a page table can lose the CPU. */
	if (!access("/sys/kernel/realtime", F_OK)) {
		for (stuck = 0; stuck < 3; stuck++)
			tap_skip("PREEMPT_RT", "one gets no CPU");
		return;
	}
	while (score_more(&score)) {
		struct victim victim = stage_victim(256 * MIB, 1, &total);
		struct caller *c = stage->callers;
		pid_t hog = start_hog();
		bool late;

		c[0].flags = MRELEASE_KILL;
		c[0].idle = true;
		c[1].flags = MRELEASE_KILL;
		start_process(&c[0]);
		while (!c[0].begun)
			sched_yield();
		sleep_ms(1 + score.rounds % 5);
		atomic_store(&stage->hog, true);
		sleep_ms(5);
		start_process(&c[1]);
		waitpid(c[1].pid, NULL, 0);
		stuck += !c[0].end_ns;
		score_time(&score, &c[1]);
		kill(hog, SIGKILL);
		waitpid(hog, NULL, 0);
		waitpid(c[0].pid, NULL, 0);
		late = somebody_late(2);
		score.wrong += !late && (!told_all(&c[0], total, false) ||
					 !told_all(&c[1], total, false));
		score.wrong_status += !unstage_victim(&victim);
		score.late += late;
		score.rounds += !late;
	}
	score_tell(&score, "one gets no CPU");
	tap_ok(stuck && score.ns_max < FOR_EVER_NS,
	       "one gets no CPU: the other does not wait for it");
	tap_note("one gets no CPU: %d times stuck", stuck);
}

int main(void)
{
	tap_plan(2 + 2 + 2 + 3 + 3);
	if (nr_cpus() <= SLOW_CPU) {
		errno = ENODEV;
		tap_bail("4 CPUs");
	}
	dev = dev_open();
	hold_setup();
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage == MAP_FAILED)
		tap_bail("mmap");

	check_threads(2, "2 threads");
	check_threads(4, "4 threads");
	check_other_flags();
	check_killed_caller();
	check_idle_caller();
	return tap_done();
}

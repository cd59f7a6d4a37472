// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More victims in one call than can be in release at once: all are killed first all
 * the same, and released as there is room.  Who is not to be killed is not, and where no
 * room comes the deadline holds.
 */
/* guest: smp=2 mem=1024 params=victims=3 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "caller.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define NR 12
#define HELD 5
/* By the parameter above. */
#define OBJECTS 3

static int dev;
static volatile pid_t *sharer;

static int sharer_main(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void sharing_body(void *arg)
{
	char *stack = map_touched(16384, false);

	(void)arg;
	*sharer = clone(sharer_main, stack + 16384, CLONE_VM | SIGCHLD, NULL);
	if (*sharer < 0)
		_exit(92);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* 2 points: one there is no room for, and that another process shares memory with. */
static void check_refused(void)
{
	struct victim v[OBJECTS], sharing;
	const struct mrelease_target *t;
	unsigned int i, killed = 0;
	struct batch b;
	bool alive;

	batch_init(&b, MRELEASE_KILL, 0);
	for (i = 0; i < OBJECTS; i++) {
		v[i] = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
		hold_freeze(v[i].pid);
		batch_add(&b, v[i].pidfd);
	}
	sharing = victim_start(sharing_body, NULL);
	batch_add(&b, sharing.pidfd);
	batch_call(dev, &b);
	t = &b.targets[OBJECTS];
	alive = proc_state(sharing.pid) == 'S' && proc_state(*sharer) == 'S';
	if (!tap_ok(!b.ret && t->error == -EINVAL && alive &&
			    !t->result.victims &&
			    t->result.left_reasons == MRELEASE_LEFT_SHARED,
		    "no room, and shares its memory: refused, alive"))
		tap_note("%s, %c, %c", err_name(b.ret), proc_state(sharing.pid),
			 proc_state(*sharer));
	hold_thaw();
	for (i = 0; i < OBJECTS; i++)
		killed += was_killed(victim_reap(&v[i]));
	tap_ok(killed == OBJECTS, "the others are dead");
	kill(*sharer, SIGKILL);
	victim_end(&sharing);
	waitpid(*sharer, NULL, 0);
}

/* Waits for the end of a victim that does not get on. */
static void *wait_for_end(void *arg)
{
	struct victim *victim = arg;

	dev_release(dev, victim->pidfd, MRELEASE_KILL | MRELEASE_TEARDOWN,
		    NULL);
	return NULL;
}

/* 3 points: others have all the objects, and keep them. */
static void check_deadline(void)
{
	struct victim held[OBJECTS], v = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
	const struct mrelease_target *t;
	pthread_t threads[OBJECTS];
	struct batch b;
	bool ok;
	int i;

	for (i = 0; i < OBJECTS; i++) {
		held[i] = victim_anon(MIB, VICTIM_SLEEP, -1);
		hold_prepare(&held[i]);
		if (pthread_create(&threads[i], NULL, wait_for_end, &held[i]))
			tap_bail("pthread_create");
		hold_wait(&held[i]);
	}
	hold_freeze(v.pid);
	batch_init(&b, MRELEASE_KILL, 300);
	batch_add(&b, v.pidfd);
	batch_call(dev, &b);
	t = &b.targets[0];
	ok = tap_ok(b.ret == -ETIMEDOUT && t->error == -ETIMEDOUT &&
			    t->result.victims == 1,
		    "no room till the deadline: killed, ETIMEDOUT");
	ok &= tap_ok(t->result.left_bytes >= 2 * MIB &&
			     t->result.left_reasons == (MRELEASE_LEFT_EXITING |
							MRELEASE_LEFT_TIMEOUT),
		     "no room till the deadline: what it has left, and why");
	if (!ok)
		batch_note(&b, 1, &b.many.total);
	for (i = 0; i < OBJECTS; i++) {
		hold_end(&held[i]);
		pthread_join(threads[i], NULL);
	}
	hold_thaw();
	tap_ok(was_killed(victim_reap(&v)), "no room: killed by SIGKILL");
}

int main(void)
{
	unsigned int i, failed = 0, killed = 0, skipped = 0, released = 0;
	struct victim v[NR];
	struct batch b;

	tap_plan(5 + 2 + 3);
	dev = dev_open();
	hold_setup();
	batch_init(&b, MRELEASE_KILL, 0);
	for (i = 0; i < NR; i++) {
		v[i] = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
		/* These keep their memory until they are released. */
		if (i >= NR - HELD)
			hold_freeze(v[i].pid);
		batch_add(&b, v[i].pidfd);
	}
	batch_call(dev, &b);
	for (i = 0; i < NR; i++) {
		const struct mrelease_result *res = &b.targets[i].result;

		failed += !!b.targets[i].error;
		killed += res->victims;
		released += res->anon_bytes >= 2 * MIB && !res->left_bytes;
		skipped += !!(res->notes & MRELEASE_NOTE_SKIPPED);
	}
	tap_note("%u released, %u had gone by themselves", released, skipped);
	if (!tap_ok(!b.ret && !failed, "no error"))
		batch_note(&b, NR, &b.many.total);
	tap_ok(killed == NR && b.many.total.victims == NR, "all were killed");
	tap_ok(released >= HELD, "those that were still there were released");
	tap_ok(released + skipped == NR,
	       "of each it is known what became of it");
	hold_thaw();
	for (i = 0; i < NR; i++)
		killed -= was_killed(victim_reap(&v[i]));
	tap_ok(!killed, "all died of SIGKILL");

	sharer = caller_shared(sizeof(*sharer));
	check_refused();
	check_deadline();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victim fds that are closed, released and polled at any moment while their process
 * is killed or exits: nobody waits for ever, and nothing is held in the end.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ROUNDS 300
#define BYTES (4UL * 1024 * 1024)
#define PATIENCE 20000
/* What else runs in the machine may have started a process or two meanwhile. */
#define SLACK 10

enum deed { KILL, EXIT, RELEASE, TEARDOWN, DEVICE, CLOSE, POLL, DEEDS };

/* struct actor - a thread that does one thing, a little later */
struct actor {
	enum deed deed;
	unsigned int delay;
	struct victim *victim;
	int fd;
	int ret;
};

static int dev;
static int done[DEEDS];

static void *victim_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void on_usr1(int sig)
{
	(void)sig;
	_exit(42);
}

static void victim_body(void *arg)
{
	unsigned int threads = *(unsigned int *)arg;
	pthread_t thread;

	signal(SIGUSR1, on_usr1);
	map_touched(BYTES, false);
	while (threads--)
		if (pthread_create(&thread, NULL, victim_thread, NULL))
			_exit(94);
	victim_ready();
	for (;;)
		pause();
}

static void *act(void *arg)
{
	struct actor *a = arg;
	struct timespec ts = { 0, a->delay * 1000L };

	nanosleep(&ts, NULL);
	switch (a->deed) {
	case KILL:
		a->ret = sys_pidfd_send_signal(a->victim->pidfd, SIGKILL);
		break;
	case EXIT:
		a->ret = sys_pidfd_send_signal(a->victim->pidfd, SIGUSR1);
		break;
	case RELEASE:
		a->ret = arm_release_timeout(a->fd, MRELEASE_KILL, PATIENCE,
					     NULL);
		break;
	case TEARDOWN:
		a->ret = arm_release_timeout(a->fd,
					     MRELEASE_KILL | MRELEASE_TEARDOWN,
					     PATIENCE, NULL);
		break;
	case DEVICE:
		a->ret = dev_release_timeout(dev, a->victim->pidfd,
					     MRELEASE_KILL, PATIENCE, NULL);
		break;
	case CLOSE:
		a->ret = close(a->fd);
		break;
	default:
		a->ret = arm_poll(a->fd, PATIENCE) ? 0 : -ETIMEDOUT;
	}
	return NULL;
}

/* Is that what may be said in a race?  A closed descriptor is as good an answer. */
static bool may_say(const struct actor *a)
{
	switch (a->ret) {
	case 0:
		return true;
	case -ESRCH:
	case -EBADF:
		return a->deed != CLOSE && a->deed != POLL;
	default:
		return false;
	}
}

#define ACTORS 5
static bool run_round(uint64_t *seed)
{
	struct actor actors[ACTORS];
	pthread_t threads[ACTORS];
	unsigned int extra = random_next(seed) % 4, i;
	struct victim victim = victim_start(victim_body, &extra);
	int watch = arm_now(dev, victim.pidfd, 0);
	int fd = arm_now(dev, victim.pidfd,
			 random_next(seed) % 4 ? MRELEASE_TEARDOWN : 0);
	bool closed = false, ok = true;

	for (i = 0; i < ACTORS; i++) {
		struct actor *a = &actors[i];

		*a = (struct actor){ .victim = &victim, .fd = fd };
		/* One who ends it, one who waits for the end, and some others. */
		a->deed = i == 0 ? random_next(seed) % CLOSE :
			  i == 1 ? POLL :
				   random_next(seed) % DEEDS;
		if (i == 1)
			a->fd = watch;
		else if (a->deed == POLL)
			a->deed = CLOSE;
		if (a->deed == CLOSE && closed)
			a->deed = DEVICE;
		closed |= a->deed == CLOSE;
		a->delay = random_next(seed) % 3000;
		/* Whoever ends it must not find a closed descriptor. */
		if (i == 0 && (a->deed == RELEASE || a->deed == TEARDOWN))
			a->fd = watch;
		if (pthread_create(&threads[i], NULL, act, a))
			tap_bail("pthread_create");
	}
	for (i = 0; i < ACTORS; i++) {
		pthread_join(threads[i], NULL);
		done[actors[i].deed]++;
		if (may_say(&actors[i]))
			continue;
		ok = false;
		tap_note("%d said %s", actors[i].deed, err_name(actors[i].ret));
	}
	if (!closed) {
		ok &= arm_poll(fd, PATIENCE);
		close(fd);
	}
	close(watch);
	victim_end(&victim);
	return ok;
}

int main(void)
{
	const char *text = getenv("MRELEASE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	int refs, good = 0, i;
	long before, after;

	tap_plan(3);
	dev = dev_open();
	refs = module_refs();
	before = slab_active("mm_struct");
	for (i = 0; i < ROUNDS; i++)
		good += run_round(&seed);
	tap_ok(good == ROUNDS, "%d rounds: each call says what it may", ROUNDS);
	tap_note(
		"kill %d exit %d release %d teardown %d device %d close %d poll %d",
		done[KILL], done[EXIT], done[RELEASE], done[TEARDOWN],
		done[DEVICE], done[CLOSE], done[POLL]);
	tap_ok(module_wait(refs, PATIENCE), "nothing of the module is held");
	after = slab_settled("mm_struct", before + SLACK);
	tap_note("mm_struct %ld before, %ld after", before, after);
	if (before > 0)
		tap_ok(after <= before + SLACK, "no address space is held");
	else
		tap_skip("no /proc/slabinfo", "no address space is held");
	return tap_done();
}

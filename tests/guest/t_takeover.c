// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose memory is taken over when it exits: of a process that the one who armed it may
 * still kill, while the device is switched on; of no other.
 *
 * What is asked for takes three seconds to be read, and the exit of a process waits for
 * that; one whose memory is taken over is gone at once.
 */
/* guest: smp=2 mem=2048 timeout=300 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "caller.h"
#include "kinds.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ALICE 1000
#define PARAM_ENABLED "/sys/module/mrelease/parameters/enabled"
#define PATIENCE 20000
#define POINTS 3

/*
 * struct scene - one victim
 * @armed_by: user id of the one who arms it, who is a process of its own
 * @changes: the victim becomes root altogether after it was armed
 * @off: the device is switched off when it is killed
 * @taken: it is to be taken over
 */
struct scene {
	const char *name;
	uid_t armed_by;
	bool changes;
	bool off;
	bool taken;
};

static const struct scene scenes[] = {
	{ "armed by root", 0, false, false, true },
	{ "armed by root, root since then", 0, true, false, true },
	{ "armed by its user", ALICE, false, false, true },
	{ "armed by its user, root since then", ALICE, true, false, false },
	{ "armed by root, switched off", 0, false, true, false },
	{ "armed by its user, switched off", ALICE, false, true, false },
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static int dev;
static int idle_refs;

static void become_root(int sig)
{
	(void)sig;
	if (syscall(SYS_setresuid, 0, 0, 0))
		_exit(94);
}

/* Alice's, who may kill it, with the rights of root. */
static void victim_body(void *arg)
{
	signal(SIGUSR1, become_root);
	if (syscall(SYS_setresuid, ALICE, 0, ALICE))
		_exit(93);
	kind_aio(arg);
}

static uid_t uid_of(pid_t pid)
{
	return proc_pid_kib(pid, "status", "Uid");
}

/* Arms it, says so, and keeps the victim fd until it is killed. */
static pid_t start_armer(const struct scene *scene, const struct victim *victim)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		tap_bail("pipe");
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		if (scene->armed_by)
			caller_become(scene->armed_by, scene->armed_by,
				      scene->armed_by);
		if (arm(dev, victim->pidfd, MRELEASE_TEARDOWN) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		tap_bail("%s: not armed", scene->name);
	close(ready[0]);
	return pid;
}

/* 3 points. */
static void play(const struct scene *scene)
{
	struct victim victim = victim_start(victim_body, NULL);
	pid_t armer = start_armer(scene, &victim);
	bool gone;

	if (scene->changes) {
		kill(victim.pid, SIGUSR1);
		while (uid_of(victim.pid) == ALICE)
			sleep_ms(1);
	}
	if (scene->off)
		write_file(PARAM_ENABLED, "0");
	kill(victim.pid, SIGKILL);
	gone = arm_poll(victim.pidfd, 1000);
	tap_ok(gone == scene->taken, "%s: %s", scene->name,
	       scene->taken ? "taken over, and gone at once" :
			      "not taken over");
	tap_ok(was_killed(victim_reap(&victim)), "%s: killed by SIGKILL",
	       scene->name);
	write_file(PARAM_ENABLED, "1");
	kill(armer, SIGKILL);
	waitpid(armer, NULL, 0);
	tap_ok(module_wait(idle_refs, PATIENCE),
	       "%s: nothing is held in the end", scene->name);
}

int main(void)
{
	const char *why = no_nullb();
	unsigned int i;

	tap_plan(SCENES * POINTS);
	if (why) {
		for (i = 0; i < SCENES * POINTS; i++)
			tap_skip(why, "held up: %u", i);
		return tap_done();
	}
	dev = dev_open();
	idle_refs = module_refs();
	for (i = 0; i < SCENES; i++)
		play(&scenes[i]);
	return tap_done();
}

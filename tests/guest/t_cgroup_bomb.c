// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fork bombs in a cgroup: when the call returns nobody who lives is left, however
 * fast they fork.
 *
 * A loop of kill(2) over cgroup.procs, once, stands beside it in a table; nothing is
 * demanded of that.
 */
/* guest: smp=2 mem=1024 timeout=600 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "group.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define KIB 1024UL

/*
 * struct bomb - what forks
 * @max: processes
 * @grow_ms: the call comes so long after the first fork
 * @rounds: how often
 */
struct bomb {
	const char *name;
	unsigned int max;
	unsigned int grow_ms;
	unsigned int rounds;
};

static const struct bomb bombs[] = {
	{ "growing", 2000, 30, 20 },
	{ "at its limit", 60, 300, 20 },
	{ "more than there is room for", 600, 3000, 3 },
};

#define NR_BOMBS (sizeof(bombs) / sizeof(bombs[0]))

static int dev;

static void bomb_body(void *arg)
{
	char *mem = map_touched(256 * KIB, false);

	(void)arg;
	victim_ready();
	group_wait_go();
	for (;;) {
		if (!fork())
			mem[0]++;
	}
}

static struct victim start(const struct bomb *bomb)
{
	struct victim v;
	char text[16];

	group_make("bomb");
	snprintf(text, sizeof(text), "%u", bomb->max);
	group_set("bomb", "pids.max", text);
	v = victim_start(bomb_body, NULL);
	group_move("bomb", v.pid);
	kill(v.pid, SIGUSR1);
	sleep_ms(bomb->grow_ms);
	return v;
}

static void bury(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Wait until all are gone that have been killed; false when somebody lives on. */
static bool quiet(void)
{
	uint64_t end = now_ns() + 20000000000ULL;

	while (!group_empty("bomb")) {
		if (now_ns() > end)
			return false;
		bury();
		sleep_ms(10);
	}
	bury();
	return true;
}

static void finish(struct victim *v)
{
	while (!group_empty("bomb")) {
		group_kill("bomb");
		bury();
	}
	bury();
	close(v->pidfd);
	group_remove("bomb");
}

struct tally {
	unsigned int errors;
	unsigned int escaped;
	unsigned int unknown;
	unsigned int most;
	uint64_t ns;
};

static void run(const struct bomb *bomb, struct tally *tally)
{
	const struct mrelease_result *total;
	unsigned int i, j, round;
	static struct batch b;
	struct victim v;
	int fd;

	memset(tally, 0, sizeof(*tally));
	for (round = 0; round < bomb->rounds; round++) {
		v = start(bomb);
		fd = group_open("bomb");
		batch_init(&b, MRELEASE_KILL, 0);
		batch_cgroup(dev, &b, fd, BATCH_MAX);
		close(fd);
		total = &b.cgroup.total;
		if (b.ret && !tally->errors++)
			batch_note(&b, BATCH_MAX, total);
		if (b.cgroup.nr > tally->most)
			tally->most = b.cgroup.nr;
		if (total->elapsed_ns > tally->ns)
			tally->ns = total->elapsed_ns;
		/* Of each it is told that it was killed, and what of its memory. */
		if (total->victims != b.cgroup.nr)
			tally->unknown++;
		for (i = j = 0; i < b.cgroup.nr && i < BATCH_MAX; i++) {
			const struct mrelease_result *res =
				&b.targets[i].result;

			j += b.targets[i].error || !res->victims ||
			     (res->left_bytes && !res->left_reasons);
		}
		if (j && !tally->unknown++)
			batch_note(&b, BATCH_MAX, total);
		tally->escaped += !quiet();
		finish(&v);
	}
}

/* How many of a bomb one loop over the list leaves; a comment. */
static void show_loop(const struct bomb *bomb)
{
	unsigned int listed, survived = 0, round;

	for (round = 0; round < 5; round++) {
		struct victim v = start(bomb);

		listed = group_kill("bomb");
		sleep_ms(20);
		bury();
		survived += group_kill("bomb") > 0;
		finish(&v);
	}
	tap_note(
		"%s: kill(2) of each that is listed: survived %u of 5, %u listed",
		bomb->name, survived, listed);
}

int main(void)
{
	struct tally tally[NR_BOMBS];
	unsigned int i;

	tap_plan(3 * NR_BOMBS);
	dev = dev_open();
	group_go_setup();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");

	show_loop(&bombs[1]);
	for (i = 0; i < NR_BOMBS; i++) {
		run(&bombs[i], &tally[i]);
		tap_note("%s: at most %u processes, at most %llu ms",
			 bombs[i].name, tally[i].most,
			 (unsigned long long)tally[i].ns / 1000000);
		tap_ok(!tally[i].escaped, "%s: nobody escapes", bombs[i].name);
		tap_ok(!tally[i].errors, "%s: no error", bombs[i].name);
		tap_ok(!tally[i].unknown, "%s: of each it is told",
		       bombs[i].name);
	}
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that are moved into a cgroup while it is released: they die, too, even if
 * they are more than the call has made room for.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "caller.h"
#include "group.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define CALLER_UID 1000
#define OTHER_UID 2000
/* The call has room for 64 besides twice those whom it finds. */
#define MOVED 100
#define ROOM 16

/* Shared with the caller, which is a child. */
struct stage {
	struct batch b;
	uid_t uid;
};

static struct stage *stage;
static int dev;

static pid_t start_caller(void)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		tap_bail("fork");
	if (pid)
		return pid;
	fd = group_open("moved");
	if (stage->uid)
		caller_become(stage->uid, stage->uid, stage->uid);
	batch_init(&stage->b, MRELEASE_KILL | MRELEASE_TEARDOWN, 0);
	batch_cgroup(dev, &stage->b, fd, ROOM);
	_exit(0);
}

/* uid_t *: of that user, asleep. */
static void sleeper_body(void *arg)
{
	uid_t uid = *(uid_t *)arg;

	caller_become(uid, uid, uid);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/*
 * 3 points.  The call waits for a victim that is held in its exit; meanwhile MOVED
 * others come in, of whom the last @spared may not be killed.
 */
static void check(uid_t uid, unsigned int spared, const char *name)
{
	struct mrelease_result *total = &stage->b.cgroup.total;
	unsigned int i, killed = 0, live = 0;
	struct victim held, v[MOVED];
	uid_t other = OTHER_UID;
	pid_t caller;

	group_make("moved");
	held = victim_start(caller_victim, &uid);
	group_move("moved", held.pid);
	hold_prepare(&held);
	for (i = 0; i < MOVED; i++)
		v[i] = victim_start(sleeper_body,
				    i < MOVED - spared ? &uid : &other);
	stage->uid = uid;
	caller = start_caller();
	hold_wait(&held);
	for (i = 0; i < MOVED; i++)
		group_move("moved", v[i].pid);
	hold_end(&held);
	waitpid(caller, NULL, 0);

	for (i = 0; i < MOVED - spared; i++)
		killed += was_killed(victim_reap(&v[i]));
	for (; i < MOVED; i++)
		live += !waitpid(v[i].pid, NULL, WNOHANG);
	tap_ok(stage->b.ret == (spared ? -EPERM : 0) &&
		       total->victims == 1 + MOVED - spared &&
		       total->notes & MRELEASE_NOTE_SKIPPED,
	       "%s: the call says so", name);
	tap_ok(killed == MOVED - spared, "%s: who may be killed is dead", name);
	tap_ok(live == spared, "%s: the others live", name);
	tap_note("%s: %s, %u in it, %u victims, %u dead, %u live, notes %#x",
		 name, err_name(stage->b.ret), stage->b.cgroup.nr,
		 total->victims, killed, live, total->notes);
	for (i = MOVED - spared; i < MOVED; i++)
		victim_end(&v[i]);
	group_remove("moved");
}

int main(void)
{
	tap_plan(2 * 3);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");
	check(0, 0, "all are root's");
	check(CALLER_UID, 30, "some are another user's");
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cgroup in one call: everybody in it and below is killed and released, nobody
 * else, and nobody escapes by forking; who may not be killed says so and holds up
 * nobody.
 */
/* guest: smp=2 mem=1024 timeout=240 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

#define MIB (1024UL * 1024)
#define CALLER_UID 1000
#define OTHER_UID 2000
#define ROOM 16
/* By hold_setup(). */
#define V1_MOUNT "/tmp/freezer"

/* Shared with callers in children. */
struct stage {
	struct batch b;
	unsigned int room;
	int fd;
	pid_t pid;
};

static struct stage *stage;
static struct batch *b;
static int dev;

static int release(const char *name, uint32_t flags, unsigned int room)
{
	int fd = group_open(name);

	batch_init(b, MRELEASE_KILL | flags, 0);
	batch_cgroup(dev, b, fd, room);
	close(fd);
	return b->ret;
}

static struct victim member(const char *name, unsigned int mib)
{
	struct victim v = victim_anon(mib * MIB, VICTIM_SLEEP, -1);

	group_move(name, v.pid);
	return v;
}

static const struct mrelease_target *target_of(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < b->cgroup.nr && i < BATCH_MAX; i++)
		if (b->targets[i].pid == pid)
			return &b->targets[i];
	return NULL;
}

static bool gave(pid_t pid, unsigned int mib)
{
	const struct mrelease_target *t = target_of(pid);

	return t && !t->error && t->pidfd == -1 && t->result.victims == 1 &&
	       t->result.anon_bytes >= mib * MIB && !t->result.left_bytes;
}

/* 8 points. */
static void check_nested(uint32_t flags, const char *name)
{
	struct victim v[5], out;
	struct mrelease_result *total = &b->cgroup.total;
	long before, after;
	unsigned int i;
	bool killed = true;

	group_make("a");
	group_make("a/b");
	group_make("a/b/c");
	group_make("a/d");
	group_make("ab");
	v[0] = member("a", 4);
	v[1] = member("a/b", 24);
	v[2] = member("a/b/c", 8);
	v[3] = member("a/b/c", 16);
	v[4] = member("a/d", 2);
	out = member("ab", 2);

	before = proc_kib("/proc/meminfo", "MemFree");
	release("a", flags, ROOM);
	after = proc_kib("/proc/meminfo", "MemFree");
	if (!tap_ok(!b->ret && b->cgroup.nr == 5, "%s: five processes", name))
		batch_note(b, b->cgroup.nr, total);
	tap_ok(gave(v[0].pid, 4) && gave(v[1].pid, 24) && gave(v[2].pid, 8) &&
		       gave(v[3].pid, 16) && gave(v[4].pid, 2),
	       "%s: each one gave what it had", name);
	tap_ok(total->victims == 5 && total->anon_bytes >= 54 * MIB &&
		       total->anon_bytes < 60 * MIB && !total->left_bytes &&
		       !total->notes,
	       "%s: the total is the sum", name);
	if (!tap_ok(after - before > 50 * 1024,
		    "%s: MemFree has it when the call returns", name))
		tap_note("MemFree %ld kB before, %ld kB after", before, after);
	for (i = 0; i < 5; i++)
		killed &= was_killed(victim_reap(&v[i]));
	tap_ok(killed, "%s: all died of SIGKILL", name);
	tap_ok(anon_bytes(out.pid) >= 2 * MIB, "%s: nobody else did", name);
	tap_ok(group_empty("a"), "%s: nobody is left", name);

	release("a", flags, ROOM);
	tap_ok(!b->ret && !b->cgroup.nr && !total->victims,
	       "%s: an empty one: nothing to do", name);
	victim_end(&out);
	group_remove("a/b/c");
	group_remove("a/b");
	group_remove("a/d");
	group_remove("a");
	group_remove("ab");
}

/* 5 points. */
static void check_room(void)
{
	struct mrelease_result *total = &b->cgroup.total;
	struct victim v[4];
	unsigned int i;

	group_make("a");
	for (i = 0; i < 4; i++)
		v[i] = member("a", 2);
	release("a", 0, 1);
	tap_ok(!b->ret && b->cgroup.nr == 4 && total->victims == 4,
	       "room for one: all four are counted");
	tap_ok(total->anon_bytes >= 8 * MIB && !total->left_bytes,
	       "room for one: and released");
	tap_ok(b->targets[0].pid && !b->targets[1].pid,
	       "room for one: only that is written");
	for (i = 0; i < 4; i++)
		victim_reap(&v[i]);

	v[0] = member("a", 2);
	batch_init(b, MRELEASE_KILL, 0);
	b->cgroup.targets = 0;
	b->cgroup.target_size = 0;
	i = group_open("a");
	batch_cgroup(dev, b, i, 0);
	close(i);
	tap_ok(!b->ret && b->cgroup.nr == 1 && total->victims == 1 &&
		       total->anon_bytes >= 2 * MIB,
	       "no array: the total");
	victim_reap(&v[0]);

	/* A zombie is nobody. */
	v[0] = victim_anon(MIB, VICTIM_SLEEP, -1);
	group_move("a", v[0].pid);
	kill(v[0].pid, SIGKILL);
	proc_wait_state(v[0].pid, "Z", 10000);
	release("a", 0, ROOM);
	if (!tap_ok(!b->ret && !b->cgroup.nr, "a zombie: nobody"))
		batch_note(b, b->cgroup.nr, total);
	victim_reap(&v[0]);
	group_remove("a");
}

/* 4 points. */
static void check_frozen(void)
{
	struct victim v[2];

	group_make("a");
	v[0] = member("a", 4);
	v[1] = victim_anon(4 * MIB, VICTIM_SPIN, -1);
	group_move("a", v[1].pid);
	group_freeze("a");
	release("a", MRELEASE_TEARDOWN, ROOM);
	if (!tap_ok(!b->ret && b->cgroup.nr == 2, "frozen: no error"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(gave(v[0].pid, 4) && gave(v[1].pid, 4), "frozen: released");
	tap_ok(was_killed(victim_reap(&v[0])) && was_killed(victim_reap(&v[1])),
	       "frozen: and dead");
	tap_ok(group_is("a", "cgroup.freeze", "1"), "frozen: it still is");
	group_remove("a");
}

static int call_as_user(void *arg)
{
	(void)arg;
	caller_become(CALLER_UID, CALLER_UID, CALLER_UID);
	batch_cgroup(dev, b, stage->fd, ROOM);
	return 0;
}

/* 4 points. */
static void check_permission(void)
{
	uid_t own = CALLER_UID, other = OTHER_UID;
	struct victim theirs, ours[2];
	const struct mrelease_target *t;

	group_make("a");
	ours[0] = victim_start(caller_victim, &own);
	group_move("a", ours[0].pid);
	theirs = victim_start(caller_victim, &other);
	group_move("a", theirs.pid);
	ours[1] = victim_start(caller_victim, &own);
	group_move("a", ours[1].pid);
	stage->fd = group_open("a");
	batch_init(b, MRELEASE_KILL, 0);
	caller_run(call_as_user, NULL);
	close(stage->fd);
	t = target_of(theirs.pid);
	if (!tap_ok(b->ret == -EPERM && b->cgroup.nr == 3,
		    "one of another user: EPERM"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(t && t->error == -EPERM && !t->result.victims &&
		       anon_bytes(theirs.pid) >= 2 * MIB,
	       "one of another user: nothing has happened to it");
	tap_ok(b->cgroup.total.victims == 2 && !target_of(ours[0].pid)->error &&
		       !target_of(ours[1].pid)->error,
	       "one of another user: the others are released");
	tap_ok(was_killed(victim_reap(&ours[0])) &&
		       was_killed(victim_reap(&ours[1])),
	       "one of another user: and dead");
	victim_end(&theirs);
	group_remove("a");
}

static int call_from_inside(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "%s", (const char *)arg);
	group_move(name, getpid());
	batch_cgroup(dev, b, stage->fd, ROOM);
	group_move("", getpid());
	return 0;
}

/* 1 point. */
static void refused(struct victim *v, int want, const char *why)
{
	if (!tap_ok(b->ret == want && !b->cgroup.nr &&
			    anon_bytes(v->pid) >= MIB,
		    "%s: %s", why, err_name(want)))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
}

/* 16 points. */
static void check_errors(void)
{
	struct victim v;
	int pid_fd, null, fd;

	group_make("a");
	group_make("a/b");
	v = member("a", 2);
	stage->fd = group_open("a");
	batch_init(b, MRELEASE_KILL, 0);
	caller_run(call_from_inside, "a");
	refused(&v, -EINVAL, "the caller inside");
	batch_init(b, MRELEASE_KILL, 0);
	caller_run(call_from_inside, "a/b");
	refused(&v, -EINVAL, "the caller below");
	fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, fd, ROOM);
	refused(&v, -EINVAL, "the root");
	close(fd);

	batch_init(b, 0, 0);
	batch_cgroup(dev, b, stage->fd, ROOM);
	refused(&v, -EINVAL, "without KILL");
	batch_init(b, MRELEASE_KILL | 1U << 30, 0);
	batch_cgroup(dev, b, stage->fd, ROOM);
	refused(&v, -EINVAL, "an unknown flag");
	batch_init(b, MRELEASE_KILL, 0);
	b->cgroup.size--;
	b->ret = batch_cgroup(dev, b, stage->fd, ROOM);
	tap_ok(b->ret == -EINVAL && anon_bytes(v.pid) >= MIB,
	       "a size below the first version: EINVAL");
	batch_init(b, MRELEASE_KILL, 0);
	b->cgroup.target_size--;
	batch_cgroup(dev, b, stage->fd, ROOM);
	tap_ok(b->ret == -EINVAL && anon_bytes(v.pid) >= MIB,
	       "elements below the first version: EINVAL");
	batch_init(b, MRELEASE_KILL, 0);
	b->cgroup.targets = 4096;
	batch_cgroup(dev, b, stage->fd, ROOM);
	tap_ok(b->ret == -EFAULT && anon_bytes(v.pid) >= MIB,
	       "an array that is not mapped: EFAULT");

	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, -1, ROOM);
	refused(&v, -EBADF, "-1");
	null = open("/dev/null", O_RDONLY);
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, null, ROOM);
	refused(&v, -EBADF, "no cgroup");
	close(null);
	pid_fd = open("/sys/fs/cgroup/test.a/cgroup.procs", O_RDONLY);
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, pid_fd, ROOM);
	refused(&v, -EBADF, "no directory");
	close(pid_fd);
	hold_setup();
	fd = open(V1_MOUNT, O_RDONLY | O_DIRECTORY);
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, fd, ROOM);
	refused(&v, -EBADF, "a cgroup v1");
	close(fd);

	group_make("gone");
	fd = group_open("gone");
	group_remove("gone");
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, fd, ROOM);
	refused(&v, -ENOENT, "a removed one");
	close(fd);

	write_file("/sys/module/mrelease/parameters/enabled", "0");
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, stage->fd, ROOM);
	refused(&v, -EPERM, "switched off");
	write_file("/sys/module/mrelease/parameters/enabled", "1");

	group_make("dom");
	group_make("dom/t");
	group_set("dom/t", "cgroup.type", "threaded");
	fd = group_open("dom/t");
	batch_init(b, MRELEASE_KILL, 0);
	batch_cgroup(dev, b, fd, ROOM);
	refused(&v, -EOPNOTSUPP, "a threaded one");
	close(fd);
	victim_end(&v);
	v = member("dom", 2);
	group_move("dom/t", v.pid);
	release("dom", 0, ROOM);
	if (!tap_ok(!b->ret && gave(v.pid, 2) && b->cgroup.nr == 1,
		    "threads below: their process is released"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	victim_reap(&v);
	close(stage->fd);
	group_remove("dom/t");
	group_remove("dom");
	group_remove("a/b");
	group_remove("a");
}

static int sharer_main(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void sharing_body(void *arg)
{
	char *stack = map_touched(65536, false);

	map_touched(4 * MIB, false);
	stage->pid = clone(sharer_main, stack + 65536, CLONE_VM | SIGCHLD, arg);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* 4 points. */
static void check_sharers(void)
{
	struct victim v = victim_start(sharing_body, NULL);

	group_make("a");
	group_move("a", v.pid);
	release("a", MRELEASE_SHARED, ROOM);
	if (!tap_ok(b->ret == -EPERM && b->targets[0].error == -EINVAL &&
			    b->targets[0].result.left_reasons ==
				    MRELEASE_LEFT_SHARED,
		    "its memory is shared with one outside: EPERM, EINVAL"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(anon_bytes(v.pid) >= 4 * MIB, "nothing has happened to it");
	group_move("a", stage->pid);
	release("a", MRELEASE_SHARED, ROOM);
	if (!tap_ok(!b->ret && b->cgroup.total.victims == 2 &&
			    b->cgroup.total.anon_bytes < 5 * MIB &&
			    !b->cgroup.total.left_bytes,
		    "both are inside: released, and counted once"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(was_killed(victim_reap(&v)), "and dead");
	waitpid(-1, NULL, 0);
	group_remove("a");
}

/* Who does not get through its exit, and a smaller one that does. */
static struct victim held_member(struct victim *other)
{
	struct victim v;

	group_make("a");
	v = member("a", 8);
	hold_prepare(&v);
	*other = member("a", 4);
	return v;
}

/* Its page tables are, in any case; whether pages are depends on the kernel. */
static bool is_left(const struct mrelease_target *t, uint32_t reason)
{
	return t->result.left_reasons == (t->result.left_bytes ? reason : 0);
}

/* 4 points: who has to be waited for holds up nobody. */
static void check_deadline(void)
{
	struct victim v, slow = held_member(&v);
	const struct mrelease_target *t;
	int fd = group_open("a");

	batch_init(b, MRELEASE_KILL | MRELEASE_TEARDOWN, DEADLINE_MS);
	batch_cgroup(dev, b, fd, ROOM);
	close(fd);
	t = target_of(slow.pid);
	tap_ok(b->ret == -ETIMEDOUT && b->cgroup.nr == 2 &&
		       b->cgroup.total.victims == 2,
	       "one that is held in its exit: ETIMEDOUT, both are killed");
	if (!tap_ok(t && t->error == -ETIMEDOUT &&
			    t->result.anon_bytes >= 8 * MIB &&
			    is_left(t, MRELEASE_LEFT_TIMEOUT),
		    "what it has given, and that it is not torn down"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(gave(v.pid, 4), "the other one has given all");
	hold_wait(&slow);
	tap_ok(was_killed(hold_end(&slow)) && was_killed(victim_reap(&v)),
	       "and dead");
	group_remove("a");
}

/* 3 points. */
static void check_killed_caller(void)
{
	struct victim v, slow = held_member(&v);
	const struct mrelease_target *t;
	int fd = group_open("a"), status;
	pid_t caller;

	batch_init(b, MRELEASE_KILL | MRELEASE_TEARDOWN, 0);
	caller = fork();
	if (!caller) {
		batch_cgroup(dev, b, fd, ROOM);
		_exit(0);
	}
	close(fd);
	hold_wait(&slow);
	was_killed(victim_reap(&v));
	if (!proc_wait_asleep(caller, "mr_victim_let_go", 10000))
		tap_bail("the caller does not sleep");
	kill(caller, SIGKILL);
	waitpid(caller, &status, 0);
	t = target_of(slow.pid);
	tap_ok(was_killed(status), "the caller is killed while it waits");
	if (!tap_ok(t && t->error == -EINTR &&
			    t->result.anon_bytes >= 8 * MIB &&
			    is_left(t, MRELEASE_LEFT_SIGNAL),
		    "EINTR, and what is left"))
		batch_note(b, b->cgroup.nr, &b->cgroup.total);
	tap_ok(was_killed(hold_end(&slow)), "and dead");
	group_remove("a");
}

int main(void)
{
	tap_plan(2 * 8 + 5 + 4 + 4 + 16 + 4 + 4 + 3);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	b = &stage->b;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");

	check_nested(0, "killed");
	check_nested(MRELEASE_EVICT | MRELEASE_SHARED | MRELEASE_TEARDOWN,
		     "torn down");
	check_room();
	check_frozen();
	check_permission();
	check_errors();
	check_sharers();
	check_deadline();
	check_killed_caller();
	return tap_done();
}

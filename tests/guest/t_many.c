// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An array of victims in one call: all are killed, then released, the largest first;
 * each says what came of it, and those that fail or have to be waited for hold up
 * nobody else.
 */
/* guest: smp=2 mem=1024 timeout=180 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "caller.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define NR 8
#define STACK 65536
#define OTHER_UID 2000
#define CALLER_UID 1000

static const unsigned int mib[NR] = { 4, 32, 8, 1, 16, 24, 2, 12 };

/* Shared with callers and sharers in children. */
struct stage {
	struct batch b;
	pid_t sharer;
};

static struct stage *stage;
static struct batch *b;
static int dev;

static void start_all(struct victim *v)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		v[i] = victim_anon(mib[i] * MIB, VICTIM_SPIN, -1);
}

static bool end_all(struct victim *v)
{
	bool killed = true;
	unsigned int i;

	for (i = 0; i < NR; i++)
		killed &= was_killed(victim_reap(&v[i]));
	return killed;
}

/* Is it what a victim of @mib gives that was killed and has nothing left? */
static bool gave(const struct mrelease_target *t, unsigned int megs)
{
	return !t->error && t->result.victims == 1 && !t->result.left_bytes &&
	       t->result.anon_bytes >= megs * MIB &&
	       t->result.anon_bytes < (megs + 1) * MIB;
}

/* The same by kill(2) and process_mrelease(2), one after the other. */
static void show_loop(void)
{
	unsigned int i, esrch = 0, other = 0;
	struct victim v[NR];
	uint64_t start;
	int ret;

	if (!have_process_mrelease())
		return;
	start_all(v);
	start = now_ns();
	for (i = 0; i < NR; i++)
		sys_pidfd_send_signal(v[i].pidfd, SIGKILL);
	for (i = 0; i < NR; i++) {
		ret = sys_process_mrelease(v[i].pidfd, 0);
		esrch += ret == -ESRCH;
		other += ret && ret != -ESRCH;
	}
	tap_note(
		"kill(2), then process_mrelease(2), of %d: %u too late, %u other errors, %llu us",
		NR, esrch, other,
		(unsigned long long)(now_ns() - start) / 1000);
	end_all(v);
}

/* 7 points. */
static void check_all(uint32_t flags, const char *name)
{
	bool each = true, pids = true, order = true;
	struct mrelease_result *total = &b->many.total;
	unsigned int i, j, megs = 0;
	struct victim v[NR];
	uint64_t sum = 0;
	long before, after;

	start_all(v);
	before = proc_kib("/proc/meminfo", "MemFree");
	batch_init(b, flags, 0);
	for (i = 0; i < NR; i++) {
		batch_add(b, v[i].pidfd);
		megs += mib[i];
	}
	batch_call(dev, b);
	after = proc_kib("/proc/meminfo", "MemFree");
	for (i = 0; i < NR; i++) {
		const struct mrelease_target *t = &b->targets[i];

		each &= gave(t, mib[i]);
		pids &= t->pid == v[i].pid && t->pidfd == v[i].pidfd;
		sum += t->result.anon_bytes;
		/* With a teardown all are waited for together. */
		for (j = 0; j < NR && !(flags & MRELEASE_TEARDOWN); j++)
			order &= mib[i] <= mib[j] ||
				 t->result.elapsed_ns <=
					 b->targets[j].result.elapsed_ns;
	}
	if (!tap_ok(!b->ret && each, "%s: each one gave what it had", name))
		batch_note(b, NR, total);
	tap_ok(pids, "%s: pidfd and pid are told", name);
	tap_ok(order, "%s: the largest came first", name);
	tap_ok(total->victims == NR && total->anon_bytes == sum,
	       "%s: the total is the sum", name);
	tap_ok(!total->left_bytes && !total->left_reasons && !total->notes,
	       "%s: nothing is left", name);
	if (!tap_ok(after - before > (long)(megs * 1024 * 9 / 10),
		    "%s: MemFree has it when the call returns", name))
		tap_note("MemFree %ld kB before, %ld kB after", before, after);
	tap_ok(end_all(v), "%s: all died of SIGKILL", name);
}

/* 8 points. */
static void check_elements(void)
{
	struct victim v = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
	struct victim twice = victim_anon(4 * MIB, VICTIM_SLEEP, -1);
	struct victim gone = victim_anon(MIB, VICTIM_SLEEP, -1);
	struct mrelease_result *total = &b->many.total;
	int self = sys_pidfd_open(getpid());
	int null = open("/dev/null", O_RDONLY);

	kill(gone.pid, SIGKILL);
	proc_wait_state(gone.pid, "Z", 10000);
	batch_init(b, MRELEASE_KILL, 0);
	batch_add(b, twice.pidfd);
	batch_add(b, -1);
	batch_add(b, null);
	batch_add(b, gone.pidfd);
	batch_add(b, self);
	batch_add(b, twice.pidfd);
	batch_add(b, v.pidfd);
	batch_call(dev, b);

	tap_ok(!b->ret, "elements that fail: the call does not");
	tap_ok(b->targets[1].error == -EBADF, "-1: EBADF");
	tap_ok(b->targets[2].error == -EBADF, "no pidfd: EBADF");
	tap_ok(b->targets[3].error == -ESRCH && b->targets[3].pid == gone.pid,
	       "a zombie: ESRCH");
	tap_ok(b->targets[4].error == -EINVAL && b->targets[4].pid == getpid(),
	       "the caller itself: EINVAL");
	if (!tap_ok(gave(&b->targets[6], 2), "the last one is released"))
		batch_note(b, 7, total);
	tap_ok(gave(&b->targets[0], 4) && gave(&b->targets[5], 4) &&
		       (b->targets[5].result.notes & MRELEASE_NOTE_JOINED),
	       "named twice: both say the same");
	tap_ok(total->victims == 2 &&
		       total->anon_bytes ==
			       b->targets[0].result.anon_bytes +
				       b->targets[6].result.anon_bytes,
	       "named twice: the total counts it once");
	victim_reap(&v);
	victim_reap(&twice);
	victim_reap(&gone);
	close(self);
	close(null);
}

static int call_as_user(void *arg)
{
	(void)arg;
	caller_become(CALLER_UID, CALLER_UID, CALLER_UID);
	batch_call(dev, b);
	return 0;
}

/* 3 points. */
static void check_permission(void)
{
	uid_t own = CALLER_UID, other = OTHER_UID;
	struct victim theirs = victim_start(caller_victim, &other);
	struct victim ours = victim_start(caller_victim, &own);

	batch_init(b, MRELEASE_KILL, 0);
	batch_add(b, theirs.pidfd);
	batch_add(b, ours.pidfd);
	caller_run(call_as_user, NULL);
	tap_ok(!b->ret && b->targets[0].error == -EPERM &&
		       !b->targets[0].result.victims,
	       "of another user: EPERM");
	tap_ok(anon_bytes(theirs.pid) >= 2 * MIB,
	       "of another user: nothing has happened to it");
	tap_ok(!b->targets[1].error && b->many.total.victims == 1 &&
		       was_killed(victim_reap(&ours)),
	       "the caller's own: killed");
	victim_end(&theirs);
}

static int sharer_main(void *arg)
{
	(void)arg;
	stage->sharer = syscall(SYS_getpid);
	for (;;)
		pause();
	return 0;
}

/* Shares its memory with a child; by vfork(2), or for ever. */
static void sharing_body(void *arg)
{
	char *stack = map_touched(STACK, false);
	bool vfork = *(bool *)arg;

	map_touched(40 * MIB, false);
	victim_ready();
	clone(sharer_main, stack + STACK,
	      CLONE_VM | SIGCHLD | (vfork ? CLONE_VFORK : 0), NULL);
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static struct victim start_sharing(bool vfork)
{
	struct victim v;

	stage->sharer = 0;
	v = victim_start(sharing_body, &vfork);
	while (!stage->sharer)
		sleep_ms(1);
	return v;
}

/* 5 points. */
static void check_sharers(uint32_t flags)
{
	struct mrelease_result *total = &b->many.total;
	struct victim v = start_sharing(false);
	int sharer = sys_pidfd_open(stage->sharer);

	batch_init(b, MRELEASE_KILL | flags, 0);
	batch_add(b, v.pidfd);
	batch_call(dev, b);
	tap_ok(!b->ret && b->targets[0].error == -EINVAL &&
		       b->targets[0].result.left_reasons ==
			       MRELEASE_LEFT_SHARED,
	       "one of two who share their memory: EINVAL");
	tap_ok(anon_bytes(v.pid) >= 40 * MIB, "nothing has happened to them");

	batch_init(b, MRELEASE_KILL | flags, 0);
	batch_add(b, v.pidfd);
	batch_add(b, sharer);
	batch_call(dev, b);
	if (!tap_ok(gave(&b->targets[0], 40) && gave(&b->targets[1], 40),
		    "both who share their memory: released"))
		batch_note(b, 2, total);
	tap_ok(total->victims == 2 && total->anon_bytes < 41 * MIB,
	       "both who share their memory: counted once");
	tap_ok(was_killed(victim_reap(&v)), "the victim was killed");
	close(sharer);
	waitpid(-1, NULL, 0);
}

/* 4 points: who has to be waited for holds up nobody. */
static void check_waiting(void)
{
	struct victim slow = start_sharing(true);
	struct victim v = victim_anon(2 * MIB, VICTIM_SLEEP, -1);

	batch_init(b, MRELEASE_KILL, DEADLINE_MS);
	batch_add(b, slow.pidfd);
	batch_add(b, v.pidfd);
	batch_call(dev, b);
	tap_ok(b->ret == -ETIMEDOUT && b->targets[0].error == -ETIMEDOUT,
	       "a child of vfork(2) goes on: ETIMEDOUT");
	tap_ok(b->targets[0].result.victims == 1 &&
		       b->targets[0].result.left_bytes >= 40 * MIB &&
		       b->targets[0].result.left_reasons ==
			       (MRELEASE_LEFT_SHARED | MRELEASE_LEFT_TIMEOUT),
	       "what is left is told");
	tap_ok(gave(&b->targets[1], 2), "the smaller one has been released");
	tap_ok(b->many.total.victims == 2 &&
		       b->many.total.left_bytes ==
			       b->targets[0].result.left_bytes,
	       "the total has both");
	kill(stage->sharer, SIGKILL);
	victim_reap(&slow);
	victim_reap(&v);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* 3 points: a caller that is killed while it waits. */
static void check_killed_caller(void)
{
	struct victim slow = start_sharing(true);
	struct victim v = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
	pid_t caller;
	int status;

	batch_init(b, MRELEASE_KILL, 0);
	batch_add(b, slow.pidfd);
	batch_add(b, v.pidfd);
	caller = fork();
	if (!caller) {
		batch_call(dev, b);
		_exit(0);
	}
	was_killed(victim_reap(&v));
	if (!proc_wait_asleep(caller, "mr_look", 10000))
		tap_bail("the caller does not sleep");
	kill(caller, SIGKILL);
	waitpid(caller, &status, 0);
	tap_ok(was_killed(status), "the caller is killed while it waits");
	if (!tap_ok(b->targets[0].error == -EINTR &&
			    b->targets[0].result.left_reasons ==
				    (MRELEASE_LEFT_SHARED |
				     MRELEASE_LEFT_SIGNAL),
		    "EINTR, and what is left"))
		batch_note(b, 2, &b->many.total);
	if (!tap_ok(gave(&b->targets[1], 2), "and what was done before"))
		batch_note(b, 2, &b->many.total);
	kill(stage->sharer, SIGKILL);
	victim_reap(&slow);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* 2 points: two callers that have the same victims, torn down. */
static void check_two_callers(void)
{
	struct batch *other = caller_shared(sizeof(*other));
	unsigned int i, bad = 0, joined = 0;
	struct victim v[NR];
	pid_t caller;

	start_all(v);
	batch_init(b, MRELEASE_KILL | MRELEASE_TEARDOWN, 0);
	batch_init(other, MRELEASE_KILL | MRELEASE_TEARDOWN, 0);
	for (i = 0; i < NR; i++) {
		batch_add(b, v[i].pidfd);
		batch_add(other, v[NR - 1 - i].pidfd);
	}
	caller = fork();
	if (!caller) {
		batch_call(dev, other);
		_exit(0);
	}
	batch_call(dev, b);
	waitpid(caller, NULL, 0);
	for (i = 0; i < NR; i++) {
		const struct mrelease_target *x = &b->targets[i];
		const struct mrelease_target *y = &other->targets[NR - 1 - i];

		/* One of them may have been too late. */
		bad += x->error && x->error != -ESRCH;
		bad += y->error && y->error != -ESRCH;
		bad += x->error && y->error;
		joined += x->result.notes & y->result.notes &
			  MRELEASE_NOTE_JOINED;
	}
	tap_note("%u of %d were released by both", joined, NR);
	tap_ok(!b->ret && !other->ret && !bad,
	       "two callers, the same victims, torn down: no error");
	tap_ok(end_all(v), "two callers, the same victims: all killed");
}

int main(void)
{
	tap_plan(2 * 7 + 8 + 3 + 2 * 5 + 4 + 3 + 2);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	b = &stage->b;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");

	show_loop();
	check_all(MRELEASE_KILL, "killed");
	check_all(MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED |
			  MRELEASE_TEARDOWN,
		  "torn down");
	check_elements();
	check_permission();
	check_sharers(MRELEASE_SHARED);
	check_sharers(MRELEASE_SHARED | MRELEASE_TEARDOWN);
	check_waiting();
	check_killed_caller();
	check_two_callers();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine that is to be suspended freezes everybody first, and gives up when one cannot
 * be frozen.  Who waits in the device for a victim that does not get on must not be that
 * one.  The freezer of cgroup v1 asks in the same way and says whether it has them all.
 */
/* guest: smp=2 mem=2048 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "kinds.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define FLAGS (MRELEASE_KILL | MRELEASE_TEARDOWN)
#define TOP "/tmp/freezer"
#define GROUP TOP "/callers"
#define BYTES (4UL * 1024 * 1024)
#define STACK 65536
#define PATIENCE_MS 15000
#define POINTS 13

/*
 * struct call - made by a process of its own, in the group; shared
 * @pidfd: whom
 * @flags: how
 * @ms: deadline, or 0
 * @over: it has come back with @ret
 */
struct call {
	int pidfd;
	uint32_t flags;
	uint32_t ms;
	int ret;
	int over;
	pid_t pid;
};

static int dev;
static struct call *call;
static pid_t *child;

static void call_body(void)
{
	struct mrelease_result res;

	if (write_file(GROUP "/tasks", "0"))
		_exit(95);
	call->ret = dev_release_timeout(dev, call->pidfd, call->flags, call->ms,
					&res);
	__atomic_store_n(&call->over, 1, __ATOMIC_SEQ_CST);
	_exit(0);
}

static bool call_over(void)
{
	return __atomic_load_n(&call->over, __ATOMIC_SEQ_CST);
}

static void call_start(int pidfd, uint32_t flags, uint32_t ms)
{
	pid_t pid;

	memset(call, 0, sizeof(*call));
	call->pidfd = pidfd;
	call->flags = flags;
	call->ms = ms;
	call->ret = -ENOTRECOVERABLE;
	/* Shared memory: the child must not write its 0 there. */
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid)
		call_body();
	call->pid = pid;
}

/* It comes back, and says so. */
static bool call_end(int ret)
{
	int status;

	if (waitpid(call->pid, &status, 0) == call->pid && !status &&
	    call_over() && call->ret == ret)
		return true;
	tap_note("it said %s, wait status %#x", err_name(call->ret), status);
	return false;
}

static bool group_is(const char *state)
{
	char line[32] = "";
	int fd = open(GROUP "/freezer.state", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, line, sizeof(line) - 1);

	close(fd);
	return n > 0 && !strncmp(line, state, strlen(state));
}

/* Is everybody in the group frozen, in time? */
static bool group_freeze(void)
{
	uint64_t begin = now_ns();
	unsigned int ms;

	if (write_file(GROUP "/freezer.state", "FROZEN"))
		tap_bail("freezer.state");
	do {
		if (group_is("FROZEN"))
			break;
		sleep_ms(10);
		ms = (now_ns() - begin) / 1000000;
	} while (ms < PATIENCE_MS);
	ms = (now_ns() - begin) / 1000000;
	tap_note("%s after %u ms", group_is("FROZEN") ? "frozen" : "not frozen",
		 ms);
	return group_is("FROZEN");
}

static void group_thaw(void)
{
	if (write_file(GROUP "/freezer.state", "THAWED"))
		tap_bail("freezer.state");
}

/* It has killed, and sleeps in this function of the module. */
static void wait_asleep(const char *function)
{
	if (!proc_wait_asleep(call->pid, function, PATIENCE_MS))
		tap_bail("the caller does not sleep");
}

/* A victim that stops on its way out, and somebody who waits for all of it. */
static struct victim call_stuck(uint32_t ms)
{
	struct victim v = victim_anon(BYTES, VICTIM_SLEEP, -1);

	hold_prepare(&v);
	call_start(v.pidfd, FLAGS, ms);
	hold_wait(&v);
	wait_asleep("mr_victim_let_go");
	return v;
}

/* 3 points: the victim is stuck. */
static void check_teardown(void)
{
	struct victim v = call_stuck(0);

	tap_ok(group_freeze(), "waiting for a teardown: frozen");
	hold_end(&v);
	sleep_ms(300);
	tap_ok(!call_over(), "waiting for a teardown: it stays there");
	group_thaw();
	tap_ok(call_end(0),
	       "waiting for a teardown: thawed, it comes back with 0");
}

static int child_main(void *arg)
{
	(void)arg;
	*child = getpid();
	for (;;)
		pause();
	return 0;
}

static void vfork_body(void *arg)
{
	char *stack = map_touched(STACK, false);

	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	clone(child_main, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD,
	      NULL);
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* 3 points: the victim's child of vfork(2) has the memory. */
static void check_vfork(void)
{
	struct victim v;

	*child = 0;
	v = victim_start(vfork_body, NULL);
	while (!*(volatile pid_t *)child)
		sleep_ms(1);
	call_start(v.pidfd, MRELEASE_KILL, 0);
	wait_asleep("mr_look");
	tap_ok(group_freeze(), "waiting for a child of vfork(2): frozen");
	kill(*child, SIGKILL);
	sleep_ms(300);
	tap_ok(!call_over(), "waiting for a child of vfork(2): it stays there");
	group_thaw();
	tap_ok(call_end(0),
	       "waiting for a child of vfork(2): thawed, it comes back with 0");
	victim_reap(&v);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* 3 points: the victim has gone, its memory is torn down by a work queue, later. */
static void check_see_off(void)
{
	const char *why = no_nullb();
	struct victim v;
	unsigned int i;

	for (i = 0; why && i < 3; i++)
		tap_skip(why, "waiting for the end of the teardown");
	if (why)
		return;
	v = victim_start(kind_aio, NULL);
	call_start(v.pidfd, FLAGS, 0);
	wait_asleep("mr_victim_see_off");
	/* It has three seconds; then the call comes to its end, and is frozen there. */
	tap_ok(group_freeze() &&
		       proc_wait_asleep(call->pid, "mr_victim_see_off", 1000),
	       "waiting for the end of the teardown: frozen");
	sleep_ms(4000);
	tap_ok(!call_over(),
	       "waiting for the end of the teardown: it stays there");
	group_thaw();
	tap_ok(call_end(0),
	       "waiting for the end of the teardown: thawed, it comes back with 0");
	victim_reap(&v);
}

/* 2 points: time goes on for who is frozen. */
static void check_deadline(void)
{
	struct victim v = call_stuck(DEADLINE_MS);

	group_freeze();
	sleep_ms(DEADLINE_MS + 500);
	tap_ok(!call_over(), "the deadline passes: it stays there");
	group_thaw();
	tap_ok(call_end(-ETIMEDOUT),
	       "the deadline passed: thawed, it comes back with ETIMEDOUT");
	hold_end(&v);
}

/* 1 point: who is not frozen is not held up by one that is. */
static void check_other(void)
{
	struct victim v = call_stuck(0);
	struct mrelease_result res;
	int ret;

	group_freeze();
	ret = dev_release_timeout(dev, v.pidfd, MRELEASE_KILL | MRELEASE_EVICT,
				  10000, &res);
	tap_ok(!ret && !res.left_bytes && !call_over(),
	       "beside a frozen caller another one gets on");
	tap_note("%s after %llu us, %llu left", err_name(ret),
		 res.elapsed_ns / 1000, res.left_bytes);
	hold_end(&v);
	group_thaw();
	call_end(0);
}

/* 1 point: who is frozen can be killed, and takes nothing along. */
static void check_killed(void)
{
	struct victim v = call_stuck(0);
	int status;

	group_freeze();
	kill(call->pid, SIGKILL);
	group_thaw();
	tap_ok(waitpid(call->pid, &status, 0) == call->pid &&
		       was_killed(status) && !call_over(),
	       "a frozen caller can be killed");
	hold_end(&v);
}

int main(void)
{
	unsigned int i;

	tap_plan(POINTS);
	dev = dev_open();
	call = caller_shared(sizeof(*call));
	child = caller_shared(sizeof(*child));
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");
	mkdir(TOP, 0700);
	if (mount("freezer", TOP, "cgroup", 0, "freezer") ||
	    mkdir(GROUP, 0700)) {
		umount(TOP);
		for (i = 0; i < POINTS; i++)
			tap_skip("no cgroup v1 freezer", "a caller is frozen");
		return tap_done();
	}
	check_teardown();
	check_vfork();
	check_see_off();
	check_deadline();
	check_other();
	check_killed();
	if (rmdir(GROUP) || umount(TOP))
		tap_note("%s stays", TOP);
	rmdir(TOP);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a process as its victim fds see it: POLLIN when the memory is back and
 * not before, whatever ended it; and memory that is taken over when it exits.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "caller.h"
#include "files.h"
#include "hold.h"
#include "kinds.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define MIB (1024UL * 1024)
#define BYTES (64 * MIB)
#define PATIENCE 20000
#define CORE_FILE "/tmp/core.arm"

static int dev;
static int disk;
static int go_pipe[2];
static int idle_refs;

static void wait_for_go(void)
{
	char byte;

	if (read(go_pipe[0], &byte, 1) != 1)
		_exit(95);
}

static void go(void)
{
	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
}

/* Both kinds of victim fd of one process. */
struct armed {
	struct victim victim;
	int plain;
	int takes;
};

static struct armed armed_start(void (*body)(void *arg), void *arg)
{
	struct armed a = { .victim = victim_start(body, arg) };

	a.plain = arm_now(dev, a.victim.pidfd, 0);
	a.takes = arm_now(dev, a.victim.pidfd, MRELEASE_TEARDOWN);
	return a;
}

/* Both say that it is over; closes them, and returns the wait status. */
static bool armed_over(struct armed *a, int *status)
{
	bool ok = arm_poll(a->plain, PATIENCE) &&
		  arm_poll(a->takes, PATIENCE) &&
		  arm_state_is(a->plain, "back") &&
		  arm_state_is(a->takes, "back");

	*status = victim_reap(&a->victim);
	close(a->plain);
	close(a->takes);
	return ok;
}

static void exit_body(void *arg)
{
	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	wait_for_go();
	_exit(42);
}

static void *last_thread(void *arg)
{
	(void)arg;
	wait_for_go();
	syscall(SYS_exit, 0);
	return NULL;
}

/* Each thread exits for itself, the first one long before the last. */
static void threads_body(void *arg)
{
	pthread_t thread;

	(void)arg;
	map_touched(BYTES, false);
	if (pthread_create(&thread, NULL, last_thread, NULL))
		_exit(94);
	victim_ready();
	syscall(SYS_exit, 0);
}

/* Many threads that are killed at once. */
static void crowd_body(void *arg)
{
	pthread_t thread;
	int i;

	(void)arg;
	map_touched(BYTES, false);
	for (i = 0; i < 32; i++)
		if (pthread_create(&thread, NULL, last_thread, NULL))
			_exit(94);
	victim_ready();
	for (;;)
		pause();
}

#define POINTS_WAYS 5
static void test_ways(void)
{
	struct armed a = armed_start(exit_body, NULL);
	int status;

	tap_ok(!arm_poll(a.plain, 50) && !arm_poll(a.takes, 0),
	       "alive: no POLLIN");
	go();
	tap_ok(armed_over(&a, &status) && WIFEXITED(status) &&
		       WEXITSTATUS(status) == 42,
	       "_exit(2): POLLIN, and its own status");

	a = armed_start(crowd_body, NULL);
	kill(a.victim.pid, SIGKILL);
	tap_ok(armed_over(&a, &status) && was_killed(status),
	       "32 threads, kill(2): POLLIN");

	a = armed_start(threads_body, NULL);
	proc_wait_state(a.victim.pid, "Z", 5000);
	tap_ok(!arm_poll(a.plain, 50) && !arm_poll(a.takes, 0),
	       "a first thread that has exited: no POLLIN");
	go();
	tap_ok(armed_over(&a, &status) && WIFEXITED(status),
	       "the last thread exits: POLLIN");
}

static pid_t *sharer_pid;

static int sharer_main(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void share_setup(void *arg)
{
	char *stack = malloc(65536);

	(void)arg;
	*sharer_pid = clone(sharer_main, stack + 65536, CLONE_VM | SIGCHLD, 0);
	if (*sharer_pid < 0)
		_exit(94);
}

/* A witness goes, and the other one who uses its memory stays. */
#define POINTS_SHARED 6
static void test_shared(void)
{
	struct mrelease_result res;
	struct witness w;
	int plain, takes, other;

	sharer_pid = caller_shared(sizeof(*sharer_pid));
	w = witness_start(share_setup, NULL);
	plain = arm_now(dev, w.v.pidfd, 0);
	takes = arm_now(dev, w.v.pidfd, MRELEASE_TEARDOWN);
	other = sys_pidfd_open(*sharer_pid);
	tap_ok(witness_end(&w) >= 0 && !arm_poll(plain, 100) &&
		       !arm_poll(takes, 0) && arm_state_is(plain, "gone"),
	       "shared with a live one: gone, no POLLIN");
	tap_ok(arm_release(plain, MRELEASE_KILL, &res) == -EINVAL &&
		       res.left_reasons == MRELEASE_LEFT_SHARED &&
		       res.left_bytes && !res.victims,
	       "shared with a live one: EINVAL, LEFT_SHARED");
	tap_ok(proc_pid_kib(*sharer_pid, "status", "VmRSS") >= 1024 &&
		       !arm_poll(other, 0),
	       "shared with a live one: it is intact");
	kill(*sharer_pid, SIGKILL);
	tap_ok(arm_poll(plain, PATIENCE) && arm_poll(takes, PATIENCE),
	       "shared with one that is killed: POLLIN");
	tap_ok(arm_release(plain, MRELEASE_KILL, NULL) == -ESRCH,
	       "shared with one that was killed: ESRCH");
	close(other);
	close(plain);
	close(takes);
	tap_ok(module_wait(idle_refs, 5000), "shared: nothing is held");
}

/* Asleep in state D in a write(2) to a frozen file system. */
static void stuck_body(void *arg)
{
	int fd = open("/mnt/stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)arg;
	if (fd < 0)
		_exit(93);
	map_touched(BYTES, false);
	victim_ready();
	wait_for_go();
	if (write(fd, "", 1) != 1)
		_exit(92);
	_exit(91);
}

#define POINTS_STUCK 5
static void test_stuck(void)
{
	struct armed a = armed_start(stuck_body, NULL);
	struct mrelease_result res;
	int status, ret;

	if (ioctl(disk, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	go();
	tap_ok(proc_wait_state(a.victim.pid, "D", 10000),
	       "state D: the victim is in it");
	ret = arm_release(a.plain, MRELEASE_KILL, &res);
	tap_ok(!ret && res.anon_bytes >= BYTES && !res.left_bytes,
	       "state D: released by its victim fd");
	tap_ok(!arm_poll(a.plain, 100) && arm_state_is(a.plain, "dying"),
	       "state D: dying, no POLLIN");
	ret = arm_release_timeout(a.plain, MRELEASE_KILL | MRELEASE_TEARDOWN,
				  200, &res);
	tap_ok(ret == -ETIMEDOUT && proc_state(a.victim.pid) == 'D',
	       "state D: TEARDOWN has a deadline");
	if (ioctl(disk, FITHAW, 0))
		tap_bail("FITHAW");
	tap_ok(armed_over(&a, &status) && was_killed(status),
	       "state D: POLLIN after the thaw");
}

/* The teardown is held up; with a take-over the process is gone at once. */
#define POINTS_AIO 8
static void test_aio(void)
{
	const char *why = no_nullb();
	struct mrelease_result res;
	struct victim victim;
	int fd, ret, i;
	bool early;

	if (why) {
		for (i = 0; i < POINTS_AIO; i++)
			tap_skip(why, "held up: %d", i);
		return;
	}
	victim = victim_start(kind_aio, NULL);
	kill(victim.pid, SIGKILL);
	tap_ok(!arm_poll(victim.pidfd, 1000),
	       "held up, no victim fd: the process is not gone");
	tap_ok(was_killed(victim_reap(&victim)), "held up: killed by SIGKILL");

	victim = victim_start(kind_aio, NULL);
	fd = arm_now(dev, victim.pidfd, MRELEASE_TEARDOWN);
	kill(victim.pid, SIGKILL);
	tap_ok(arm_poll(victim.pidfd, 1000) && !arm_poll(fd, 0),
	       "held up, taken over: gone, but no POLLIN");
	tap_ok(was_killed(victim_reap(&victim)) && arm_state_is(fd, "gone"),
	       "held up, taken over: killed by SIGKILL, state gone");
	/* If the worker has not begun by then, the call reaps all there is. */
	sleep_ms(200);
	ret = arm_release_timeout(fd, MRELEASE_KILL, 100, &res);
	early = !ret && res.anon_bytes >= KIND_SMALL && !res.left_bytes;
	tap_ok(early || (ret == -ETIMEDOUT && res.left_bytes >= KIND_SMALL &&
			 !res.victims &&
			 (res.left_reasons & MRELEASE_LEFT_TIMEOUT) &&
			 (res.left_reasons & MRELEASE_LEFT_EXITING)),
	       "held up, taken over: RELEASE has a deadline");
	tap_note("%s, anon %llu, left %llu, reasons %#x", err_name(ret),
		 res.anon_bytes, res.left_bytes, res.left_reasons);
	ret = arm_release(fd, MRELEASE_KILL, &res);
	tap_ok(!ret && (early || res.anon_bytes >= KIND_SMALL) &&
		       !res.left_bytes,
	       "held up, taken over: RELEASE returns when it is back");
	tap_note("%s, anon %llu, left %llu, reasons %#x", err_name(ret),
		 res.anon_bytes, res.left_bytes, res.left_reasons);
	tap_ok(arm_poll(fd, PATIENCE), "held up, taken over: POLLIN at last");

	victim = victim_start(kind_aio, NULL);
	close(fd);
	fd = arm_now(dev, victim.pidfd, MRELEASE_TEARDOWN);
	kill(victim.pid, SIGKILL);
	arm_poll(victim.pidfd, 1000);
	close(fd);
	victim_reap(&victim);
	tap_ok(module_wait(idle_refs, PATIENCE),
	       "held up, closed at once: nothing is held in the end");
}

static void dump_body(void *arg)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	setrlimit(RLIMIT_CORE, &unlimited);
	map_touched(BYTES, false);
	victim_ready();
	wait_for_go();
	abort();
}

/* 1 point. */
static void test_dump(void)
{
	struct stat st = {};
	struct armed a;
	int status;
	bool over;

	write_file("/proc/sys/kernel/core_pattern", CORE_FILE);
	write_file("/proc/sys/kernel/core_uses_pid", "0");
	a = armed_start(dump_body, NULL);
	go();
	over = armed_over(&a, &status);
	stat(CORE_FILE, &st);
	tap_ok(over && WCOREDUMP(status) && st.st_size >= (off_t)BYTES,
	       "a core dump is complete");
	unlink(CORE_FILE);
}

/* A tracer keeps the dead process from being gone, not its memory. */
#define POINTS_TRACED 2
static void test_traced(void)
{
	struct armed a = armed_start(exit_body, NULL);
	int status;

	hold_prepare(&a.victim);
	hold_kill(&a.victim);
	tap_ok(!arm_poll(a.plain, 50) && arm_state_is(a.takes, "dying"),
	       "stopped on its way out: dying, no POLLIN");
	status = hold_end(&a.victim);
	tap_ok(was_killed(status) && arm_poll(a.plain, PATIENCE) &&
		       arm_poll(a.takes, PATIENCE),
	       "stopped on its way out: POLLIN when it may go");
	close(a.plain);
	close(a.takes);
}

/*
 * A tracer of a dead thread keeps its process from being gone; two who have taken
 * its memory over do not wait for each other until then.
 */
#define POINTS_TAKERS 3
static void test_takers(void)
{
	struct victim victim = victim_start(crowd_body, NULL);
	pid_t tid = proc_other_thread(victim.pid);
	struct weight before, after;
	int takes[2], status;
	unsigned int i;

	for (i = 0; i < 2; i++)
		takes[i] = arm_now(dev, victim.pidfd, MRELEASE_TEARDOWN);
	if (ptrace(PTRACE_SEIZE, tid, NULL, 0))
		tap_bail("PTRACE_SEIZE");
	weigh(&before);
	kill(victim.pid, SIGKILL);
	proc_wait_state(victim.pid, "Z", PATIENCE);
	for (i = 0; i < PATIENCE; i++) {
		weigh(&after);
		if (after.free - before.free >= (int64_t)BYTES / 8 * 7)
			break;
		sleep_ms(1);
	}
	tap_ok(i < PATIENCE, "two takers and a tracer: the memory is back");
	tap_ok(!arm_poll(takes[0], 50) && !arm_poll(takes[1], 0),
	       "two takers and a tracer: not gone, no POLLIN");
	if (waitpid(tid, &status, __WALL) != tid)
		tap_bail("waitpid of a thread");
	tap_ok(arm_poll(takes[0], PATIENCE) && arm_poll(takes[1], PATIENCE) &&
		       was_killed(victim_reap(&victim)),
	       "two takers and a tracer: POLLIN when it has let go");
	close(takes[0]);
	close(takes[1]);
}

int main(void)
{
	tap_plan(POINTS_WAYS + POINTS_SHARED + POINTS_STUCK + POINTS_AIO + 1 +
		 POINTS_TRACED + POINTS_TAKERS);
	dev = dev_open();
	disk = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (disk < 0 || pipe2(go_pipe, O_CLOEXEC))
		tap_bail("/mnt");
	thaw_at_the_end(disk, dev);
	sleep_ms(50);
	idle_refs = module_refs();

	test_ways();
	test_shared();
	test_stuck();
	test_aio();
	test_dump();
	test_traced();
	test_takers();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims in every state that a process can be in: each is released, or refused
 * with the errno that the ABI documents for it.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (8UL * 1024 * 1024)
#define THREADS 200
#define EXECS 100
#define OWN_STATUS 7
#define GROUP "/sys/fs/cgroup/mrelease-test"

static int dev;
static int go_pipe[2];
static int seen_pipe[2];

static void sleep_body(void *arg)
{
	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static void spin_body(void *arg)
{
	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	victim_live(VICTIM_SPIN, NULL, 0);
}

static void exit_body(void *arg)
{
	char byte;

	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	if (read(go_pipe[0], &byte, 1) != 1)
		_exit(1);
	_exit(OWN_STATUS);
}

/* Posted by each thread of a victim that has touched its stack. */
static sem_t started;

static void *sleep_thread(void *arg)
{
	(void)arg;
	sem_post(&started);
	victim_live(VICTIM_SLEEP, NULL, 0);
	return NULL;
}

static void start_thread(void *(*thread)(void *arg))
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&id, &attr, thread, NULL))
		_exit(92);
	/* What it takes is counted before the release. */
	while (sem_wait(&started))
		;
}

/* The leader goes, a zombie until the other thread does. */
static void leaderless_body(void *arg)
{
	(void)arg;
	map_touched(BYTES, false);
	start_thread(sleep_thread);
	victim_ready();
	syscall(SYS_exit, 0);
}

static void threads_body(void *arg)
{
	int i;

	(void)arg;
	map_touched(BYTES, false);
	for (i = 1; i < THREADS; i++)
		start_thread(sleep_thread);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* The child has its parent's memory until it is told to go, and looks at it then. */
static void vfork_body(void *arg)
{
	size_t off = 0;
	char *mem;
	char byte;
	pid_t pid;

	(void)arg;
	mem = map_touched(BYTES, false);
	victim_ready();
	pid = vfork();
	if (pid < 0)
		_exit(93);
	if (!pid) {
		while (read(go_pipe[0], &byte, 1) < 0)
			;
		while (off < BYTES && mem[off] == 1)
			off += 4096;
		byte = off >= BYTES ? 'y' : 'n';
		_exit(write(seen_pipe[1], &byte, 1) != 1);
	}
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static void exec_body(void *arg)
{
	char *const argv[] = { "t_states", "exec", NULL };

	(void)arg;
	map_touched(BYTES, false);
	victim_ready();
	execv("/proc/self/exe", argv);
	_exit(94);
}

static bool got_all(int ret, const struct mrelease_result *res, uint64_t anon)
{
	if (!ret && anon >= BYTES && res->anon_bytes == anon &&
	    !res->left_bytes && !res->left_reasons && res->victims == 1)
		return true;
	tap_note("%s: anon %llu of %llu, left %llu, reasons %#x, victims %u",
		 err_name(ret), (unsigned long long)res->anon_bytes,
		 (unsigned long long)anon, (unsigned long long)res->left_bytes,
		 res->left_reasons, res->victims);
	return false;
}

/*
 * 3 points: in its state, released with everything that it had, and dead.
 * @tid is a thread that has its memory still.  The wait status is @own when the
 * victim had begun to exit and is held there by ptrace(2), else -1: of a kill.
 */
static void check_thread(const char *name, struct victim *victim, pid_t tid,
			 bool in_state, int own)
{
	struct mrelease_result res;
	uint64_t anon;
	int ret, status;

	tap_ok(in_state, "%s: so it is", name);
	anon = anon_bytes(tid);
	ret = dev_release(dev, victim->pidfd, MRELEASE_KILL, &res);
	tap_ok(got_all(ret, &res, anon), "%s: released", name);
	/* Not all kernels let a dying process out of this stop by themselves. */
	if (own >= 0)
		ptrace(PTRACE_DETACH, victim->pid, NULL, NULL);
	status = victim_reap(victim);
	if (!tap_ok(own < 0 ? was_killed(status) : status == own,
		    "%s: the wait status is right", name))
		tap_note("wait status %#x", status);
}

static void check(const char *name, struct victim *victim, bool in_state)
{
	check_thread(name, victim, victim->pid, in_state, -1);
}

static void check_plain(void)
{
	struct victim victim = victim_start(sleep_body, NULL);

	check("sleeping", &victim, proc_wait_state(victim.pid, "S", 10000));

	victim = victim_start(spin_body, NULL);
	check("running", &victim, proc_wait_state(victim.pid, "R", 10000));

	victim = victim_start(spin_body, NULL);
	kill(victim.pid, SIGSTOP);
	check("stopped", &victim, proc_wait_state(victim.pid, "T", 10000));

	victim = victim_start(threads_body, NULL);
	check("200 threads", &victim,
	      proc_pid_kib(victim.pid, "status", "Threads") == THREADS);
}

static void check_traced(void)
{
	struct victim victim = victim_start(spin_body, NULL);
	int status = 0;
	bool stopped;

	stopped = !ptrace(PTRACE_SEIZE, victim.pid, NULL, NULL) &&
		  !ptrace(PTRACE_INTERRUPT, victim.pid, NULL, NULL) &&
		  waitpid(victim.pid, &status, 0) == victim.pid &&
		  WIFSTOPPED(status);
	check("traced", &victim, stopped && proc_state(victim.pid) == 't');
}

/* Held by its tracer on its way through exit(2), with its memory. */
static struct victim exiting_start(bool *stopped)
{
	struct victim victim = victim_start(exit_body, NULL);
	int status = 0;

	*stopped =
		!ptrace(PTRACE_SEIZE, victim.pid, NULL, PTRACE_O_TRACEEXIT) &&
		write(go_pipe[1], "", 1) == 1 &&
		waitpid(victim.pid, &status, 0) == victim.pid &&
		status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
	return victim;
}

/*
 * Its status is that of its exit, or of a kill at that moment: kernels differ (5.10
 * still kills a single thread there).  So kill(2) is the peer.
 */
static void check_exiting(void)
{
	struct victim victim;
	bool stopped, known;
	int own;

	victim = exiting_start(&stopped);
	kill(victim.pid, SIGKILL);
	ptrace(PTRACE_DETACH, victim.pid, NULL, NULL);
	own = victim_reap(&victim);
	tap_note("half-way through exit, kill(2): wait status %#x", own);
	known = stopped && (own == OWN_STATUS << 8 || was_killed(own));

	victim = exiting_start(&stopped);
	check_thread("half-way through exit", &victim, victim.pid,
		     known && stopped, own);
}

static void check_frozen(void)
{
	struct victim victim = victim_start(spin_body, NULL);
	uint64_t end = now_ns() + 10000000000ULL;
	char text[32], events[64];
	bool is = false;
	FILE *f;

	mkdir(GROUP, 0755);
	snprintf(text, sizeof(text), "%d", victim.pid);
	if (write_file(GROUP "/cgroup.procs", text) ||
	    write_file(GROUP "/cgroup.freeze", "1"))
		tap_bail(GROUP);
	while (!is && now_ns() < end) {
		f = fopen(GROUP "/cgroup.events", "re");
		while (f && fgets(events, sizeof(events), f))
			is |= !strcmp(events, "frozen 1\n");
		if (f)
			fclose(f);
		sleep_ms(1);
	}
	check("frozen by cgroup v2", &victim, is);
	rmdir(GROUP);
}

static void check_leaderless(void)
{
	struct victim victim = victim_start(leaderless_body, NULL);
	bool zombie = proc_wait_state(victim.pid, "Z", 10000);

	check_thread("zombie leader", &victim, proc_other_thread(victim.pid),
		     zombie, -1);
}

/* In a while, when the caller is in the middle of its call. */
static pid_t go_later(void)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		sleep_ms(300);
		_exit(write(go_pipe[1], "", 1) != 1);
	}
	return pid;
}

/* What the child has seen. */
static bool vfork_intact(void)
{
	char byte = 0;

	return read(seen_pipe[0], &byte, 1) == 1 && byte == 'y';
}

/* 5 points more. */
static void check_vfork(void)
{
	struct victim victim = victim_start(vfork_body, NULL);
	bool waiting = proc_wait_state(victim.pid, "D", 10000);
	struct mrelease_result res;
	pid_t helper;
	int ret;

	ret = dev_release(dev, victim.pidfd, 0, &res);
	tap_ok(waiting && ret == -EINVAL &&
		       res.left_reasons == MRELEASE_LEFT_SHARED,
	       "vfork: EINVAL with flags 0");
	ret = dev_release_timeout(dev, victim.pidfd, MRELEASE_KILL, 200, &res);
	if (!tap_ok(ret == -ETIMEDOUT && res.victims == 1 && !res.anon_bytes &&
			    (res.left_reasons & MRELEASE_LEFT_SHARED) &&
			    (res.left_reasons & MRELEASE_LEFT_TIMEOUT),
		    "vfork: killed, and the child waited for"))
		tap_note("%s, reasons %#x", err_name(ret), res.left_reasons);
	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
	tap_ok(vfork_intact(), "vfork: the child's memory was not touched");
	victim_reap(&victim);

	victim = victim_start(vfork_body, NULL);
	waiting = proc_wait_state(victim.pid, "D", 10000);
	helper = go_later();
	check("in vfork", &victim, waiting);
	tap_ok(vfork_intact(), "in vfork: the child lived on");
	waitpid(helper, NULL, 0);

	victim = victim_start(vfork_body, NULL);
	waiting = proc_wait_state(victim.pid, "D", 10000);
	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
	tap_ok(waiting && vfork_intact(), "after vfork: the child is gone");
	check("after vfork", &victim, proc_wait_state(victim.pid, "S", 10000));
}

/* 2 points. */
static void check_exec(void)
{
	int i, ret, wrong = 0, wrong_status = 0;

	for (i = 0; i < EXECS; i++) {
		struct victim victim = victim_start(exec_body, NULL);
		uint64_t end = now_ns() + i * 100000;

		while (now_ns() < end)
			;
		ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL);
		if (ret && !wrong++)
			tap_note("in exec: %s", err_name(ret));
		wrong_status += !was_killed(victim_reap(&victim));
	}
	tap_ok(!wrong, "in exec: released %d times", EXECS);
	tap_ok(!wrong_status, "in exec: killed by SIGKILL");
}

/* 2 points. */
static void check_zombie(void)
{
	struct victim victim = victim_start(exit_body, NULL);
	bool zombie;

	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
	zombie = proc_wait_state(victim.pid, "Z", 10000);
	tap_ok(zombie && dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL) ==
				 -ESRCH,
	       "zombie: ESRCH");
	tap_ok(WEXITSTATUS(victim_reap(&victim)) == OWN_STATUS,
	       "zombie: the wait status is its own");
}

int main(int argc, char **argv)
{
	/* The victim that execs itself. */
	if (argc == 2 && !strcmp(argv[1], "exec")) {
		execv("/proc/self/exe", argv);
		_exit(94);
	}

	tap_plan(3 * 10 + 5 + 2 + 2);
	dev = dev_open();
	if (sem_init(&started, 0, 0))
		tap_bail("sem_init");
	if (pipe2(go_pipe, O_CLOEXEC) || pipe2(seen_pipe, O_CLOEXEC))
		tap_bail("pipe2");

	check_plain();
	check_traced();
	check_exiting();
	check_frozen();
	check_leaderless();
	check_vfork();
	check_exec();
	check_zombie();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States that a process gets into by scheduling, signals, tracing, cgroups and the
 * calls that make and end processes, see states.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "proc.h"
#include "states.h"
#include "sys.h"
#include "tap.h"

#define THREADS 1000
#define STACK 16384
#define GROUP "states"
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static pid_t hog;

static bool is_asleep(const struct victim *victim)
{
	return proc_wait_state(victim->pid, "S", 10000);
}

static bool is_running(const struct victim *victim)
{
	return proc_wait_state(victim->pid, "R", 10000);
}

static bool stop(const struct victim *victim)
{
	return !kill(victim->pid, SIGSTOP) &&
	       proc_wait_state(victim->pid, "T", 10000);
}

static bool trace(const struct victim *victim)
{
	int status = 0;

	return !ptrace(PTRACE_SEIZE, victim->pid, NULL, NULL) &&
	       !ptrace(PTRACE_INTERRUPT, victim->pid, NULL, NULL) &&
	       waitpid(victim->pid, &status, 0) == victim->pid &&
	       WIFSTOPPED(status) && proc_state(victim->pid) == 't';
}

static void exit_body(void *arg)
{
	(void)arg;
	state_touch();
	victim_ready();
	state_wait_go();
	_exit(7);
}

static bool stop_in_exit(const struct victim *victim)
{
	int status = 0;

	if (ptrace(PTRACE_SEIZE, victim->pid, NULL, PTRACE_O_TRACEEXIT))
		return false;
	state_go(victim);
	return waitpid(victim->pid, &status, 0) == victim->pid &&
	       status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

static void detach(const struct victim *victim)
{
	ptrace(PTRACE_DETACH, victim->pid, NULL, NULL);
}

static void make_group(void)
{
	group_make(GROUP);
}

static bool freeze_v2(const struct victim *victim)
{
	group_move(GROUP, victim->pid);
	group_freeze(GROUP);
	return true;
}

static void remove_group(void)
{
	group_remove(GROUP);
}

static bool freeze_v1(const struct victim *victim)
{
	hold_freeze(victim->pid);
	return true;
}

static void thaw_v1(const struct victim *victim)
{
	(void)victim;
	hold_thaw();
}

static void *sleep_thread(void *arg)
{
	victim_live(VICTIM_SLEEP, NULL, 0);
	return arg;
}

static void start_thread(void)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&id, &attr, sleep_thread, NULL))
		_exit(92);
}

static void leaderless_body(void *arg)
{
	(void)arg;
	state_touch();
	start_thread();
	victim_ready();
	syscall(SYS_exit, 0);
}

static bool leader_is_gone(const struct victim *victim)
{
	return proc_wait_state(victim->pid, "Z", 10000);
}

static void threads_body(void *arg)
{
	int i;

	(void)arg;
	state_touch();
	for (i = 1; i < THREADS; i++)
		start_thread();
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static bool has_threads(const struct victim *victim)
{
	return proc_pid_kib(victim->pid, "status", "Threads") == THREADS;
}

static void vfork_body(void *arg)
{
	pid_t pid;

	(void)arg;
	state_touch();
	victim_ready();
	pid = vfork();
	if (!pid) {
		states_shared->stuck = 1;
		state_wait_go();
		_exit(0);
	}
	_exit(93);
}

static bool in_vfork(const struct victim *victim)
{
	return state_wait_stuck() && proc_wait_state(victim->pid, "D", 10000);
}

/* On the other CPU, where the caller is not. */
static void start_hog(void)
{
	hog = fork();
	if (hog < 0)
		tap_bail("fork");
	if (!hog) {
		pin_to_cpu(1);
		setpriority(PRIO_PROCESS, 0, -20);
		victim_live(VICTIM_SPIN, NULL, 0);
	}
}

static void end_hog(void)
{
	kill(hog, SIGKILL);
	waitpid(hog, NULL, 0);
}

static void end_hog_of(const struct victim *victim)
{
	(void)victim;
	end_hog();
}

static void other_cpu_body(void *arg)
{
	pin_to_cpu(1);
	state_spin(arg);
}

static bool starve(const struct victim *victim)
{
	const struct sched_param param = {};

	start_hog();
	/* Until it has the CPU. */
	sleep_ms(50);
	return !sched_setscheduler(victim->pid, SCHED_IDLE, &param);
}

static bool make_fifo(const struct victim *victim)
{
	const struct sched_param param = { .sched_priority = 50 };

	return !sched_setscheduler(victim->pid, SCHED_FIFO, &param) &&
	       is_running(victim);
}

static char core_pattern[256];

static void set_core_pattern(void)
{
	int fd = open(CORE_PATTERN, O_RDONLY | O_CLOEXEC);

	memset(core_pattern, 0, sizeof(core_pattern));
	if (fd < 0 || read(fd, core_pattern, sizeof(core_pattern) - 1) <= 0 ||
	    write_file(CORE_PATTERN, "|/bin/sleep 3"))
		tap_bail(CORE_PATTERN);
	close(fd);
}

static void dump_body(void *arg)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	setrlimit(RLIMIT_CORE, &unlimited);
	state_touch();
	victim_ready();
	abort();
}

static bool is_dumping(const struct victim *victim)
{
	unsigned int i;

	for (i = 0; i < 1000 &&
		    proc_pid_kib(victim->pid, "status", "CoreDumping") != 1;
	     i++)
		sleep_ms(10);
	sleep_ms(100);
	write_file(CORE_PATTERN, core_pattern);
	return i < 1000;
}

const struct state states_plain[] = {
	{
		.name = "sleeping",
		.why = "the plain case: the kill wakes it, and it exits",
		.body = state_sleep,
		.settle = is_asleep,
	},
	{
		.name = "running",
		.why = "in user mode, on some CPU",
		.body = state_spin,
		.settle = is_running,
	},
	{
		.name = "stopped",
		.why = "by SIGSTOP, which a SIGKILL ends",
		.body = state_spin,
		.settle = stop,
	},
	{
		.name = "ptrace-stopped",
		.why = "the tracer does nothing; a SIGKILL ends that as well",
		.body = state_spin,
		.settle = trace,
	},
	{
		.name = "in exit(2), held by its tracer",
		.why = "PTRACE_O_TRACEEXIT: before it lets go of its memory, until the tracer detaches",
		.body = exit_body,
		.settle = stop_in_exit,
		.loosen = detach,
		.own_end = true,
	},
	{
		.name = "frozen, cgroup v2",
		.why = "this freezer lets go of who is killed",
		.prepare = make_group,
		.body = state_spin,
		.settle = freeze_v2,
		.clean = remove_group,
	},
	{
		.name = "frozen, cgroup v1",
		.why = "this one does not: it is killed, and dies when it is thawed",
		.prepare = hold_setup,
		.body = state_spin,
		.settle = freeze_v1,
		.loosen = thaw_v1,
		.kept = true,
	},
	{
		.name = "zombie leader, live thread",
		.why = "the leader has no memory any more, the thread has",
		.body = leaderless_body,
		.settle = leader_is_gone,
	},
	{
		.name = "1 000 threads",
		.why = "each of them has to be woken, and to exit, before the memory goes",
		.body = threads_body,
		.settle = has_threads,
	},
	{
		.name = "in vfork(2)",
		.why = "its child uses the memory until it calls execve(2): nobody may have it; mrelease waits, here for 300 ms",
		.body = vfork_body,
		.settle = in_vfork,
		.loosen = state_go,
		.timeout_ms = 300,
		.ret = -ETIMEDOUT,
		.reasons = MRELEASE_LEFT_SHARED | MRELEASE_LEFT_TIMEOUT,
		.stays = true,
		.kept = true,
	},
	{
		.name = "SCHED_IDLE, CPU taken",
		.why = "a busy process of priority -20 has the only CPU that it may run on; the caller has another",
		.body = other_cpu_body,
		.settle = starve,
		.loosen = end_hog_of,
	},
	{
		.name = "SCHED_FIFO, spinning",
		.why = "a real-time task that never sleeps; its exit has that priority too",
		.body = other_cpu_body,
		.settle = make_fifo,
	},
	{
		.name = "dumping core",
		.why = "into a pipe that nobody reads: mrelease leaves the dump alone (t_coredump), a kill ends it",
		.prepare = set_core_pattern,
		.body = dump_body,
		.settle = is_dumping,
		.ret = -EBUSY,
		.reasons = MRELEASE_LEFT_DUMP,
		.stays = true,
		.own_end = true,
		.slow = true,
	},
};

const unsigned int states_plain_nr =
	sizeof(states_plain) / sizeof(states_plain[0]);

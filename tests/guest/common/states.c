// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims in every state, see states.h: how one is treated, and measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "proc.h"
#include "states.h"
#include "sys.h"
#include "tap.h"

/* As good as for ever, for a call that should return by itself. */
#define PATIENCE_MS 20000
/* What may come and go while nothing happens. */
#define QUIET_KIB 256
#define PCP "/proc/sys/vm/percpu_pagelist_high_fraction"

int states_disk = -1;
int states_go[2];
struct states_shared *states_shared;

static int dev;
static struct call *call;

/*
 * struct call - a call by somebody else, who may be killed in it
 * @done: it has returned
 */
struct call {
	enum way way;
	int pidfd;
	const struct state *state;
	volatile bool done;
	int ret;
	uint64_t ns;
	long at_return;
	long before;
	struct mrelease_result res;
};

static long memfree(void)
{
	return proc_kib("/proc/meminfo", "MemFree");
}

/* The CPUs' own lists of free pages are no part of MemFree, and not what is asked here. */
static void lists(const char *fraction)
{
	write_file(PCP, fraction);
}

void states_setup(int fd, const char *disk)
{
	dev = fd;
	call = caller_shared(sizeof(*call));
	states_shared = caller_shared(sizeof(*states_shared));
	if (pipe2(states_go, O_CLOEXEC))
		tap_bail("pipe2");
	states_disk = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (states_disk < 0)
		tap_bail("%s", disk);
	thaw_at_the_end(states_disk, dev);
	lists("1000");
}

void states_end(void)
{
	lists("0");
	close(states_disk);
}

bool state_all(long kib)
{
	return kib >= (long)(STATE_BYTES / 1024) * 85 / 100;
}

bool state_none(long kib)
{
	return kib < (long)(STATE_BYTES / 1024) * 15 / 100;
}

char *state_touch(void)
{
	return map_touched(STATE_BYTES, false);
}

void state_sleep(void *arg)
{
	(void)arg;
	state_touch();
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

void state_spin(void *arg)
{
	(void)arg;
	state_touch();
	victim_ready();
	victim_live(VICTIM_SPIN, NULL, 0);
}

void state_go(const struct victim *victim)
{
	(void)victim;
	if (write(states_go[1], "", 1) != 1)
		tap_bail("write");
}

void state_wait_go(void)
{
	char byte;

	if (read(states_go[0], &byte, 1) != 1)
		_exit(94);
}

bool state_wait_stuck(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (!states_shared->stuck && now_ns() < end)
		sleep_ms(1);
	return states_shared->stuck;
}

/* What ended before may still be on its way to MemFree: stacks of threads, by RCU. */
static void wait_quiet(void)
{
	long was = memfree(), now;
	unsigned int i;

	for (i = 0; i < 200; i++, was = now) {
		sleep_ms(10);
		now = memfree();
		if (labs(now - was) < QUIET_KIB)
			return;
	}
}

/* In a child. */
static void make_call(void)
{
	uint64_t start;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Victims that want a CPU for themselves have another. */
	pin_to_cpu(0);
	call->before = memfree();
	start = now_ns();
	if (call->way == WAY_DEVICE) {
		call->ret = dev_release_timeout(
			dev, call->pidfd, MRELEASE_KILL | call->state->flags,
			call->state->timeout_ms, &call->res);
	} else {
		call->ret = sys_pidfd_send_signal(call->pidfd, SIGKILL);
		if (!call->ret && call->way == WAY_SYSCALL)
			call->ret = sys_process_mrelease(call->pidfd, 0);
	}
	call->ns = now_ns() - start;
	call->at_return = memfree() - call->before;
	call->done = true;
}

static pid_t call_start(const struct state *state, enum way way, int pidfd)
{
	pid_t pid;

	*call = (struct call){ .way = way, .pidfd = pidfd, .state = state };
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		make_call();
		_exit(0);
	}
	return pid;
}

/* process_mrelease(2) has no limit, and ours must keep to its own. */
static bool call_wait(pid_t pid, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	bool done;

	while (!call->done && now_ns() < end)
		sleep_ms(1);
	done = call->done;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done;
}

static bool wait_gone(int pidfd, unsigned int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

void state_run(const struct state *state, enum way way, unsigned int later_ms,
	       struct state_row *row)
{
	struct victim victim;
	uint64_t start;
	pid_t pid;

	*row = (struct state_row){};
	*states_shared = (struct states_shared){};
	if (state->prepare)
		state->prepare();
	victim = victim_start(state->body, NULL);
	row->in_state = !state->settle || state->settle(&victim);
	wait_quiet();

	start = now_ns();
	pid = call_start(state, way, victim.pidfd);
	row->hung = !call_wait(pid, way == WAY_SYSCALL ? later_ms + 1000 :
							 PATIENCE_MS);
	row->ret = call->ret;
	row->ms = call->ns / 1e6;
	row->at_return = call->at_return;
	row->res = call->res;
	if (way == WAY_KILL) {
		row->gone = wait_gone(victim.pidfd, later_ms);
		row->ms = (now_ns() - start) / 1e6;
	}
	while (now_ns() < start + later_ms * 1000000ULL &&
	       !state_all(memfree() - call->before))
		sleep_ms(10);
	row->later = memfree() - call->before;

	if (state->loosen)
		state->loosen(&victim);
	row->status = victim_end(&victim);
	row->after = !state->after || state->after();
	if (state->clean)
		state->clean();
}

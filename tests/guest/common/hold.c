// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that are killed and do not get on, see hold.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "hold.h"
#include "tap.h"

void hold_prepare(const struct victim *victim)
{
	if (ptrace(PTRACE_SEIZE, victim->pid, NULL, PTRACE_O_TRACEEXIT))
		tap_bail("PTRACE_SEIZE");
}

void hold_wait(const struct victim *victim)
{
	int status = 0;

	if (waitpid(victim->pid, &status, __WALL) != victim->pid)
		tap_bail("waitpid");
	if (status >> 8 != (SIGTRAP | (PTRACE_EVENT_EXIT << 8))) {
		errno = EPROTO;
		tap_bail("no PTRACE_EVENT_EXIT but wait status %#x", status);
	}
}

void hold_kill(const struct victim *victim)
{
	if (kill(victim->pid, SIGKILL))
		tap_bail("kill");
	hold_wait(victim);
}

int hold_end(struct victim *victim)
{
	ptrace(PTRACE_CONT, victim->pid, NULL, NULL);
	return victim_reap(victim);
}

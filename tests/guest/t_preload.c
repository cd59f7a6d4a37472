// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop-in, in a program that knows nothing of mrelease: its calls of
 * process_mrelease(2) are served by the device, on a kernel without that call
 * too, and without a descriptor that could be opened; nothing that is asked to
 * end becomes a kill; and where the device cannot be had, the kernel is asked.
 *
 * That the device did it shows where the kernel could not have: a seccomp filter
 * takes the call away.  Victims are held by the freezer, so that their memory
 * comes back by a release and by nothing else.
 */
/*
 * guest: smp=2 mem=2048 timeout=300 made=preload/libmrelease-preload.so
 *	made=preload/preload-client
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define SIZE (16 * MIB)
#define DROP_IN "/add/libmrelease-preload.so"
#define CLIENT "/add/preload-client"
#define ENABLED "/sys/module/mrelease/parameters/enabled"
#define CALLS 4

/*
 * struct run - one run of the client
 * @drop_in: with it, or without
 * @pair: MRELEASE_PRELOAD_PAIR
 * @words: what the client does, see client.c
 */
struct run {
	bool drop_in;
	bool pair;
	const char *words;
};

/* The errno of each call, -1 for those that were not made. */
static void client_run(const struct run *run, pid_t pid, int *errs)
{
	char command[512], line[64];
	int i = 0, status;
	FILE *out;

	snprintf(command, sizeof(command), "%s%s exec " CLIENT " %d %s",
		 run->drop_in ? "LD_PRELOAD=" DROP_IN : "",
		 run->pair ? " MRELEASE_PRELOAD_PAIR=1" : "", (int)pid,
		 run->words);
	for (i = 0; i < CALLS; i++)
		errs[i] = -1;
	out = popen(command, "re");
	if (!out)
		tap_bail("popen");
	for (i = 0; i < CALLS && fgets(line, sizeof(line), out); i++)
		errs[i] = atoi(line);
	status = pclose(out);
	if (status) {
		errno = 0;
		tap_bail("client %s: status %#x", run->words, status);
	}
}

static void live_body(void *arg)
{
	char *mem = map_touched(SIZE, false);

	(void)arg;
	signal(SIGTERM, SIG_IGN);
	victim_ready();
	victim_live(VICTIM_SLEEP, mem, SIZE);
}

/* Held; killed already when @dying. */
static struct victim held_start(bool dying)
{
	struct victim victim = victim_start(live_body, NULL);

	hold_freeze(victim.pid);
	if (dying && sys_pidfd_send_signal(victim.pidfd, SIGKILL))
		tap_bail("kill");
	return victim;
}

static int held_end(struct victim *victim)
{
	hold_thaw();
	return victim_end(victim);
}

/*
 * Run the client on a dying victim: what does it say, and is the memory back?
 * With @err 0 it must be, else it must not.
 */
static void on_dying(const struct run *run, int err, const char *text)
{
	struct victim victim = held_start(true);
	uint64_t before = anon_bytes(victim.pid), after;
	int errs[CALLS];

	client_run(run, victim.pid, errs);
	after = anon_bytes(victim.pid);
	if (!tap_ok(errs[0] == err && before >= SIZE &&
			    (err ? after == before : after < MIB),
		    "%s", text))
		tap_note("%s: %s, %llu of %llu bytes are left", run->words,
			 err_name(errs[0]), (unsigned long long)after,
			 (unsigned long long)before);
	held_end(&victim);
}

/* The client sends SIGKILL: is the memory back when it has, although held? */
static void on_living(const struct run *run, bool back, const char *text)
{
	struct victim victim = held_start(false);
	uint64_t after;
	int errs[CALLS];
	int status;

	client_run(run, victim.pid, errs);
	after = anon_bytes(victim.pid);
	status = held_end(&victim);
	if (!tap_ok(!errs[0] && was_killed(status) &&
			    (back ? after < MIB : after >= SIZE),
		    "%s", text))
		tap_note("%s: %s, %llu bytes are left, wait status %#x",
			 run->words, err_name(errs[0]),
			 (unsigned long long)after, status);
}

static void serves(void)
{
	static const struct run alone = { false, false,
					  "no-mrelease syscall.mrelease" };
	static const struct run by_syscall = {
		true, false, "no-open no-mrelease syscall.mrelease"
	};
	static const struct run by_libc = {
		true, false, "no-open no-mrelease libc.mrelease"
	};
	static const struct run probe = {
		true, false, "no-mrelease syscall.probe libc.probe"
	};
	struct victim victim = victim_start(live_body, NULL);
	int errs[CALLS];

	on_dying(
		&alone, ENOSYS,
		"without the drop-in there is no such call, and nothing comes back");
	on_dying(&by_syscall, 0, "with it, syscall() brings the memory back");
	on_dying(&by_libc, 0,
		 "with it, process_mrelease() brings the memory back");
	client_run(&probe, victim.pid, errs);
	tap_ok(errs[0] == EBADF && errs[1] == EBADF,
	       "with it, the probe finds a call");
	victim_end(&victim);
}

static void survives_daemons(void)
{
	static const struct run reopened = {
		true, false, "close no-mrelease syscall.mrelease"
	};
	static const struct run lost = {
		true, false, "close no-open no-mrelease syscall.mrelease"
	};
	static const struct run kernel = { true, false,
					   "close no-open syscall.mrelease" };

	on_dying(
		&reopened, 0,
		"all descriptors closed and used again: the device is opened again");
	on_dying(&lost, ENOSYS,
		 "and if it cannot be opened, the kernel is asked");
	if (have_process_mrelease())
		on_dying(&kernel, 0, "which then does it");
	else
		tap_skip("no process_mrelease(2)", "which then does it");
}

static void falls_back_when_off(void)
{
	static const struct run lost = { true, false,
					 "no-mrelease syscall.mrelease" };
	static const struct run kernel = { true, false, "syscall.mrelease" };

	if (write_file(ENABLED, "0"))
		tap_bail(ENABLED);
	on_dying(&lost, ENOSYS, "releases switched off: the kernel is asked");
	if (have_process_mrelease())
		on_dying(&kernel, 0, "which then does it");
	else
		tap_skip("no process_mrelease(2)", "which then does it");
	if (write_file(ENABLED, "1"))
		tap_bail(ENABLED);
}

/* earlyoom and pkill release after SIGTERM as well. */
static void term_is_no_kill(void)
{
	static const char *const words[] = {
		"libc.term syscall.mrelease libc.mrelease",
		"syscall.term syscall.mrelease libc.mrelease",
		"libc.pidfd-term syscall.mrelease libc.mrelease",
		"syscall.pidfd-term syscall.mrelease libc.mrelease",
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct run run = { true, true, words[i] };
		struct victim victim = victim_start(live_body, NULL);
		int errs[CALLS];
		uint64_t after;
		char state;

		client_run(&run, victim.pid, errs);
		after = anon_bytes(victim.pid);
		state = proc_state(victim.pid);
		if (!tap_ok(!errs[0] && errs[1] == EINVAL &&
				    errs[2] == EINVAL && state == 'S' &&
				    after >= SIZE,
			    "%s: EINVAL, and it lives with all its memory",
			    words[i]))
			tap_note("%d %d %d, state %c, %llu bytes", errs[0],
				 errs[1], errs[2], state,
				 (unsigned long long)after);
		victim_end(&victim);
	}
}

static void pairs(void)
{
	static const char *const words[] = { "libc.kill", "syscall.kill",
					     "libc.pidfd-kill",
					     "syscall.pidfd-kill" };
	char text[128];
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct run run = { true, false, words[i] };

		snprintf(text, sizeof(text),
			 "%s without the switch kills, and releases nothing",
			 words[i]);
		on_living(&run, false, text);
		run.pair = true;
		snprintf(text, sizeof(text),
			 "%s with the switch kills and releases", words[i]);
		on_living(&run, true, text);
	}
}

int main(void)
{
	tap_plan(4 + 3 + 2 + 4 + 8);
	hold_setup();
	serves();
	survives_daemons();
	falls_back_when_off();
	term_is_no_kill();
	pairs();
	return tap_done();
}

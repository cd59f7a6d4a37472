// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims in each state, and kill(2), process_mrelease(2) and the device beside each
 * other: the device has the memory back when it returns, or says in time why not.
 *
 * t_victims table: the same as a table in Markdown, with all states, which is how
 * docs/states.md is made (tests/states).
 */
/* guest: smp=2 mem=1024 disk=ext4:64 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "proc.h"
#include "states.h"
#include "sys.h"
#include "tap.h"

#define DISK "/mnt"
#define POINTS 6
/* How long kill(2) alone is given. */
#define TEST_MS 150
#define TABLE_MS 1000

static const struct {
	const struct state *states;
	const unsigned int *nr;
} groups[] = {
	{ states_plain, &states_plain_nr },
	{ states_io, &states_io_nr },
	{ states_pinned, &states_pinned_nr },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool have_peer;
static int dev;

static void for_each(void (*fn)(const struct state *state))
{
	unsigned int i, j;

	for (i = 0; i < GROUPS; i++)
		for (j = 0; j < *groups[i].nr; j++)
			fn(&groups[i].states[j]);
}

static const struct state *state_named(const char *name)
{
	unsigned int i, j;

	for (i = 0; i < GROUPS; i++)
		for (j = 0; j < *groups[i].nr; j++)
			if (!strcmp(groups[i].states[j].name, name))
				return &groups[i].states[j];
	errno = ENOENT;
	tap_bail("%s", name);
}

/* Without taking its status. */
static bool wait_ended(pid_t pid, unsigned int ms)
{
	return proc_wait_state(pid, "Z", ms);
}

static double mib(long kib)
{
	/* What others did meanwhile. */
	return kib < 0 ? 0 : kib / 1024.0;
}

static void note(const struct state_row *rows)
{
	const struct state_row *k = &rows[WAY_KILL], *s = &rows[WAY_SYSCALL],
			       *d = &rows[WAY_DEVICE];

	tap_note(
		"kill: %s, %.0f MiB, later %.0f; process_mrelease: %s, %.0f, %.0f; mrelease: %s, %.0f, %.0f, %.1f ms, left %llu KiB, reasons %#x",
		k->gone ? "gone" : "not gone", mib(k->at_return), mib(k->later),
		s->hung ? "hangs" : err_name(s->ret), mib(s->at_return),
		mib(s->later), err_name(d->ret), mib(d->at_return),
		mib(d->later), d->ms,
		(unsigned long long)d->res.left_bytes / 1024,
		d->res.left_reasons);
}

static bool ended(const struct state *state, const struct state_row *row)
{
	return row->after && (was_killed(row->status) || state->own_end);
}

/* The rings of io_uring are no counted memory on 5.10, and so nothing that is left. */
static bool are_reasons(uint32_t is, uint32_t want)
{
	return is == want || (is | MRELEASE_LEFT_SHARED_MAP) == want;
}

static void check_all(const struct state *state)
{
	struct state_row rows[WAYS] = {}, *row = &rows[WAY_DEVICE];
	const char *name = state->name;
	const char *why = state->missing ? state->missing() : NULL;
	unsigned int i;
	bool ok = true;

	if (state->slow)
		return;
	for (i = 0; why && i < POINTS; i++)
		tap_skip(why, "%s", name);
	if (why)
		return;
	for (i = 0; i < WAYS; i++)
		if (i != WAY_SYSCALL || have_peer)
			state_run(state, i, i == WAY_KILL ? TEST_MS : 0,
				  &rows[i]);

	for (i = 0; i < WAYS; i++)
		ok &= rows[i].in_state || (i == WAY_SYSCALL && !have_peer);
	tap_ok(ok, "%s: so it is", name);
	tap_ok(!rows[WAY_KILL].ret && ended(state, &rows[WAY_KILL]) &&
		       (!state->kept || state_none(rows[WAY_KILL].later)),
	       "%s: kill(2) alone%s", name,
	       state->kept ? " brings nothing back" : "");
	if (have_peer)
		tap_ok(ended(state, &rows[WAY_SYSCALL]),
		       "%s: process_mrelease(2), and dead", name);
	else
		tap_skip("this kernel has not that call",
			 "%s: process_mrelease(2), and dead", name);
	tap_ok(!row->hung && row->ret == state->ret &&
		       are_reasons(row->res.left_reasons, state->reasons),
	       "%s: mrelease says %s", name, err_name(state->ret));
	if (state->stays)
		ok = row->res.anon_bytes == 0 && state_none(row->at_return);
	else
		ok = row->res.anon_bytes >= STATE_BYTES &&
		     state_all(row->at_return);
	tap_ok(ok, "%s: %s at return", name,
	       state->stays ? "nothing is back" : "the memory is back");
	tap_ok(ended(state, row), "%s: dead in the end", name);
	note(rows);
}

/*
 * A caller that waits, for as long as it takes, for a lock that a victim in state D
 * holds: a signal that kills him ends it, and the account says why.
 */
#define POINTS_SIGNAL 4
static void check_signalled(void)
{
	const struct state *state =
		state_named("D: mmap lock held for writing");
	struct mrelease_args *args = caller_shared(sizeof(*args));
	const char *why = state->missing();
	struct victim victim;
	unsigned int i;
	bool waits;
	int status;
	pid_t pid;

	for (i = 0; why && i < POINTS_SIGNAL; i++)
		tap_skip(why, "signalled");
	if (why)
		return;
	state->prepare();
	victim = victim_start(state->body, NULL);
	tap_ok(state->settle(&victim), "signalled: the lock is held");
	*args = (struct mrelease_args){ .size = sizeof(*args),
					.pidfd = victim.pidfd,
					.flags = MRELEASE_KILL };
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid)
		_exit(ioctl(dev, MRELEASE_IOC_RELEASE, args) ? 1 : 0);
	waits = !wait_ended(pid, 300);
	kill(pid, SIGTERM);
	tap_ok(waits && wait_ended(pid, 10000),
	       "signalled: it waits, then dies");
	waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
	       "signalled: of that signal");
	if (!tap_ok(args->result.left_reasons == MRELEASE_LEFT_SIGNAL &&
			    args->result.victims == 1 &&
			    args->result.left_bytes >= STATE_BYTES,
		    "signalled: the result says LEFT_SIGNAL, and what is left"))
		tap_note("reasons %#x, victims %u, left %llu",
			 args->result.left_reasons, args->result.victims,
			 (unsigned long long)args->result.left_bytes);
	state->loosen(&victim);
	victim_end(&victim);
	state->clean();
}

static unsigned int wanted;

static void count(const struct state *state)
{
	wanted += !state->slow;
}

/* Memory back at return, and later. */
static void print_back(const struct state_row *row)
{
	printf("%.0f / %.0f", mib(row->at_return), mib(row->later));
}

static void print(const struct state *state)
{
	struct state_row rows[WAYS] = {}, *row;
	const char *why = state->missing ? state->missing() : NULL;
	unsigned int i;

	if (why) {
		printf("| %s | %s | | |\n", state->name, why);
		return;
	}
	for (i = 0; i < WAYS; i++) {
		if (i == WAY_SYSCALL && !have_peer)
			continue;
		state_run(state, i, TABLE_MS, &rows[i]);
		if (!rows[i].in_state || !ended(state, &rows[i])) {
			printf("%s: not as it should be\n", state->name);
			_exit(1);
		}
	}

	row = &rows[WAY_KILL];
	printf("| %s | ", state->name);
	print_back(row);
	if (row->gone)
		printf(", %.0f ms | ", row->ms);
	else
		printf(", not dead | ");
	row = &rows[WAY_SYSCALL];
	if (!have_peer) {
		printf("ENOSYS | ");
	} else if (row->hung) {
		printf("hangs, %.0f | ", mib(row->later));
	} else {
		printf("%s, ", err_name(row->ret));
		print_back(row);
		printf(", %.1f ms | ", row->ms);
	}
	row = &rows[WAY_DEVICE];
	printf("%s, ", err_name(row->ret));
	print_back(row);
	printf(", %.1f ms |\n", row->ms);
	fflush(stdout);
}

static void print_why(const struct state *state)
{
	printf("* **%s**: %s.\n", state->name, state->why);
}

static int table(void)
{
	printf("| victim of %lu MiB | kill(2), wait | kill(2), process_mrelease(2) | mrelease |\n",
	       STATE_BYTES >> 20);
	printf("| --- | --- | --- | --- |\n");
	for_each(print);
	printf("\n");
	for_each(print_why);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "table")) {
		dev = dev_open();
		have_peer = have_process_mrelease();
		states_setup(dev, DISK);
		table();
		states_end();
		return 0;
	}

	for_each(count);
	tap_plan(wanted * POINTS + POINTS_SIGNAL);
	dev = dev_open();
	have_peer = have_process_mrelease();
	states_setup(dev, DISK);
	for_each(check_all);
	check_signalled();
	states_end();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The victim calls execve(2) between being looked at and being killed: it dies as the
 * process that it is then, with the memory that it has by then; and what it had
 * before is no concern of the call any more if others live with it.
 *
 * Another process shares the memory, so that all processes of the system are looked
 * at in between, and there are many of them.
 *
 * t_exec_race [ROUNDS [SEED]], or MRELEASE_ROUNDS and MRELEASE_SEED in the environment,
 * which may ask for more rounds, not for less; with MRELEASE_LONG twenty times as many.
 */
/* guest: smp=4 mem=1024 timeout=600 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (4UL * 1024 * 1024)
#define STACK 16384
#define IDLE 600
#define ROUNDS 150
/* Loops before the call; from then on as many as an execve(2) seems to take. */
#define DELAY 500000

/* What the other user of the memory is: alive, or killed and stopped in its exit. */
enum kind { KIND_ALIVE, KIND_DYING, KINDS };

static const char *const names[KINDS] = {
	[KIND_ALIVE] = "shared with a living one",
	[KIND_DYING] = "shared with a dying one",
};

/*
 * struct stage - shared by all
 * @go: the victim may begin
 * @sharer: the other user of the memory
 * @asked: it is to look at its memory
 * @intact: what it found
 */
struct stage {
	volatile int go;
	volatile pid_t sharer;
	volatile int asked;
	volatile int intact;
};

/*
 * struct tally - of the rounds of one kind
 * @delay: with that many loops it is now one, now the other
 * @before: killed with the memory that it had
 * @between: it had another one when it was killed
 * @after: it had another one when the call began
 */
struct tally {
	unsigned int delay;
	unsigned int rounds;
	unsigned int before;
	unsigned int between;
	unsigned int after;
	unsigned int wrong;
};

static struct stage *stage;
static int dev;
static char *mem;

static void spin(unsigned int loops)
{
	volatile unsigned int i;

	for (i = 0; i < loops; i++)
		;
}

static int sharer_main(void *arg)
{
	size_t off;

	(void)arg;
	for (;;) {
		while (!stage->asked)
			sleep_ms(1);
		for (off = 0; off < BYTES && mem[off] == 1; off += 4096)
			;
		stage->intact = off == BYTES;
		stage->asked = 0;
	}
	return 0;
}

static void victim_body(void *arg)
{
	static char *const argv[] = { "t_exec_race", "after", NULL };
	char *stack = map_touched(STACK, false);

	(void)arg;
	mem = map_touched(BYTES, false);
	stage->sharer =
		clone(sharer_main, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	if (stage->sharer < 0)
		_exit(92);
	victim_ready();
	while (!stage->go)
		;
	execv("/proc/self/exe", argv);
	_exit(91);
}

static void wrong(struct tally *t, const char *what, int ret,
		  const struct mrelease_result *res)
{
	if (!t->wrong++)
		tap_note(
			"%s: %s, victims %u, notes %#x, reasons %#x, anon %llu, left %llu",
			what, err_name(ret), res->victims, res->notes,
			res->left_reasons, (unsigned long long)res->anon_bytes,
			(unsigned long long)res->left_bytes);
}

/* The sharer lives: is its memory as it was? */
static bool sharer_intact(void)
{
	int i;

	stage->asked = 1;
	for (i = 0; i < 5000 && stage->asked; i++)
		sleep_ms(1);
	return !stage->asked && stage->intact;
}

/* But for the stage itself, which is shared. */
static bool is_left(const struct mrelease_result *res)
{
	return res->left_reasons & ~MRELEASE_LEFT_SHARED_MAP;
}

/*
 * It is killed, and released, if the victim was the one it shares with; else it was
 * never asked for.
 */
static void judge_alive(struct tally *t, int ret,
			const struct mrelease_result *res)
{
	bool old = res->anon_bytes >= BYTES;

	if (ret || is_left(res) || res->victims != (old ? 2 : 1))
		wrong(t, "with a living one", ret, res);
	t->before += old;
	if (!old && !sharer_intact())
		wrong(t, "the living one is not as it was", ret, res);
	/* Before the call or in it, nobody says. */
	t->between += !old;
}

static void judge_dying(struct tally *t, int ret,
			const struct mrelease_result *res)
{
	bool old = res->anon_bytes >= BYTES;
	bool fresh = res->notes & MRELEASE_NOTE_NEW_MM;

	/* Whatever was pinned is released. */
	if (ret || is_left(res) || res->victims != 1 || (fresh && !old))
		wrong(t, "with a dying one", ret, res);
	t->between += fresh;
	t->before += old && !fresh;
	t->after += !old;
}

/* Three quarters of @t->delay to five; and more the next time if that was too early. */
static unsigned int draw_delay(struct tally *t, uint64_t *state)
{
	return t->delay / 4 * 3 + random_next(state) % (t->delay / 2);
}

static void learn_delay(struct tally *t, unsigned int before)
{
	if (t->before > before)
		t->delay += t->delay / 8;
	else
		t->delay -= t->delay / 8;
}

static void run_round(enum kind kind, struct tally *t, uint64_t *state)
{
	unsigned int before = t->before;
	struct mrelease_result res;
	struct victim victim, other = {};
	pid_t sharer;
	int ret;

	memset((void *)stage, 0, sizeof(*stage));
	victim = victim_start(victim_body, NULL);
	sharer = stage->sharer;
	other.pid = sharer;
	other.pidfd = sys_pidfd_open(sharer);
	if (kind == KIND_DYING) {
		hold_prepare(&other);
		hold_kill(&other);
	}
	stage->go = 1;
	spin(draw_delay(t, state));
	ret = dev_release(dev, victim.pidfd,
			  MRELEASE_KILL | MRELEASE_KILL_SHARERS, &res);
	t->rounds++;
	if (kind == KIND_DYING) {
		judge_dying(t, ret, &res);
		hold_end(&other);
	} else {
		judge_alive(t, ret, &res);
		kill(other.pid, SIGKILL);
		close(other.pidfd);
	}
	if (!was_killed(victim_end(&victim)))
		wrong(t, "the victim was not killed", ret, &res);
	learn_delay(t, before);
	/* The victim's child is ours by now. */
	waitpid(sharer, NULL, 0);
}

/* Every order of events; on a machine that is busy it may take longer. */
static bool seen_all(const struct tally *tallies)
{
	int i;

	for (i = 0; i < KINDS; i++)
		if (!tallies[i].before || !tallies[i].between)
			return false;
	return true;
}

static void crowd(pid_t *pids)
{
	int i;

	for (i = 0; i < IDLE; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			tap_bail("fork");
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : getenv("MRELEASE_ROUNDS");
	const char *seed = argc > 2 ? argv[2] : getenv("MRELEASE_SEED");
	struct tally tallies[KINDS] = {
		[KIND_ALIVE] = { .delay = DELAY },
		[KIND_DYING] = { .delay = DELAY },
	};
	pid_t idle[IDLE];
	uint64_t state;
	int i, n;

	/* After the execve(2). */
	if (argc == 2 && !strcmp(argv[1], "after"))
		for (;;)
			pause();

	n = text ? atoi(text) : 0;
	if (getenv("MRELEASE_LONG"))
		n = 20 * ROUNDS;
	if (n < ROUNDS && argc == 1)
		n = ROUNDS;
	tap_plan(3 * KINDS);
	state = (seed ? strtoull(seed, NULL, 0) : now_ns()) | 1;
	tap_note("seed %llu", (unsigned long long)state);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");
	crowd(idle);
	for (i = 0; i < n || (i < 8 * n && !seen_all(tallies)); i++)
		run_round(i % KINDS, &tallies[i % KINDS], &state);
	for (i = 0; i < IDLE; i++) {
		kill(idle[i], SIGKILL);
		waitpid(idle[i], NULL, 0);
	}

	for (i = 0; i < KINDS; i++) {
		const struct tally *t = &tallies[i];

		tap_ok(t->before && t->between,
		       "%s: before the execve(2), and after", names[i]);
		tap_ok(t->rounds == t->before + t->between + t->after,
		       "%s: of each round it is known", names[i]);
		tap_ok(!t->wrong, "%s: what died and what came back", names[i]);
		tap_note(
			"%s: %u rounds, %u before, %u between, %u after; %u loops",
			names[i], t->rounds, t->before, t->between, t->after,
			t->delay);
	}
	return tap_done();
}

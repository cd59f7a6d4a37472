// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sharers that change while they are looked at: they call execve(2), of a setuid
 * program too, take other credentials, make more sharers, all at the time when
 * MRELEASE_KILL_SHARERS comes from a caller who is not root.  Who is a process of
 * its own by then must not die, and whoever goes on living finds his memory as it
 * was.
 *
 * A sharer that got through says so, in user mode, where nobody gets with a SIGKILL
 * on his way.  Then it is asked, when the call has returned, and must answer.
 *
 * t_sharers_race [ROUNDS [SEED]], or MRELEASE_ROUNDS and MRELEASE_SEED in the
 * environment, which may ask for more rounds, not for less: with few of them not
 * every order of events is met.  With MRELEASE_LONG 100 000.
 */
/* guest: smp=4 mem=1024 timeout=3600 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (256UL * 1024)
#define STACK 16384
#define ROUNDS "800"
#define LONG_ROUNDS "100000"
#define USER 1000
#define SETUID_COPY "/tmp/setuid"
#define CHILDREN 64
/* Loops before the caller and the sharer begin; an exec takes longer. */
#define DELAY_CALL 60000
#define DELAY_ACT 4000
/* As good as for ever. */
#define WAIT_MS 30000

/* What the sharer does. */
enum race { RACE_EXEC, RACE_SETUID, RACE_CREDS, RACE_CLONE, RACES };

static const char *const names[RACES] = {
	[RACE_EXEC] = "execve",
	[RACE_SETUID] = "execve of a setuid program",
	[RACE_CREDS] = "other credentials",
	[RACE_CLONE] = "clone",
};

/* Shared by all. */
struct stage {
	volatile int go;
	volatile int ready;
	volatile unsigned int delay_call, delay_act;
	volatile pid_t victim;
	int ret;
	struct mrelease_result res;
};

/*
 * struct tally - counts of rounds
 * @through: the sharer was a process of its own, or not to be killed, in time
 * @innocent: it died all the same
 * @touched: it lived, and its memory was not as it was
 * @wrong: the call did not return what it should
 */
struct tally {
	unsigned int rounds;
	unsigned int through;
	unsigned int died_late;
	unsigned int innocent;
	unsigned int touched;
	unsigned int wrong;
};

static struct stage *stage;
static int dev;
static uint64_t state;
static char *mem;
static int ask[2], answer[2];
static enum race race;

static unsigned int rnd(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static void spin(unsigned int loops)
{
	volatile unsigned int i;

	for (i = 0; i < loops; i++)
		;
}

/* From now on it says what it is asked.  @bytes of its memory are looked at. */
static void live_on(int ask_fd, int answer_fd, size_t bytes)
{
	size_t off = 0;
	char byte = 'm';

	if (write(answer_fd, &byte, 1) != 1)
		_exit(1);
	if (read(ask_fd, &byte, 1) != 1)
		_exit(1);
	while (off < bytes && mem[off] == 1)
		off += 4096;
	byte = off < bytes ? 'n' : 'y';
	if (write(answer_fd, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

static void act_exec(const char *program)
{
	char ask_text[] = { '0' + ask[0] / 10, '0' + ask[0] % 10, 0 };
	char answer_text[] = { '0' + answer[1] / 10, '0' + answer[1] % 10, 0 };
	char *const argv[] = { "t_sharers_race", "through", ask_text,
			       answer_text, NULL };

	execv(program, argv);
	_exit(91);
}

static int one_more(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void act_clone(void)
{
	char *stacks = mmap(NULL, CHILDREN * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	for (i = 1; i <= CHILDREN; i++)
		clone(one_more, stacks + i * 4096, CLONE_VM | SIGCHLD, NULL);
	for (;;)
		pause();
}

static int sharer_main(void *arg)
{
	(void)arg;
	/* Its real and saved user are those of the caller, its rights root's. */
	if (race == RACE_CREDS ? syscall(SYS_setresuid, USER, 0, USER) :
				 syscall(SYS_setresuid, USER, USER, USER))
		_exit(90);
	stage->ready = 1;
	while (!stage->go)
		;
	spin(stage->delay_act);
	switch (race) {
	case RACE_EXEC:
		act_exec("/proc/self/exe");
		break;
	case RACE_SETUID:
		act_exec(SETUID_COPY);
		break;
	case RACE_CREDS:
		syscall(SYS_setresuid, 0, 0, 0);
		live_on(ask[0], answer[1], BYTES);
		break;
	default:
		act_clone();
	}
	return 0;
}

static void victim_body(void *arg)
{
	char *stack = map_touched(STACK, false);

	(void)arg;
	mem = map_touched(BYTES, false);
	if (clone(sharer_main, stack + STACK, CLONE_VM | SIGCHLD, NULL) < 0)
		_exit(92);
	if (syscall(SYS_setresuid, USER, USER, USER))
		_exit(93);
	close(answer[1]);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* One process for all rounds, not root. */
static pid_t start_caller(int go_fd, int done_fd)
{
	pid_t pid = fork();
	int pidfd;
	char byte;

	if (pid < 0)
		tap_bail("fork");
	if (pid)
		return pid;
	caller_become(USER, USER, USER);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(go_fd, &byte, 1) == 1) {
		pidfd = sys_pidfd_open(stage->victim);
		while (!stage->ready)
			;
		stage->go = 1;
		spin(stage->delay_call);
		stage->ret = dev_release(dev, pidfd,
					 MRELEASE_KILL | MRELEASE_KILL_SHARERS,
					 &stage->res);
		close(pidfd);
		if (write(done_fd, "", 1) != 1)
			break;
	}
	_exit(0);
}

/* What the sharer says next: a letter; 0 when it is dead, -1 when nothing comes. */
static int hear(void)
{
	struct pollfd pollfd = { .fd = answer[0], .events = POLLIN };
	char byte;

	if (poll(&pollfd, 1, WAIT_MS) != 1)
		return -1;
	return read(answer[0], &byte, 1) == 1 ? byte : 0;
}

static void wrong(struct tally *t, const char *what)
{
	if (!t->wrong++)
		tap_note("%s: %s: %s, victims %u, reasons %#x", names[race],
			 what, err_name(stage->ret), stage->res.victims,
			 stage->res.left_reasons);
}

/* It went through: it is asked whether it is still there. */
static void examine(struct tally *t)
{
	int said = write(ask[1], "", 1) == 1 ? hear() : 0;

	t->through++;
	if (race == RACE_CREDS) {
		/* As with kill(2), the signal may have been on its way. */
		t->died_late += said == 0;
		t->touched += said == 'n';
		if (said && stage->ret != -EPERM)
			wrong(t, "a sharer lives");
		return;
	}
	t->innocent += said != 'y';
	if (stage->ret)
		wrong(t, "the victim had nobody");
}

static void run_round(struct tally *t, int go_fd, int done_fd)
{
	struct victim victim;
	char byte;
	int said;

	if (pipe2(ask, 0) || pipe2(answer, 0))
		tap_bail("pipe2");
	stage->go = 0;
	stage->ready = 0;
	stage->delay_call = rnd(DELAY_CALL);
	stage->delay_act = rnd(DELAY_ACT);
	victim = victim_start(victim_body, NULL);
	close(ask[0]);
	close(answer[1]);
	stage->victim = victim.pid;
	if (write(go_fd, "", 1) != 1 || read(done_fd, &byte, 1) != 1)
		tap_bail("the caller is gone");

	t->rounds++;
	said = hear();
	if (said == 'm')
		examine(t);
	else if (said || stage->ret)
		wrong(t, said ? "somebody lives" : "all are dead");
	if (!was_killed(victim_end(&victim)))
		wrong(t, "the victim was not killed");
	close(ask[1]);
	close(answer[0]);
	/* They are our children by now. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void copy_setuid(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(SETUID_COPY, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	struct stat st;

	if (fstat(from, &st) ||
	    sendfile(to, from, NULL, st.st_size) != st.st_size ||
	    fchmod(to, 04755))
		tap_bail(SETUID_COPY);
	close(from);
	close(to);
}

int main(int argc, char **argv)
{
	const char *rounds = argc > 1		       ? argv[1] :
			     getenv("MRELEASE_ROUNDS") ?:
			     getenv("MRELEASE_LONG")   ? LONG_ROUNDS :
							 ROUNDS;
	const char *seed = argc > 2 ? argv[2] : getenv("MRELEASE_SEED");
	struct tally tallies[RACES] = {};
	int i, n = atoi(rounds), go[2], done[2];
	int least = argc > 1 ? 1 : atoi(ROUNDS);
	pid_t caller;

	if (argc == 4 && !strcmp(argv[1], "through"))
		live_on(atoi(argv[2]), atoi(argv[3]), 0);

	if (n < least)
		n = least;
	tap_plan(4 * RACES);
	state = (seed ? strtoull(seed, NULL, 0) : now_ns()) | 1;
	tap_note("seed %llu", (unsigned long long)state);
	dev = dev_open();
	mkdir("/tmp", 01777);
	copy_setuid();
	stage = caller_shared(sizeof(*stage));
	/* Who is asked may be dead. */
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe2(go, O_CLOEXEC) ||
	    pipe2(done, O_CLOEXEC))
		tap_bail("set-up");
	caller = start_caller(go[0], done[1]);

	for (i = 0; i < n; i++) {
		race = i % RACES;
		run_round(&tallies[race], go[1], done[0]);
	}
	kill(caller, SIGKILL);
	while (wait(NULL) > 0)
		;
	unlink(SETUID_COPY);

	for (i = 0; i < RACES; i++) {
		const struct tally *t = &tallies[i];

		/* Both ends of the race were seen. */
		tap_ok(i == RACE_CLONE ||
			       (t->through && t->through < t->rounds),
		       "%s: sometimes first, sometimes not", names[i]);
		tap_ok(!t->innocent, "%s: no innocent process died", names[i]);
		tap_ok(!t->touched, "%s: no survivor's memory was touched",
		       names[i]);
		tap_ok(t->rounds && !t->wrong,
		       "%s: the call returned what it should", names[i]);
	}
	tap_note("race                        rounds through died late");
	for (i = 0; i < RACES; i++)
		tap_note("%-26s %7u %7u %9u", names[i], tallies[i].rounds,
			 tallies[i].through, tallies[i].died_late);
	return tap_done();
}

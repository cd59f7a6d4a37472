// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that share the memory of the victim: refused, or killed as well with
 * MRELEASE_KILL_SHARERS, but only if the caller may kill each of them; else nobody
 * is.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (4UL * 1024 * 1024)
#define STACK 65536
#define CALLER_UID 1000
#define OTHER_UID 2000
#define SHARERS (MRELEASE_KILL | MRELEASE_KILL_SHARERS)

/* What the sharer is, besides a user of the memory. */
enum kind { KIND_PLAIN, KIND_TEARDOWN, KIND_VFORK, KIND_THREADED };

/*
 * struct group - a victim and a sharer
 * @kind: of the sharer
 * @uid: of the sharer, which becomes it after the victim became CALLER_UID; 0: both
 *	are root
 * @flags: of the call, where the sharer makes it
 * @limit: of the call, where another user makes it
 * @v: the victim
 * @sharer: the other
 * @ask: a byte to it asks whether its memory is as it was
 * @answer: 'y' or 'n'; end of file: it is dead
 */
struct group {
	enum kind kind;
	uid_t uid;
	uint32_t flags;
	uint32_t limit;
	struct victim v;
	pid_t sharer;
	int ask;
	int answer;
};

/* Shared by all. */
struct stage {
	pid_t sharer;
	int ret;
	struct mrelease_result res;
};

static struct stage *stage;
static int dev;
static char *mem;
static int ask[2], answer[2];

static bool memory_intact(void)
{
	size_t off;

	for (off = 0; off < BYTES; off += 4096)
		if (mem[off] != 1)
			return false;
	return true;
}

static void answer_questions(void)
{
	char byte;

	while (read(ask[0], &byte, 1) == 1) {
		byte = memory_intact() ? 'y' : 'n';
		if (write(answer[1], &byte, 1) != 1)
			break;
	}
	_exit(0);
}

/* Raw: the library would make all threads of its process change. */
static void become(uid_t uid)
{
	if (syscall(SYS_setresuid, uid, uid, uid))
		_exit(90);
}

static int sharer_main(void *arg)
{
	struct group *g = arg;

	if (g->uid)
		become(g->uid);
	/* What QEMU's helper does; it is there to have the memory torn down late. */
	if (g->kind == KIND_TEARDOWN) {
		prctl(PR_SET_NAME, "cleanup/1");
		prctl(PR_SET_PDEATHSIG, SIGHUP);
		signal(SIGHUP, SIG_IGN);
	}
	stage->sharer = syscall(SYS_getpid);
	answer_questions();
	return 0;
}

static int leaderless_main(void *arg)
{
	static char stack[STACK] __attribute__((aligned(16)));

	if (clone(sharer_main, stack + STACK,
		  CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
			  CLONE_FILES,
		  arg) < 0)
		_exit(91);
	syscall(SYS_exit, 0);
	return 0;
}

static void group_body(void *arg)
{
	struct group *g = arg;
	char *stack = map_touched(STACK, false);
	int flags = CLONE_VM | SIGCHLD;

	mem = map_touched(BYTES, false);
	victim_ready();
	if (g->kind == KIND_VFORK)
		flags |= CLONE_VFORK;
	/* It cannot do so later; the child may still become anybody. */
	if (g->kind == KIND_VFORK && g->uid &&
	    syscall(SYS_setresuid, CALLER_UID, 0, CALLER_UID))
		_exit(90);
	if (clone(g->kind == KIND_THREADED ? leaderless_main : sharer_main,
		  stack + STACK, flags, g) < 0)
		_exit(92);
	if (g->uid)
		become(CALLER_UID);
	close(answer[1]);
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static uid_t uid_of(pid_t pid)
{
	return proc_pid_kib(pid, "status", "Uid");
}

static void group_start(struct group *g)
{
	if (pipe2(ask, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		tap_bail("pipe2");
	stage->sharer = 0;
	g->v = victim_start(group_body, g);
	close(ask[0]);
	close(answer[1]);
	g->ask = ask[1];
	g->answer = answer[0];
	while (!stage->sharer)
		sleep_ms(1);
	g->sharer = stage->sharer;
	/* A victim in vfork(2) cannot. */
	while (g->uid && g->kind != KIND_VFORK &&
	       uid_of(g->v.pid) != CALLER_UID)
		sleep_ms(1);
}

/* Is the sharer alive, and has its memory? */
static bool sharer_intact(struct group *g)
{
	char byte = 0;

	return write(g->ask, "", 1) == 1 && read(g->answer, &byte, 1) == 1 &&
	       byte == 'y';
}

/* Neither of them has noticed anything. */
static bool group_intact(struct group *g)
{
	return sharer_intact(g) && proc_state(g->v.pid) != 'Z' &&
	       anon_bytes(g->v.pid) >= BYTES;
}

/* The sharer is dead: nobody has the other end of its pipe open. */
static bool sharer_dead(struct group *g)
{
	char byte;

	return !read(g->answer, &byte, 1);
}

static void group_end(struct group *g)
{
	if (g->v.pid > 0) {
		kill(g->sharer, SIGKILL);
		victim_end(&g->v);
	}
	close(g->ask);
	close(g->answer);
	/* The victim's child is ours by now, or init's. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static bool is(int want, uint32_t reasons, unsigned int victims)
{
	const struct mrelease_result *res = &stage->res;
	bool ok = stage->ret == want && res->left_reasons == reasons &&
		  res->victims == victims;

	if (!ok)
		tap_note("%s, reasons %#x, victims %u, anon %llu",
			 err_name(stage->ret), res->left_reasons, res->victims,
			 (unsigned long long)res->anon_bytes);
	return ok;
}

static bool got_all(unsigned int victims)
{
	return is(0, 0, victims) && stage->res.anon_bytes >= BYTES &&
	       !stage->res.left_bytes;
}

/* 5 points: refused without the flag, all killed with it. */
static void check_killed(enum kind kind, const char *name, uint32_t flags)
{
	struct group g = { .kind = kind };

	group_start(&g);
	stage->ret = dev_release(dev, g.v.pidfd, MRELEASE_KILL, &stage->res);
	tap_ok(is(-EINVAL, MRELEASE_LEFT_SHARED, 0), "%s: refused", name);
	tap_ok(group_intact(&g), "%s: nothing has happened to them", name);
	stage->ret = dev_release(dev, g.v.pidfd, SHARERS | flags, &stage->res);
	tap_ok(stage->res.left_reasons & MRELEASE_LEFT_SHARED_MAP ?
		       !stage->ret && stage->res.victims == 2 &&
			       stage->res.anon_bytes >= BYTES :
		       got_all(2),
	       "%s: released with KILL_SHARERS", name);
	tap_ok(sharer_dead(&g), "%s: the sharer is dead", name);
	tap_ok(was_killed(victim_end(&g.v)), "%s: and so is the victim", name);
	group_end(&g);
}

/* As somebody who is not root. */
static int call_as_user(void *arg)
{
	struct group *g = arg;

	caller_become(CALLER_UID, CALLER_UID, CALLER_UID);
	stage->ret = dev_release_timeout(dev, g->v.pidfd, SHARERS, g->limit,
					 &stage->res);
	return 0;
}

/* 3 points. */
static void check_other_user(void)
{
	struct group g = { .kind = KIND_PLAIN, .uid = OTHER_UID };

	group_start(&g);
	caller_run(call_as_user, &g);
	tap_ok(is(-EPERM, MRELEASE_LEFT_SHARED, 0),
	       "a sharer of another user: EPERM");
	tap_ok(group_intact(&g),
	       "a sharer of another user: nothing has happened to them");
	group_end(&g);

	g.uid = CALLER_UID;
	group_start(&g);
	caller_run(call_as_user, &g);
	tap_ok(!stage->ret && stage->res.victims == 2 && sharer_dead(&g),
	       "a sharer of the same user: killed");
	group_end(&g);
}

/* The caller itself. */
static int call_as_sharer(void *arg)
{
	struct group *g = arg;

	stage->ret = dev_release(dev, g->v.pidfd, g->flags, &stage->res);
	stage->sharer = syscall(SYS_getpid);
	pause();
	return 0;
}

static void suicidal_body(void *arg)
{
	struct group *g = arg;
	char *stack = map_touched(STACK, false);

	mem = map_touched(BYTES, false);
	g->v.pidfd = sys_pidfd_open(getpid());
	victim_ready();
	clone(call_as_sharer, stack + STACK,
	      CLONE_VM | SIGCHLD | (g->kind == KIND_VFORK ? CLONE_VFORK : 0),
	      g);
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* 1 point. */
static void check_caller_shares(enum kind kind, uint32_t flags,
				const char *name)
{
	struct group g = { .kind = kind, .flags = flags };
	struct victim v;

	stage->sharer = 0;
	v = victim_start(suicidal_body, &g);
	while (!stage->sharer)
		sleep_ms(1);
	tap_ok(is(-EINVAL, MRELEASE_LEFT_SHARED, 0) &&
		       anon_bytes(v.pid) >= BYTES,
	       "the caller shares the memory%s: EINVAL", name);
	kill(stage->sharer, SIGKILL);
	victim_end(&v);
	waitpid(-1, NULL, WNOHANG);
}

static int hidden_victim(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/*
 * In a pid namespace of its own children: an init, the victim, which shares the
 * memory of this process outside, and the caller.
 */
static int call_from_pidns(void *arg)
{
	char *stack = map_touched(STACK, false);
	pid_t init, victim, caller;
	int status;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		_exit(255);
	init = fork();
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	victim = clone(hidden_victim, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	caller = fork();
	if (!caller) {
		/* It was the second one there. */
		int pidfd = sys_pidfd_open(2);

		stage->ret = pidfd < 0 ? -ENOTRECOVERABLE :
					 dev_release(dev, pidfd, SHARERS,
						     &stage->res);
		_exit(0);
	}
	waitpid(caller, NULL, 0);
	stage->sharer = waitpid(victim, &status, WNOHANG);
	kill(victim, SIGKILL);
	kill(init, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* 2 points. */
static void check_pidns(void)
{
	stage->sharer = -1;
	caller_run(call_from_pidns, NULL);
	tap_ok(is(-EPERM, MRELEASE_LEFT_SHARED, 0),
	       "a sharer outside the caller's pid namespace: EPERM");
	tap_ok(!stage->sharer, "the victim was not signalled");
}

/* Later, in a child, when the caller waits. */
static pid_t let_go_later(struct group *g)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		sleep_ms(300);
		kill(g->sharer, SIGTERM);
		_exit(0);
	}
	return pid;
}

/* 4 points: who is about to call execve(2) is no reason to refuse. */
static void check_vfork(void)
{
	struct group g = { .kind = KIND_VFORK };
	pid_t helper;

	group_start(&g);
	stage->ret = dev_release_timeout(dev, g.v.pidfd, MRELEASE_KILL, 200,
					 &stage->res);
	tap_ok(is(-ETIMEDOUT, MRELEASE_LEFT_SHARED | MRELEASE_LEFT_TIMEOUT, 1),
	       "vfork: the child is waited for");
	tap_ok(sharer_intact(&g), "vfork: nothing has happened to it");
	group_end(&g);

	group_start(&g);
	helper = let_go_later(&g);
	stage->ret = dev_release(dev, g.v.pidfd, MRELEASE_KILL, &stage->res);
	tap_ok(!stage->ret && stage->res.victims == 1 &&
		       stage->res.anon_bytes >= BYTES,
	       "vfork: the child is gone, the memory back");
	waitpid(helper, NULL, 0);
	group_end(&g);

	group_start(&g);
	stage->ret = dev_release(dev, g.v.pidfd, SHARERS, &stage->res);
	tap_ok(!stage->ret && stage->res.victims == 2 &&
		       stage->res.anon_bytes >= BYTES && sharer_dead(&g),
	       "vfork: with KILL_SHARERS it is killed");
	group_end(&g);
}

/* 3 points: who may not be killed, but will go by itself, is waited for, too. */
static void check_vfork_other_user(void)
{
	struct group g = { .kind = KIND_VFORK, .uid = OTHER_UID, .limit = 200 };
	pid_t helper;

	group_start(&g);
	caller_run(call_as_user, &g);
	tap_ok(is(-ETIMEDOUT, MRELEASE_LEFT_SHARED | MRELEASE_LEFT_TIMEOUT, 1),
	       "vfork, of another user: waited for");
	tap_ok(sharer_intact(&g),
	       "vfork, of another user: nothing has happened to it");
	group_end(&g);

	g.limit = 0;
	group_start(&g);
	helper = let_go_later(&g);
	caller_run(call_as_user, &g);
	tap_ok(!stage->ret && stage->res.victims == 1 &&
		       stage->res.anon_bytes >= BYTES,
	       "vfork, of another user: gone, the memory back");
	waitpid(helper, NULL, 0);
	group_end(&g);
}

int main(void)
{
	tap_plan(3 * 5 + 3 + 3 + 2 + 4 + 3);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	/* Who is asked may be dead. */
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		tap_bail("PR_SET_CHILD_SUBREAPER");

	check_killed(KIND_PLAIN, "CLONE_VM", MRELEASE_SHARED);
	check_killed(KIND_TEARDOWN, "teardown helper",
		     MRELEASE_SHARED | MRELEASE_TEARDOWN);
	check_killed(KIND_THREADED, "a zombie leader", MRELEASE_SHARED);
	check_other_user();
	check_caller_shares(KIND_PLAIN, SHARERS, "");
	check_caller_shares(KIND_VFORK, SHARERS, ", by vfork");
	check_caller_shares(KIND_VFORK, MRELEASE_KILL, ", by vfork, KILL only");
	check_pidns();
	check_vfork();
	check_vfork_other_user();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * Who may release whom: exactly those who may kill.  In each case the same
 * caller asks pidfd_send_signal(2) about one victim and the device about another
 * that is like it, and both must say the same.  Pid namespaces are in t_pidns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define NOBODY 65534
#define ALICE 1000
#define BOB 1001

static int dev;

struct ask {
	const struct who *caller;
	int pidfd;
	uint32_t flags;
	struct mrelease_result *res;
};

static int ask_signal(void *arg)
{
	const struct ask *ask = arg;

	who_become((void *)ask->caller);
	return sys_pidfd_send_signal(ask->pidfd, SIGKILL);
}

static int ask_device(void *arg)
{
	const struct ask *ask = arg;

	who_become((void *)ask->caller);
	return dev_release(dev, ask->pidfd, ask->flags, ask->res);
}

static int ask_syscall(void *arg)
{
	const struct ask *ask = arg;

	who_become((void *)ask->caller);
	return sys_process_mrelease(ask->pidfd, 0);
}

/* Those who appear here, by their real, effective and saved user id. */
static const struct who root = { .ruid = 0 };
static const struct who alice = { .ruid = ALICE, .euid = ALICE, .suid = ALICE };
static const struct who nobody = { .ruid = NOBODY,
				   .euid = NOBODY,
				   .suid = NOBODY };
static const struct who alice_session = { .ruid = ALICE,
					  .euid = ALICE,
					  .suid = ALICE,
					  .session = true };
static const struct who bob_session = { .ruid = BOB,
					.euid = BOB,
					.suid = BOB,
					.session = true };
static const struct who alice_bob_bob = { .ruid = ALICE,
					  .euid = BOB,
					  .suid = BOB };
static const struct who bob_bob_alice = { .ruid = BOB,
					  .euid = BOB,
					  .suid = ALICE };
static const struct who bob_alice_bob = { .ruid = BOB,
					  .euid = ALICE,
					  .suid = BOB };
static const struct who alice_root_root = { .ruid = ALICE };
static const struct who root_no_kill = { .no_cap_kill = true };
static const struct who alice_userns = { .ruid = ALICE,
					 .euid = ALICE,
					 .suid = ALICE,
					 .userns = true };
static const struct who bob = { .ruid = BOB, .euid = BOB, .suid = BOB };
static const struct who bob_userns = { .ruid = BOB,
				       .euid = BOB,
				       .suid = BOB,
				       .userns = true };

static const struct {
	const char *what;
	const struct who *caller;
	const struct who *victim;
	int want;
} cases[] = {
	{ "root, root's", &root, &root, 0 },
	{ "root, a user's", &root, &alice, 0 },
	{ "a user, root's", &nobody, &root, -EPERM },
	{ "a user, another's", &nobody, &alice, -EPERM },
	{ "a user, his own", &nobody, &nobody, 0 },
	{ "a user, his own of another session", &alice, &alice_session, 0 },
	{ "a user, another's of another session", &alice, &bob_session,
	  -EPERM },

	/* The victim's real and saved ids count, its effective id does not. */
	{ "his real id", &alice, &alice_bob_bob, 0 },
	{ "his saved id", &alice, &bob_bob_alice, 0 },
	{ "his effective id only", &alice, &bob_alice_bob, -EPERM },
	{ "now root, but his real id", &alice, &alice_root_root, 0 },
	/* The caller's real and effective ids count, its saved id does not. */
	{ "by the real id", &alice_bob_bob, &alice, 0 },
	{ "by the effective id", &bob_alice_bob, &alice, 0 },
	{ "by the saved id only", &bob_bob_alice, &alice, -EPERM },

	{ "root without CAP_KILL, a user's", &root_no_kill, &alice, -EPERM },
	{ "root without CAP_KILL, root's", &root_no_kill, &root, 0 },

	/* CAP_KILL counts in the victim's user namespace. */
	{ "root of a user namespace, an outsider's", &alice_userns, &bob,
	  -EPERM },
	{ "root of a user namespace, outside root's", &alice_userns, &root,
	  -EPERM },
	{ "root of a user namespace, his own outside", &alice_userns, &alice,
	  0 },
	{ "a user, root of another's namespace", &alice, &bob_userns, -EPERM },
	{ "root, root of a user's namespace", &root, &bob_userns, 0 },
	{ "root without CAP_KILL, root of a user's namespace", &root_no_kill,
	  &bob_userns, -EPERM },
};

#define NR_CASES ((int)(sizeof(cases) / sizeof(cases[0])))
#define POINTS_CASES (2 * NR_CASES)

/* Dead of SIGKILL where that was allowed, else as if nothing had been asked. */
static bool fate(struct witness *w, int ret)
{
	bool intact = ret ? witness_intact(w) : true;
	int status;

	if (!ret) {
		status = victim_reap(&w->v);
		close(w->sock);
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	witness_end(w);
	return intact;
}

static void test_cases(void)
{
	struct mrelease_result *res = caller_shared(sizeof(*res));
	struct witness theirs, ours;
	struct ask ask = { .flags = MRELEASE_KILL, .res = res };
	int oracle, ret, i;
	const char *end;
	bool ok;

	for (i = 0; i < NR_CASES; i++) {
		theirs = witness_start(who_become, (void *)cases[i].victim);
		ours = witness_start(who_become, (void *)cases[i].victim);
		ask.caller = cases[i].caller;
		ask.pidfd = theirs.v.pidfd;
		oracle = caller_run(ask_signal, &ask);
		memset(res, 0xff, sizeof(*res));
		ask.pidfd = ours.v.pidfd;
		ret = caller_run(ask_device, &ask);
		if (!tap_ok(ret == oracle && ret == cases[i].want,
			    "%s: %s, as pidfd_send_signal(2)", cases[i].what,
			    err_name(cases[i].want)))
			tap_note("%s, pidfd_send_signal(2) %s", err_name(ret),
				 err_name(oracle));
		if (ret)
			ok = !res->victims && !res->left_reasons &&
			     !res->anon_bytes;
		else
			ok = res->victims == 1 && res->anon_bytes >= 1 << 20;
		ok &= fate(&ours, ret);
		ok &= fate(&theirs, oracle);
		end = "dead, its memory back";
		if (cases[i].want)
			end = "intact";
		tap_ok(ok, "%s: %s", cases[i].what, end);
	}
}

static int ask_open(void *arg)
{
	int fd;

	who_become(arg);
	fd = open(MRELEASE_DEVICE, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

#define POINTS_UNTOUCHABLE 3
static void test_untouchable(const struct who *caller)
{
	const struct {
		const char *what;
		int pid;
	} init_and_kthread[] = { { "init", 1 }, { "a kernel thread", 2 } };
	struct mrelease_result *res = caller_shared(sizeof(*res));
	struct ask ask = { .caller = caller,
			   .flags = MRELEASE_KILL,
			   .res = res };
	int i;
	bool ok;

	for (i = 0; i < 2; i++) {
		ask.pidfd = sys_pidfd_open(init_and_kthread[i].pid);
		ok = caller_run(ask_device, &ask) == -EPERM &&
		     caller_run(ask_signal, &ask) == -EPERM && !res->victims;
		tap_ok(ok, "a user, %s: EPERM, as pidfd_send_signal(2)",
		       init_and_kthread[i].what);
		close(ask.pidfd);
	}
	tap_ok(caller_run(ask_open, (void *)caller) == -EACCES,
	       "a user cannot open the device");
}

static int idle_fn(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* A process of its own in the same address space; it dies with the group. */
static void share(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));

	who_become(arg);
	if (clone(idle_fn, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
		_exit(255);
}

/* What a refusal tells of a process is for those only who may kill it. */
#define POINTS_SECRETS 3
static void test_secrets(const struct who *caller)
{
	struct mrelease_result *res = caller_shared(sizeof(*res));
	struct ask ask = { .caller = caller,
			   .flags = MRELEASE_KILL,
			   .res = res };
	struct who *owner = (struct who *)&alice_session;
	struct witness w = witness_start(share, owner);
	pid_t pid = w.v.pid;
	siginfo_t si;
	bool ok;

	ask.pidfd = w.v.pidfd;
	ok = caller_run(ask_device, &ask) == -EPERM && !res->left_reasons &&
	     witness_intact(&w);
	tap_ok(ok, "a user, another's shared mm: EPERM, no reason told");
	/* With its sharer, whose pid nobody has written down. */
	kill(-pid, SIGKILL);
	witness_end(&w);

	w = witness_start(who_become, owner);
	kill(w.v.pid, SIGKILL);
	if (waitid(P_PID, w.v.pid, &si, WEXITED | WNOWAIT))
		tap_bail("waitid");
	ask.pidfd = w.v.pidfd;
	tap_ok(caller_run(ask_device, &ask) == -EPERM,
	       "a user, another's zombie: EPERM");
	tap_ok(caller_run(ask_signal, &ask) == -EPERM,
	       "a user, another's zombie: as pidfd_send_signal(2)");
	witness_end(&w);
}

/* To take memory from a process that is being killed anyway is no kill. */
#define POINTS_DYING 4
static void test_dying(const struct who *caller)
{
	struct mrelease_result *res = caller_shared(sizeof(*res));
	struct ask ask = { .caller = caller, .res = res };
	struct witness w[2];
	int i;

	for (i = 0; i < 2; i++) {
		w[i] = witness_start(NULL, NULL);
		hold_prepare(&w[i].v);
		hold_kill(&w[i].v);
	}
	ask.pidfd = w[0].v.pidfd;
	ask.flags = MRELEASE_KILL;
	tap_ok(caller_run(ask_device, &ask) == -EPERM && !res->anon_bytes,
	       "a user, root's dying process, KILL: EPERM");
	ask.flags = 0;
	tap_ok(!caller_run(ask_device, &ask), "with flags 0: 0");
	tap_ok(!res->victims && res->anon_bytes >= 1 << 20,
	       "nobody signalled, its memory back");
	ask.pidfd = w[1].v.pidfd;
	if (have_process_mrelease())
		tap_ok(!caller_run(ask_syscall, &ask), "as the syscall");
	else
		tap_skip("no process_mrelease(2)", "as the syscall");
	for (i = 0; i < 2; i++) {
		close(w[i].sock);
		hold_end(&w[i].v);
	}
}

/* One byte with one descriptor attached, in either direction. */
union control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int pass_fd(int sock, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	if (fd < 0) {
		if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
			return -1;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		return fd;
	}
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

static int ask_received(void *arg)
{
	struct ask *ask = arg;

	/* ask->pidfd is the socket. */
	ask->pidfd = pass_fd(ask->pidfd, -1);
	if (ask->pidfd < 0)
		return -ENOTSUP;
	return ask_device(ask);
}

#define POINTS_RIGHTS 2
static void test_rights(const struct who *caller)
{
	struct mrelease_result *res = caller_shared(sizeof(*res));
	struct ask ask = { .caller = caller,
			   .flags = MRELEASE_KILL,
			   .res = res };
	const struct who *victims[] = { caller, &alice };
	const int want[] = { 0, -EPERM };
	struct witness w;
	int sock[2], i, ret;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		tap_bail("socketpair");
	for (i = 0; i < 2; i++) {
		w = witness_start(who_become, (void *)victims[i]);
		if (pass_fd(sock[0], w.v.pidfd))
			tap_bail("SCM_RIGHTS");
		ask.pidfd = sock[1];
		ret = caller_run(ask_received, &ask);
		tap_ok(ret == want[i] && fate(&w, ret),
		       "a pidfd by SCM_RIGHTS, %s: %s",
		       i ? "another's" : "his own", err_name(want[i]));
	}
	close(sock[0]);
	close(sock[1]);
}

int main(void)
{
	tap_plan(POINTS_CASES + POINTS_UNTOUCHABLE + POINTS_SECRETS +
		 POINTS_DYING + POINTS_RIGHTS);
	dev = dev_open();
	test_cases();
	test_untouchable(&nobody);
	test_secrets(&nobody);
	test_dying(&nobody);
	test_rights(&nobody);
	return tap_done();
}

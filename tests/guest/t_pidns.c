// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * Pid namespaces: whom a kill reaches from above, from inside and from beside,
 * next to pidfd_send_signal(2) of the same caller.  The init of a namespace can
 * be killed from above only; from inside kill(2) says 0 and does nothing, which
 * for a call that takes memory must be a refusal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

/* What the children found, apart from the errno. */
struct found {
	struct mrelease_result res;
	int oracle;
	int dead; /* of SIGKILL */
	int intact;
	int live_flags0;
};

static struct found *found;
static int dev;
/* Of a process outside, for callers inside. */
static int outside = -1;

static void unshare_pids(void)
{
	if (unshare(CLONE_NEWPID))
		_exit(255);
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Fork the init of the namespace that has been unshared; returns what it says. */
static int run_init(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -255;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-fn());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -255;
}

/* The first child of an unshared process is the init of the namespace. */
static int kill_init_by_signal(void *arg)
{
	struct witness w;
	int ret;

	(void)arg;
	unshare_pids();
	w = witness_start(NULL, NULL);
	ret = sys_pidfd_send_signal(w.v.pidfd, SIGKILL);
	found->dead = killed(victim_reap(&w.v));
	return ret;
}

static int kill_init_by_device(void *arg)
{
	struct witness w;
	int ret;

	(void)arg;
	unshare_pids();
	w = witness_start(NULL, NULL);
	ret = dev_release(dev, w.v.pidfd, MRELEASE_KILL, &found->res);
	if (ret)
		found->intact = witness_intact(&w);
	found->dead = killed(ret ? witness_end(&w) : victim_reap(&w.v));
	return ret;
}

#define POINTS_ABOVE 5
static void test_above(void)
{
	*found = (struct found){ 0 };
	tap_ok(!caller_run(kill_init_by_signal, NULL) && found->dead,
	       "a namespace's init from above, pidfd_send_signal(2): 0, dead");
	*found = (struct found){ 0 };
	tap_ok(!caller_run(kill_init_by_device, NULL),
	       "a namespace's init from above: 0");
	tap_ok(found->dead, "it dies of SIGKILL");
	tap_ok(found->res.victims == 1 && found->res.anon_bytes >= 1 << 20,
	       "its memory comes back");
	tap_ok(found->res.left_bytes == 0 || found->res.left_reasons,
	       "what is left has a reason");
}

/* In a child of the namespace's init: the victim is init, which waits for us. */
static int kill_our_init(void *arg)
{
	int pidfd = sys_pidfd_open(1);

	(void)arg;
	if (getpid() == 1 || pidfd < 0)
		return -255;
	found->oracle = sys_pidfd_send_signal(pidfd, SIGKILL);
	return dev_release(dev, pidfd, MRELEASE_KILL, &found->res);
}

static int flags0_on_our_init(void *arg)
{
	(void)arg;
	return dev_release(dev, sys_pidfd_open(1), 0, NULL);
}

static int inside_init(void)
{
	int ret = caller_run(kill_our_init, NULL);

	found->live_flags0 = caller_run(flags0_on_our_init, NULL);
	/* Still able to fork and to say so: reaped memory would be fatal. */
	found->intact = getpid() == 1;
	return ret;
}

static int kill_init_from_inside(void *arg)
{
	(void)arg;
	unshare_pids();
	return run_init(inside_init);
}

#define POINTS_INSIDE 5
static void test_inside(void)
{
	*found = (struct found){ .oracle = -1, .live_flags0 = -1 };
	tap_ok(caller_run(kill_init_from_inside, NULL) == -EPERM,
	       "our own namespace's init: EPERM");
	tap_ok(!found->oracle,
	       "where pidfd_send_signal(2) says 0 and does nothing");
	tap_ok(!found->res.victims && !found->res.anon_bytes,
	       "nobody signalled");
	tap_ok(found->intact, "the init goes on");
	tap_ok(found->live_flags0 == -EINVAL, "with flags 0: EINVAL, it lives");
}

/* In a namespace beside or below that of @outside. */
static int ask_outside(void)
{
	found->oracle = sys_pidfd_send_signal(outside, SIGKILL);
	return dev_release(dev, outside, MRELEASE_KILL, &found->res);
}

static int ask_outside_flags0(void)
{
	return dev_release(dev, outside, 0, &found->res);
}

static int ask_outside_syscall(void)
{
	return sys_process_mrelease(outside, 0);
}

static int from_inside(void *fn)
{
	unshare_pids();
	return run_init(fn);
}

#define POINTS_OUTSIDE 7
static void test_outside(void)
{
	struct witness w = witness_start(NULL, NULL);
	struct witness peer = witness_start(NULL, NULL);
	bool ok;

	*found = (struct found){ 0 };
	outside = w.v.pidfd;
	tap_ok(caller_run(from_inside, ask_outside) == -EINVAL,
	       "a process outside our namespace: EINVAL");
	tap_ok(found->oracle == -EINVAL, "as pidfd_send_signal(2)");
	ok = !found->res.victims && !found->res.left_reasons &&
	     witness_intact(&w);
	tap_ok(ok, "intact");
	ok = caller_run(from_inside, ask_outside_flags0) == -EINVAL &&
	     witness_intact(&w);
	tap_ok(ok, "alive, with flags 0: EINVAL, intact");

	/* A process that dies is a pidfd like any other, as for the syscall. */
	hold_prepare(&w.v);
	hold_kill(&w.v);
	hold_prepare(&peer.v);
	hold_kill(&peer.v);
	ok = !caller_run(from_inside, ask_outside_flags0) &&
	     found->res.anon_bytes >= 1 << 20;
	tap_ok(ok, "dying, with flags 0: 0, its memory back");
	outside = peer.v.pidfd;
	if (have_process_mrelease())
		tap_ok(!caller_run(from_inside, ask_outside_syscall),
		       "dying: as the syscall");
	else
		tap_skip("no process_mrelease(2)", "dying: as the syscall");
	tap_ok(caller_run(from_inside, ask_outside) == -EINVAL,
	       "dying, with KILL: EINVAL");
	close(w.sock);
	close(peer.sock);
	hold_end(&w.v);
	hold_end(&peer.v);
}

/* A plain member of a namespace, from above: the init only starts it. */
static int kill_member(void)
{
	struct witness w = witness_start(NULL, NULL);
	int ret = dev_release(dev, w.v.pidfd, MRELEASE_KILL, &found->res);

	found->dead = killed(ret ? witness_end(&w) : victim_reap(&w.v));
	return ret;
}

/* An init in a namespace below ours is no init of ours. */
static int kill_init_below(void)
{
	return caller_run(kill_init_by_device, NULL);
}

#define POINTS_NESTED 2
static void test_nested(void)
{
	bool ok;

	*found = (struct found){ 0 };
	ok = !caller_run(from_inside, kill_member) && found->dead &&
	     found->res.victims == 1;
	tap_ok(ok, "a process of our namespace, by its init: 0, dead");
	*found = (struct found){ 0 };
	ok = !caller_run(from_inside, kill_init_below) && found->dead &&
	     found->res.victims == 1;
	tap_ok(ok, "the init of a namespace below ours: 0, dead");
}

int main(void)
{
	tap_plan(POINTS_ABOVE + POINTS_INSIDE + POINTS_OUTSIDE + POINTS_NESTED);
	dev = dev_open();
	found = caller_shared(sizeof(*found));
	test_above();
	test_inside();
	test_outside();
	test_nested();
	return tap_done();
}

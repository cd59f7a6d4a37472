// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * Who may release whom, where it is less plain than in t_permission: victims and
 * callers in a user namespace with several users, victims that a set-user-ID program
 * has made root, threads with other user ids than their leader, no_new_privs, pidfds
 * of threads, callers that Landlock keeps from killing.  In each case the same caller
 * asks the kernel about one victim and the device about another that is like it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "exec.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define ALICE 1000
#define BOB 1001
/* The users of a namespace, seen from outside. */
#define NS_ROOT 100000
#define NS_USERS "0 100000 10"
#define NS_GROUPS "0 100000 65535"
#define SETUID_PROGRAM "/tmp/mrelease-setuid"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_VERSION (1U << 0)
#define LANDLOCK_SCOPED_SIGNAL (1ULL << 1)

static int dev;

/* Shared with callers in children. */
struct stage {
	struct mrelease_result res;
	int kernel; /* what it says of a victim */
	int device; /* the same of the device */
	int stop; /* of a thread */
	int ids[2];
};

static struct stage *stage;

static const struct who alice = { .ruid = ALICE, .euid = ALICE, .suid = ALICE };
static const struct who bob = { .ruid = BOB, .euid = BOB, .suid = BOB };

/*
 * struct pair - two victims that are alike
 * @how: changes the caller, who is a child
 */
struct pair {
	const struct victim *theirs;
	const struct victim *ours;
	void (*how)(void *arg);
	void *arg;
};

static int ask(void *arg)
{
	const struct pair *p = arg;

	if (p->how)
		p->how(p->arg);
	stage->kernel = sys_pidfd_send_signal(p->theirs->pidfd, SIGKILL);
	stage->device =
		dev_release(dev, p->ours->pidfd, MRELEASE_KILL, &stage->res);
	return 0;
}

static bool dead(const struct victim *v)
{
	return proc_wait_state(v->pid, "Z", 10000);
}

/* 3 points. */
#define POINTS_ASK 3
static void check(const char *what, struct pair *p, int want)
{
	memset(stage, 0xff, sizeof(*stage));
	caller_run(ask, p);
	if (!tap_ok(stage->device == want, "%s: %s", what, err_name(want)))
		tap_note("%s", err_name(stage->device));
	if (!tap_ok(stage->kernel == want, "%s: as pidfd_send_signal(2)", what))
		tap_note("%s", err_name(stage->kernel));
	if (want)
		tap_ok(!stage->res.victims && !stage->res.anon_bytes &&
			       !stage->res.left_reasons &&
			       proc_state(p->ours->pid) != 'Z',
		       "%s: nobody signalled, nothing told", what);
	else
		tap_ok(stage->res.victims == 1 &&
			       stage->res.anon_bytes >= 1 << 20 &&
			       dead(p->ours) && dead(p->theirs),
		       "%s: both dead, the memory back", what);
}

static void check_witnesses(const char *what, void (*setup)(void *arg),
			    const struct who *victim, void (*how)(void *arg),
			    const struct who *caller, int want)
{
	struct witness theirs = witness_start(setup, (void *)victim);
	struct witness ours = witness_start(setup, (void *)victim);
	struct pair p = { &theirs.v, &ours.v, how, (void *)caller };

	check(what, &p, want);
	if (want)
		tap_ok(witness_intact(&ours), "%s: intact", what);
	witness_end(&theirs);
	witness_end(&ours);
}

/* One more if it may not. */
#define POINTS_WITNESSES(want) (POINTS_ASK + !!(want))

/* Whatever is executed from here on may give no rights. */
static void confined(void *arg)
{
	who_become(arg);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(255);
}

#define POINTS_NO_NEW_PRIVS \
	(2 * POINTS_WITNESSES(0) + 2 * POINTS_WITNESSES(-EPERM))
static void test_no_new_privs(void)
{
	check_witnesses("no_new_privs, his own", who_become, &alice, confined,
			&alice, 0);
	check_witnesses("no_new_privs, another's", who_become, &bob, confined,
			&alice, -EPERM);
	check_witnesses("a victim with no_new_privs, his own", confined, &alice,
			who_become, &alice, 0);
	check_witnesses("a victim with no_new_privs, another's", confined, &bob,
			who_become, &alice, -EPERM);
}

/*
 * A set-user-ID program: whoever started it may kill it as long as it has his real id,
 * and not when it has taken root's for all.
 */
static void check_setuid(const char *what, bool to_root,
			 const struct who *caller, int want)
{
	struct exec e[2] = {
		{ .program = SETUID_PROGRAM, .who = &alice, .to_root = to_root },
		{ .program = SETUID_PROGRAM, .who = &alice, .to_root = to_root },
	};
	struct victim v[2];
	struct pair p = { &v[0], &v[1], who_become, (void *)caller };
	int i;

	for (i = 0; i < 2; i++) {
		v[i] = exec_start(&e[i]);
		exec_go(&e[i]);
	}
	check(what, &p, want);
	for (i = 0; i < 2; i++)
		victim_end(&v[i]);
}

#define POINTS_SETUID (3 * POINTS_ASK)
static void test_setuid(void)
{
	mkdir("/tmp", 01777);
	if (system("cp /proc/$PPID/exe " SETUID_PROGRAM) ||
	    chmod(SETUID_PROGRAM, 04755))
		tap_bail(SETUID_PROGRAM);
	check_setuid("set-user-ID, by who started it", false, &alice, 0);
	check_setuid("set-user-ID, by another", false, &bob, -EPERM);
	check_setuid("set-user-ID, root now, by who started it", true, &alice,
		     -EPERM);
	unlink(SETUID_PROGRAM);
}

/* The ids of this thread alone: the C library would change those of all. */
static void *become_other(void *arg)
{
	const int *id = arg;

	if (syscall(SYS_setresuid, *id, *id, *id))
		_exit(255);
	stage->stop = 1;
	for (;;)
		pause();
	return NULL;
}

/* The leader is @ids[0], the other thread @ids[1]. */
static void two_faced(void *arg)
{
	int *ids = arg;
	pthread_t thread;

	stage->stop = 0;
	if (pthread_create(&thread, NULL, become_other, &ids[1]))
		_exit(255);
	while (!*(volatile int *)&stage->stop)
		sched_yield();
	if (syscall(SYS_setresuid, ids[0], ids[0], ids[0]))
		_exit(255);
}

static void two_faced_body(void *arg)
{
	two_faced(arg);
	map_touched(1 << 20, false);
	victim_ready();
	/* Its thread has the memory still. */
	syscall(SYS_exit, 0);
}

static void check_leaderless(const char *what, int *ids,
			     const struct who *caller, int want)
{
	struct victim v[2];
	struct pair p = { &v[0], &v[1], who_become, (void *)caller };
	int i;

	for (i = 0; i < 2; i++) {
		v[i] = victim_start(two_faced_body, ids);
		proc_wait_state(v[i].pid, "Z", 10000);
	}
	memset(stage, 0xff, sizeof(*stage));
	caller_run(ask, &p);
	if (!tap_ok(stage->device == want && stage->kernel == want,
		    "%s: %s, as pidfd_send_signal(2)", what, err_name(want)))
		tap_note("%s, the kernel %s", err_name(stage->device),
			 err_name(stage->kernel));
	tap_ok(want ? !stage->res.victims : stage->res.victims == 1, "%s: %s",
	       what, want ? "nobody signalled" : "signalled");
	for (i = 0; i < 2; i++)
		victim_end(&v[i]);
}

/* As kill(2) does it, the leader's ids count, even if it is a zombie. */
#define POINTS_THREADS (POINTS_WITNESSES(0) + POINTS_WITNESSES(-EPERM) + 2 * 2)
static void test_threads(void)
{
	int ids[2] = { ALICE, BOB };

	check_witnesses("leader his own, thread another's", two_faced,
			(void *)ids, who_become, &alice, 0);
	check_witnesses("leader another's, thread his own", two_faced,
			(void *)ids, who_become, &bob, -EPERM);
	check_leaderless("zombie leader his own, thread another's", ids, &alice,
			 0);
	check_leaderless("zombie leader another's, thread his own", ids, &bob,
			 -EPERM);
}

/* In a process of its own, made root of a namespace with several users. */
struct container {
	const struct who *inside; /* of the victims; NULL: those of @outside */
	struct pair outside;
	int go[2];
	int ready[2];
};

static int in_container(void *arg)
{
	struct container *c = arg;
	struct witness theirs, ours;
	struct pair p;
	char byte;
	int ret = 0;

	if (unshare(CLONE_NEWUSER) || write(c->ready[1], "", 1) != 1 ||
	    read(c->go[0], &byte, 1) != 1 || setresgid(0, 0, 0) ||
	    setresuid(0, 0, 0))
		return -254;
	if (!c->inside)
		return ask(&c->outside);
	theirs = witness_start(who_become, (void *)c->inside);
	ours = witness_start(who_become, (void *)c->inside);
	p = (struct pair){ .theirs = &theirs.v, .ours = &ours.v };
	ask(&p);
	if (!stage->device)
		ret = was_killed(victim_reap(&ours.v)) ? 0 : -253;
	else
		witness_end(&ours);
	witness_end(&theirs);
	return ret;
}

static void map_ids(pid_t pid, const char *file, const char *map)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	errno = -write_file(path, map);
	if (errno)
		tap_bail("%s", path);
}

/* 2 points. */
static void check_container(const char *what, struct container *c, int want)
{
	int status;
	char byte;
	pid_t pid;

	if (pipe2(c->go, O_CLOEXEC) || pipe2(c->ready, O_CLOEXEC))
		tap_bail("pipe2");
	memset(stage, 0xff, sizeof(*stage));
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-in_container(c));
	}
	if (read(c->ready[0], &byte, 1) != 1)
		tap_bail("no user namespace");
	map_ids(pid, "uid_map", NS_USERS);
	map_ids(pid, "gid_map", NS_GROUPS);
	if (write(c->go[1], "", 1) != 1)
		tap_bail("write");
	waitpid(pid, &status, 0);
	if (!tap_ok(!status && stage->device == want && stage->kernel == want,
		    "%s: %s, as pidfd_send_signal(2)", what, err_name(want)))
		tap_note("%s, the kernel %s, status %#x",
			 err_name(stage->device), err_name(stage->kernel),
			 status);
	tap_ok(want ? !stage->res.victims : stage->res.victims == 1, "%s: %s",
	       what, want ? "nobody signalled" : "signalled");
	close(c->go[0]);
	close(c->go[1]);
	close(c->ready[0]);
	close(c->ready[1]);
}

/* In a namespace below that of the container: CAP_KILL reaches down. */
static const struct who ns_user = { .ruid = 1, .euid = 1, .suid = 1 };
static const struct who ns_user_below = { .ruid = 2,
					  .euid = 2,
					  .suid = 2,
					  .userns = true };

static void check_outside(const char *what, const struct who *who, int want)
{
	struct witness theirs = witness_start(who_become, (void *)who);
	struct witness ours = witness_start(who_become, (void *)who);
	struct container c = { .outside = { .theirs = &theirs.v,
					    .ours = &ours.v } };

	check_container(what, &c, want);
	witness_end(&theirs);
	witness_end(&ours);
}

#define POINTS_USERNS (4 * 2)
static void test_userns(void)
{
	/* As the same user outside of the namespace: its root, and another. */
	static const struct who same = { .ruid = NS_ROOT,
					 .euid = NS_ROOT,
					 .suid = NS_ROOT };
	static const struct who mapped = { .ruid = NS_ROOT + 1,
					   .euid = NS_ROOT + 1,
					   .suid = NS_ROOT + 1 };
	struct container c = { .inside = &ns_user };

	check_container("a namespace's root, its user", &c, 0);
	c.inside = &ns_user_below;
	check_container("a namespace's root, root of one below", &c, 0);
	check_outside("a namespace's root, his own user outside", &same, 0);
	check_outside("a namespace's root, another user of it outside", &mapped,
		      -EPERM);
}

static int thread_pidfd(pid_t tid)
{
	int fd = syscall(SYS_pidfd_open, tid, PIDFD_THREAD);

	return fd < 0 ? -errno : fd;
}

static void *sleep_thread(void *arg)
{
	stage->ids[0] = syscall(SYS_gettid);
	for (;;)
		pause();
	return arg;
}

static void threaded_body(void *arg)
{
	pthread_t thread;

	stage->ids[0] = 0;
	map_touched(1 << 20, false);
	if (pthread_create(&thread, NULL, sleep_thread, NULL))
		_exit(255);
	while (!*(volatile int *)stage->ids)
		sched_yield();
	(void)arg;
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/*
 * A pidfd of a thread, from 6.9 on.  That of a leader is as good as any other; for
 * another thread the device says what process_mrelease(2) says, before anything is
 * done, where pidfd_send_signal(2) kills the process.
 */
#define POINTS_PIDFD_THREAD 5
static void test_pidfd_thread(void)
{
	struct victim v = victim_start(threaded_body, NULL);
	int leader = thread_pidfd(v.pid), other = thread_pidfd(stage->ids[0]);
	struct mrelease_result res;
	int i, ret;

	if (leader == -EINVAL) {
		for (i = 0; i < POINTS_PIDFD_THREAD; i++)
			tap_skip("no PIDFD_THREAD", "a thread's pidfd");
		victim_end(&v);
		return;
	}
	ret = dev_release(dev, other, MRELEASE_KILL, &res);
	if (!tap_ok(ret == -ESRCH && !res.victims &&
			    proc_wait_state(v.pid, "S", 10000),
		    "a thread's pidfd: ESRCH, nobody signalled"))
		tap_note("%s, victims %u", err_name(ret), res.victims);
	tap_ok(dev_release(dev, leader, MRELEASE_KILL, &res) == 0 &&
		       res.victims == 1 && res.anon_bytes >= 1 << 20,
	       "a leader's pidfd with PIDFD_THREAD: 0, the memory back");
	tap_ok(was_killed(victim_reap(&v)), "a leader's pidfd: it is dead");
	close(leader);
	close(other);

	v = victim_start(threaded_body, NULL);
	other = thread_pidfd(stage->ids[0]);
	hold_prepare(&v);
	tap_ok(!sys_pidfd_send_signal(other, SIGKILL),
	       "a thread's pidfd: pidfd_send_signal(2) kills");
	hold_wait(&v);
	tap_ok(sys_process_mrelease(other, 0) == -ESRCH,
	       "a thread's pidfd: process_mrelease(2) says ESRCH");
	close(other);
	hold_end(&v);
}

struct landlock_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static int landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
}

/* No signal to anybody who is not confined in the same way. */
static void landlocked(void *arg)
{
	struct landlock_attr attr = { .scoped = LANDLOCK_SCOPED_SIGNAL };
	int fd;

	(void)arg;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, fd, 0))
		_exit(255);
	close(fd);
}

#define POINTS_LANDLOCK POINTS_WITNESSES(-EPERM)
static void test_landlock(void)
{
	int i;

	if (landlock_abi() < 6) {
		for (i = 0; i < POINTS_LANDLOCK; i++)
			tap_skip("no Landlock with scopes for signals",
				 "Landlock");
		return;
	}
	check_witnesses("root that Landlock confines", who_become,
			&(struct who){ 0 }, landlocked, NULL, -EPERM);
}

int main(int argc, char **argv)
{
	exec_main(argc, argv);
	tap_plan(POINTS_NO_NEW_PRIVS + POINTS_SETUID + POINTS_THREADS +
		 POINTS_USERNS + POINTS_PIDFD_THREAD + POINTS_LANDLOCK);
	dev = dev_open();
	stage = caller_shared(sizeof(*stage));
	test_no_new_privs();
	test_setuid();
	test_threads();
	test_userns();
	test_pidfd_thread();
	test_landlock();
	return tap_done();
}

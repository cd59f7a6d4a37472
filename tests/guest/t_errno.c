// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * What is refused, with which errno, and that a refusal changes nothing.  Where
 * process_mrelease(2) has the case it is asked in the same boot about the same
 * process (it refuses too, so nothing is lost), and its word counts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define PARAM_ENABLED "/sys/module/mrelease/parameters/enabled"

static int dev;
static bool have_peer;

/*
 * One refusal: its errno, nobody signalled, the reason, and not a byte said to
 * have moved.
 */
static bool refused(int pidfd, uint32_t flags, int want, uint32_t reasons)
{
	struct mrelease_result res;
	int ret = dev_release(dev, pidfd, flags, &res);
	bool ok;

	ok = ret == want && !res.victims && res.left_reasons == reasons &&
	     !res.anon_bytes && !res.file_bytes && !res.shmem_bytes &&
	     !res.swap_bytes && !res.freed_bytes && !res.notes;
	if (!ok)
		tap_note("%#x: %s, victims %u, reasons %#x, anon %llu", flags,
			 err_name(ret), res.victims, res.left_reasons,
			 (unsigned long long)res.anon_bytes);
	return ok;
}

/* Flags 0, one point for us and one for being the same as the system call. */
static void refused_as_peer(const char *what, int pidfd, int want,
			    uint32_t reasons)
{
	int peer;

	tap_ok(refused(pidfd, 0, want, reasons), "%s, flags 0: %s", what,
	       err_name(want));
	if (!have_peer) {
		tap_skip("no process_mrelease(2)", "%s: as the syscall", what);
		return;
	}
	peer = sys_process_mrelease(pidfd, 0);
	if (!tap_ok(peer == want, "%s: as the syscall", what))
		tap_note("the syscall says %s", err_name(peer));
}

static void refused_kill(const char *what, int pidfd, int want,
			 uint32_t reasons)
{
	tap_ok(refused(pidfd, MRELEASE_KILL, want, reasons), "%s, KILL: %s",
	       what, err_name(want));
}

#define POINTS_EACH 3
static void refused_both(const char *what, int pidfd, int want, int want_kill,
			 uint32_t reasons)
{
	refused_as_peer(what, pidfd, want, reasons);
	refused_kill(what, pidfd, want_kill, reasons);
}

#define POINTS_FDS (8 * POINTS_EACH + 1)
static void test_fds(void)
{
	const struct {
		const char *what;
		int fd;
	} cases[] = {
		{ "fd -1", -1 },
		{ "an fd that is not open", 9999 },
		{ "/dev/null", open("/dev/null", O_RDWR) },
		{ "a socket", socket(AF_UNIX, SOCK_STREAM, 0) },
		{ "a directory", open("/", O_RDONLY | O_DIRECTORY) },
		{ "a directory of /proc",
		  open("/proc/self", O_RDONLY | O_DIRECTORY) },
		{ "a memfd", memfd_create("x", 0) },
		{ "the device itself", dev },
	};
	size_t i;
	bool ok;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refused_both(cases[i].what, cases[i].fd, -EBADF, -EBADF, 0);
		if (cases[i].fd > 2 && cases[i].fd != dev)
			close(cases[i].fd);
	}
	/* The flags are looked at first, there and here. */
	ok = refused(-1, 1U << 31, -EINVAL, 0) &&
	     (!have_peer || sys_process_mrelease(-1, 1U << 31) == -EINVAL);
	tap_ok(ok, "fd -1 and an unknown flag: EINVAL, as the syscall");
}

#define POINTS_GONE (2 * POINTS_EACH)
static void test_gone(void)
{
	struct witness w = witness_start(NULL, NULL);
	int pidfd = dup(w.v.pidfd);
	siginfo_t si;

	kill(w.v.pid, SIGKILL);
	if (waitid(P_PID, w.v.pid, &si, WEXITED | WNOWAIT))
		tap_bail("waitid");
	refused_both("a zombie", pidfd, -ESRCH, -ESRCH, 0);
	witness_end(&w);
	refused_both("dead and reaped", pidfd, -ESRCH, -ESRCH, 0);
	close(pidfd);
}

#define POINTS_LIVE 3
static void test_live(void)
{
	struct witness w = witness_start(NULL, NULL);

	refused_as_peer("a live process", w.v.pidfd, -EINVAL, 0);
	tap_ok(witness_intact(&w), "a live process: intact");
	witness_end(&w);
}

static void *linger(void *arg)
{
	victim_ready();
	for (;;)
		pause();
	return arg;
}

/* The leader is gone, the process is not. */
static void leaderless_body(void *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, linger, NULL))
		_exit(94);
	syscall(SYS_exit, 0);
}

#define POINTS_LEADERLESS 5
static void test_leaderless(void)
{
	struct victim v = victim_start(leaderless_body, NULL);
	struct mrelease_result res;
	int status;

	/* It says that it is ready a moment before the leader goes. */
	sleep_ms(100);
	refused_as_peer("a live process without leader", v.pidfd, -EINVAL, 0);
	tap_ok(!dev_release(dev, v.pidfd, MRELEASE_KILL, &res),
	       "a live process without leader, KILL: 0");
	tap_ok(res.victims == 1 && res.anon_bytes, "its memory comes back");
	status = victim_reap(&v);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "it dies of SIGKILL");
}

#define POINTS_FLAGS 5
static void test_flags(uint64_t features)
{
	struct witness w = witness_start(NULL, NULL);
	bool alone = true, with_kill = true;
	uint32_t bit;
	int i;

	for (i = 0; i < 32; i++) {
		bit = 1U << i;
		/* Each flag but KILL demands a process that is being killed. */
		if (bit != MRELEASE_KILL)
			alone &= refused(w.v.pidfd, bit, -EINVAL, 0);
		if (!(features & bit))
			with_kill &= refused(w.v.pidfd, bit | MRELEASE_KILL,
					     -EINVAL, 0);
	}
	tap_ok(alone, "each bit but KILL alone, live process: EINVAL");
	tap_ok(with_kill, "each bit that is no feature, with KILL: EINVAL");
	tap_ok(refused(w.v.pidfd, ~0U, -EINVAL, 0), "all bits at once: EINVAL");
	tap_ok(witness_intact(&w), "intact after unknown flags");
	witness_end(&w);

	/* Dying, so that nothing but the flags can be what is wrong. */
	w = witness_start(NULL, NULL);
	hold_prepare(&w.v);
	hold_kill(&w.v);
	tap_ok(refused(w.v.pidfd, MRELEASE_KILL_SHARERS, -EINVAL, 0),
	       "KILL_SHARERS without KILL, dying process: EINVAL");
	close(w.sock);
	hold_end(&w.v);
}

/* A child of kthreadd: the last that /proc shows. */
static pid_t find_kthread(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *de;
	pid_t found = 0;
	char path[300];

	if (!proc)
		tap_bail("opendir /proc");
	while ((de = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/status", de->d_name);
		if (atoi(de->d_name) > 2 && proc_kib(path, "PPid") == 2)
			found = atoi(de->d_name);
	}
	closedir(proc);
	return found;
}

#define POINTS_UNTOUCHABLE (3 * POINTS_EACH + 1)
static void test_untouchable(void)
{
	int kthreadd = sys_pidfd_open(2);
	int kthread = sys_pidfd_open(find_kthread());
	int init = sys_pidfd_open(1);

	if (kthreadd < 0 || kthread < 0 || init < 0)
		tap_bail("pidfd_open of a kernel thread or init");
	refused_both("kthreadd", kthreadd, -ESRCH, -EPERM, 0);
	refused_both("a kernel thread", kthread, -ESRCH, -EPERM, 0);
	refused_both("init", init, -EINVAL, -EPERM, 0);
	sleep_ms(50);
	tap_ok(!kill(1, 0) && !kill(2, 0), "init and kthreadd are still there");
	close(kthreadd);
	close(kthread);
	close(init);
}

static void *release_ourselves(void *pidfd)
{
	return refused(*(int *)pidfd, MRELEASE_KILL, -EINVAL, 0) ? pidfd : NULL;
}

#define POINTS_ONESELF (POINTS_EACH + 1)
static void test_oneself(void)
{
	int pidfd = sys_pidfd_open(getpid());
	pthread_t thread;
	void *ok = NULL;

	refused_both("oneself", pidfd, -EINVAL, -EINVAL, 0);
	if (pthread_create(&thread, NULL, release_ourselves, &pidfd) ||
	    pthread_join(thread, &ok))
		tap_bail("pthread_create");
	tap_ok(ok, "oneself by another thread, KILL: EINVAL");
	close(pidfd);
}

static pid_t *sharer_pid;

static int sharer_fn(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* A process of its own in the same address space. */
static void share_setup(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));

	(void)arg;
	*sharer_pid = clone(sharer_fn, stack + sizeof(stack),
			    CLONE_VM | SIGCHLD, NULL);
	if (*sharer_pid < 0)
		_exit(93);
}

#define POINTS_SHARED 9
static void test_shared(void)
{
	struct witness w;
	int pidfd;
	bool ok;

	sharer_pid = caller_shared(sizeof(*sharer_pid));
	w = witness_start(share_setup, NULL);
	pidfd = sys_pidfd_open(*sharer_pid);
	refused_kill("a shared mm", w.v.pidfd, -EINVAL, MRELEASE_LEFT_SHARED);
	refused_kill("a shared mm by the other", pidfd, -EINVAL,
		     MRELEASE_LEFT_SHARED);
	refused_as_peer("a shared mm, both alive", w.v.pidfd, -EINVAL,
			MRELEASE_LEFT_SHARED);
	tap_ok(!kill(*sharer_pid, 0) && witness_intact(&w),
	       "a shared mm: both intact");

	/* Now one of the two is on its way out, the other is not. */
	hold_prepare(&w.v);
	hold_kill(&w.v);
	refused_as_peer("a shared mm, one killed", w.v.pidfd, -EINVAL,
			MRELEASE_LEFT_SHARED);
	refused_kill("a shared mm, one killed", w.v.pidfd, -EINVAL,
		     MRELEASE_LEFT_SHARED);
	ok = !sys_pidfd_send_signal(pidfd, 0) &&
	     proc_pid_kib(*sharer_pid, "status", "VmRSS") >= 1024;
	tap_ok(ok, "a shared mm: the other has its memory");
	kill(*sharer_pid, SIGKILL);
	close(pidfd);
	close(w.sock);
	hold_end(&w.v);
}

#define POINTS_DYING 2
static void test_dying(void)
{
	struct witness ours = witness_start(NULL, NULL);
	struct witness theirs = witness_start(NULL, NULL);
	struct mrelease_result res;
	int ret;

	hold_prepare(&ours.v);
	hold_prepare(&theirs.v);
	hold_kill(&ours.v);
	hold_kill(&theirs.v);
	ret = dev_release(dev, ours.v.pidfd, 0, &res);
	tap_ok(!ret && !res.victims && res.anon_bytes >= 1 << 20,
	       "a dying process, flags 0: 0, and its memory comes back");
	if (have_peer)
		tap_ok(sys_process_mrelease(theirs.v.pidfd, 0) == ret,
		       "a dying process: as the syscall");
	else
		tap_skip("no process_mrelease(2)",
			 "a dying process: as the syscall");
	close(ours.sock);
	close(theirs.sock);
	hold_end(&ours.v);
	hold_end(&theirs.v);
}

#define POINTS_ENABLED 5
static void test_enabled(void)
{
	struct witness w = witness_start(NULL, NULL);
	struct mrelease_result res;

	tap_ok(!write_file(PARAM_ENABLED, "0"), "releases can be switched off");
	tap_ok(refused(w.v.pidfd, 0, -EPERM, 0),
	       "switched off, flags 0: EPERM");
	refused_kill("switched off", w.v.pidfd, -EPERM, 0);
	tap_ok(witness_intact(&w), "switched off: intact");
	write_file(PARAM_ENABLED, "1");
	tap_ok(!dev_release(dev, w.v.pidfd, MRELEASE_KILL, &res),
	       "switched on again: 0");
	witness_end(&w);
}

int main(void)
{
	struct mrelease_info info = { .size = sizeof(info) };
	int fd;

	tap_plan(POINTS_FDS + POINTS_GONE + POINTS_LIVE + POINTS_LEADERLESS +
		 POINTS_FLAGS + POINTS_UNTOUCHABLE + POINTS_ONESELF +
		 POINTS_SHARED + POINTS_DYING + POINTS_ENABLED);
	/* Out of the way of what the tests close. */
	fd = dev_open();
	dev = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	close(fd);
	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("INFO");
	have_peer = have_process_mrelease();

	test_fds();
	test_gone();
	test_live();
	test_leaderless();
	test_flags(info.features);
	test_untouchable();
	test_oneself();
	test_shared();
	test_dying();
	test_enabled();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * Callers that have to wait: for them the deadline holds, and a SIGKILL ends the
 * wait at once.
 *
 * The wait is made so: one caller works on a large victim on a CPU that a
 * real-time task then takes away from it.  Another with other flags has to wait
 * until that one has finished its piece.  The victim is held where its exit
 * begins, so that neither call can find it gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (256UL << 20)
#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define ATTEMPTS 10
#define PATIENCE_NS 20000000000ULL
/* Far below what makes the kernel complain of a CPU that is stuck. */
#define HOG_NS 12000000000ULL

/* What the children and the test tell each other. */
struct shared {
	volatile int ready; /* the real-time task is there */
	volatile int hog; /* take the CPU */
	volatile int worker_ret;
	struct mrelease_args worker;
	struct mrelease_args waiter;
};

static struct shared *shared;
static int dev;

static pid_t child(void (*body)(int pidfd), int pidfd)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(pidfd);
		_exit(0);
	}
	return pid;
}

/* Sleeps above everybody else on CPU 1; spins as long as it is told to. */
static void hog_body(int pidfd)
{
	struct sched_param param = { .sched_priority = 50 };
	uint64_t end;

	(void)pidfd;
	pin_to_cpu(1);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
	shared->ready = 1;
	while (!shared->hog)
		usleep(200);
	for (end = now_ns() + HOG_NS; shared->hog && now_ns() < end;)
		;
}

static void worker_body(int pidfd)
{
	pin_to_cpu(1);
	shared->worker.size = sizeof(shared->worker);
	shared->worker.pidfd = pidfd;
	shared->worker.flags = MRELEASE_KILL;
	shared->worker_ret = ioctl(dev, MRELEASE_IOC_RELEASE, &shared->worker);
}

static void waiter_body(int pidfd)
{
	shared->waiter.size = sizeof(shared->waiter);
	shared->waiter.pidfd = pidfd;
	shared->waiter.flags = 0;
	ioctl(dev, MRELEASE_IOC_RELEASE, &shared->waiter);
}

static bool gone(pid_t pid)
{
	siginfo_t si = { 0 };

	return !waitid(P_PID, pid, &si, WEXITED | WNOWAIT | WNOHANG) &&
	       si.si_pid;
}

/*
 * Start a victim, a worker on it, and take the CPU from the worker in the middle
 * of its work.  The worker may have been faster: then there is no scene.
 */
static bool scene(struct victim *victim, pid_t *worker, pid_t *hog)
{
	uint64_t end;
	long rss, was;

	memset(shared, 0, sizeof(*shared));
	*victim = victim_anon(BYTES, VICTIM_SLEEP, 0);
	hold_prepare(victim);
	*hog = child(hog_body, -1);
	for (end = now_ns() + PATIENCE_NS; !shared->ready && now_ns() < end;)
		usleep(1000);
	*worker = child(worker_body, victim->pidfd);

	was = BYTES >> 10;
	do {
		rss = proc_pid_kib(victim->pid, "status", "VmRSS");
	} while (rss >= was && !gone(*worker));
	shared->hog = 1;
	hold_wait(victim);
	usleep(50000);
	rss = proc_pid_kib(victim->pid, "status", "VmRSS");
	usleep(50000);
	was = proc_pid_kib(victim->pid, "status", "VmRSS");
	tap_note("the worker stands still with %ld kB left", rss);
	return rss == was && rss > 8192 && !gone(*worker);
}

static void scene_end(pid_t worker, pid_t hog)
{
	shared->hog = 0;
	waitpid(worker, NULL, 0);
	/* Sent in case that it has never been told to take the CPU. */
	kill(hog, SIGKILL);
	waitpid(hog, NULL, 0);
}

/* Is this child asleep inside the ioctl? */
static bool in_ioctl(pid_t pid)
{
	char path[64], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return atoi(text) == SYS_ioctl;
}

#define POINTS_TIMEOUT 4
static void test_timeout(const struct victim *victim, pid_t worker)
{
	struct mrelease_result res;
	uint64_t start = now_ns(), took;
	int ret;
	bool ok;

	ret = dev_release_timeout(dev, victim->pidfd, 0, 200, &res);
	took = now_ns() - start;
	if (!tap_ok(ret == -ETIMEDOUT,
		    "behind another, with a deadline: ETIMEDOUT"))
		tap_note("%s", err_name(ret));
	ok = took >= 200000000ULL && res.elapsed_ns >= 200000000ULL &&
	     !gone(worker);
	tap_ok(ok, "not before the deadline, and not only behind the other");
	tap_ok((res.left_reasons & MRELEASE_LEFT_TIMEOUT) && !res.victims,
	       "the reason is LEFT_TIMEOUT");
	if (!tap_ok(res.left_bytes > 1 << 20, "the result says what is left"))
		tap_note("left %llu, anon %llu",
			 (unsigned long long)res.left_bytes,
			 (unsigned long long)res.anon_bytes);
}

#define POINTS_KILLED 5
static void test_killed(const struct victim *victim, pid_t worker)
{
	pid_t pid = child(waiter_body, victim->pidfd);
	uint64_t end = now_ns() + PATIENCE_NS;
	int status = 0;

	while (!in_ioctl(pid) && !gone(pid) && now_ns() < end)
		usleep(1000);
	usleep(100000);
	tap_ok(in_ioctl(pid) && !gone(pid), "behind another: it waits");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "killed while it waits: it dies of that");
	tap_ok(!gone(worker), "while the other still stands");
	tap_ok(shared->waiter.result.left_reasons & MRELEASE_LEFT_SIGNAL,
	       "its result says LEFT_SIGNAL");
	if (!tap_ok(shared->waiter.result.left_bytes > 1 << 20,
		    "its result says what is left"))
		tap_note("left %llu",
			 (unsigned long long)shared->waiter.result.left_bytes);
}

#define POINTS_AFTER 7
static void test_after(struct victim *victim)
{
	struct mrelease_result res;
	struct victim other;
	int status;
	bool ok;

	tap_ok(!shared->worker_ret && shared->worker.result.victims == 1,
	       "the one that was kept from working returns 0 in the end");
	tap_ok(shared->worker.result.anon_bytes >= BYTES,
	       "and has all of the memory");
	tap_ok(!dev_release(dev, victim->pidfd, 0, &res), "a later call: 0");
	tap_ok(res.left_bytes < 1 << 20, "and finds nothing left");
	status = hold_end(victim);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "the victim dies of SIGKILL");

	other = victim_anon(1 << 20, VICTIM_SLEEP, -1);
	ok = !dev_release_timeout(dev, other.pidfd, MRELEASE_KILL, 5000,
				  &res) &&
	     res.anon_bytes >= 1 << 20;
	tap_ok(ok, "another victim, with a deadline: 0");
	status = victim_reap(&other);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "and it dies of SIGKILL");
}

int main(void)
{
	struct victim victim;
	pid_t worker, hog;
	int i;

	tap_plan(POINTS_TIMEOUT + POINTS_KILLED + POINTS_AFTER);
	dev = dev_open();
	shared = caller_shared(sizeof(*shared));
	pin_to_cpu(0);
	/* Else the worker gets a twentieth of the CPU all the same. */
	if (write_file(RT_RUNTIME, "-1"))
		tap_bail(RT_RUNTIME);

	for (i = 0; !scene(&victim, &worker, &hog); i++) {
		scene_end(worker, hog);
		hold_end(&victim);
		if (i == ATTEMPTS) {
			errno = EBUSY;
			tap_bail("the worker is always faster");
		}
	}
	test_timeout(&victim, worker);
	test_killed(&victim, worker);
	scene_end(worker, hog);
	/* The kernel's default. */
	write_file(RT_RUNTIME, "950000");
	test_after(&victim);
	return tap_done();
}

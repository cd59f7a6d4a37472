// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victim fds: what they are, and whom they reach.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "exec.h"
#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define MIB (1024UL * 1024)

static int dev;

#define POINTS_BASICS 12
static void test_basics(void)
{
	struct witness w = witness_start(NULL, NULL);
	struct mrelease_info info = { .size = sizeof(info) };
	struct mrelease_arm_args args = { .size = sizeof(args),
					  .pidfd = w.v.pidfd };
	int fd = arm_now(dev, w.v.pidfd, 0);
	struct mrelease_result res;

	tap_ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "ARM: close-on-exec");
	tap_ok(!ioctl(dev, MRELEASE_IOC_INFO, &info) &&
		       (info.features & MRELEASE_FEAT_CMD(4)) &&
		       (info.features & MRELEASE_FEAT_TAKEOVER),
	       "features: ARM, TAKEOVER");
	tap_ok(atoi(arm_info(fd, "pid")) == w.v.pid &&
		       !strcmp(arm_info(fd, "flags"), "0x0") &&
		       arm_state_is(fd, "live"),
	       "live: fdinfo has pid, flags and state");
	tap_ok(!arm_poll(fd, 0), "live: no POLLIN");
	tap_ok(!ioctl(fd, MRELEASE_IOC_INFO, &info), "INFO on the victim fd");
	tap_ok(ioctl(fd, MRELEASE_IOC_ARM, &args) && errno == ENOTTY,
	       "ARM on the victim fd: ENOTTY");
	tap_ok(dev_release(fd, w.v.pidfd, MRELEASE_KILL, NULL) == -EINVAL,
	       "RELEASE on the victim fd with a pidfd: EINVAL");
	tap_ok(arm_release(fd, 0, NULL) == -EINVAL && witness_intact(&w),
	       "RELEASE without KILL of a live process: EINVAL, intact");
	tap_ok(!arm_release(fd, MRELEASE_KILL, &res) && res.victims == 1 &&
		       res.anon_bytes >= MIB && !res.left_bytes,
	       "RELEASE: 0, all of it");
	tap_ok(arm_poll(fd, 10000) && arm_state_is(fd, "back"),
	       "RELEASE: POLLIN, state back");
	tap_ok(was_killed(victim_reap(&w.v)), "RELEASE: killed by SIGKILL");
	close(w.sock);
	tap_ok(arm_release(fd, MRELEASE_KILL, NULL) == -ESRCH,
	       "RELEASE once more: ESRCH");
	close(fd);
}

/* 4 points. */
static void test_exec(const char *what, bool by_thread)
{
	struct exec e = { .by_thread = by_thread };
	struct victim victim = exec_start(&e);
	int fd = arm_now(dev, victim.pidfd, 0);
	int by_poll = arm_now(dev, victim.pidfd, MRELEASE_TEARDOWN);
	struct mrelease_result res;

	exec_go(&e);
	tap_ok(arm_state_is(fd, "live") && !arm_poll(fd, 0), "%s: live", what);
	tap_ok(!arm_release(fd, MRELEASE_KILL, &res) &&
		       res.anon_bytes >= EXEC_BYTES && !res.left_bytes,
	       "%s: what it has now is released", what);
	tap_ok(arm_poll(fd, 10000) && arm_poll(by_poll, 10000), "%s: POLLIN",
	       what);
	tap_ok(was_killed(victim_reap(&victim)), "%s: killed by SIGKILL", what);
	close(fd);
	close(by_poll);
}

#define POINTS_EPOLL 4
static void test_epoll(void)
{
	struct exec e = {};
	struct victim victim = exec_start(&e);
	int fd = arm_now(dev, victim.pidfd, 0);
	struct epoll_event ev = { .events = EPOLLIN }, got = {};
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int status;
	pid_t pid;

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		tap_bail("epoll");
	exec_go(&e);
	tap_ok(!epoll_wait(ep, &got, 1, 0), "epoll: nothing after execve(2)");
	/* The child has all of it as well, and uses it when ours is closed. */
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		sleep_ms(100);
		_exit(arm_release(fd, MRELEASE_KILL, NULL) ? 1 : 0);
	}
	tap_ok(epoll_wait(ep, &got, 1, 10000) == 1 && got.events == EPOLLIN,
	       "epoll: EPOLLIN when it is over");
	tap_ok(waitpid(pid, &status, 0) == pid && !status,
	       "an inherited victim fd releases");
	tap_ok(was_killed(victim_reap(&victim)), "epoll: killed by SIGKILL");
	close(ep);
	close(fd);
}

#define POINTS_REUSE 3
static void test_reuse(void)
{
	struct victim victim = victim_anon(MIB, VICTIM_SLEEP, -1);
	int fd = arm_now(dev, victim.pidfd, 0);
	pid_t pid = victim.pid;
	char text[16];
	int tries;

	victim_end(&victim);
	snprintf(text, sizeof(text), "%d", pid - 1);
	for (tries = 0; tries < 100; tries++) {
		if (write_file("/proc/sys/kernel/ns_last_pid", text))
			break;
		victim = victim_anon(MIB, VICTIM_SLEEP, -1);
		if (victim.pid == pid)
			break;
		victim_end(&victim);
	}
	if (victim.pid != pid) {
		tap_skip("no ns_last_pid", "pid reused");
		tap_skip("no ns_last_pid", "pid reused: ESRCH");
		tap_skip("no ns_last_pid", "pid reused: intact");
		close(fd);
		return;
	}
	tap_ok(arm_poll(fd, 10000) && atoi(arm_info(fd, "pid")) == -1,
	       "pid reused: the victim fd says back, and pid -1");
	tap_ok(arm_release(fd, MRELEASE_KILL, NULL) == -ESRCH,
	       "pid reused: ESRCH");
	tap_ok(!kill(pid, 0) && !arm_poll(victim.pidfd, 100),
	       "pid reused: the other one is intact");
	victim_end(&victim);
	close(fd);
}

#define POINTS_MODULE 3
static void test_module(void)
{
	struct victim victim = victim_anon(MIB, VICTIM_SLEEP, -1);
	int fd = arm_now(dev, victim.pidfd, 0);
	int refs, ret;

	close(dev);
	refs = module_refs();
	ret = syscall(SYS_delete_module, "mrelease", O_NONBLOCK) ? -errno : 0;
	tap_ok(refs > 0 && (ret == -EAGAIN || ret == -EBUSY),
	       "the module cannot go while a victim fd is open");
	tap_ok(!arm_release(fd, MRELEASE_KILL, NULL),
	       "a victim fd works without the device");
	victim_reap(&victim);
	close(fd);
	tap_ok(module_wait(0, 5000), "the module is not in use in the end");
}

int main(int argc, char **argv)
{
	exec_main(argc, argv);
	tap_plan(POINTS_BASICS + 2 * 4 + POINTS_EPOLL + POINTS_REUSE +
		 POINTS_MODULE);
	dev = dev_open();
	test_basics();
	test_exec("execve(2)", false);
	test_exec("execve(2) by another thread", true);
	test_epoll();
	test_reuse();
	test_module();
	return tap_done();
}

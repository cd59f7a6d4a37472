// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victim fds: what is refused, and that holding one gives no power.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "caller.h"
#include "exec.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define ALICE 1000
#define NOBODY 65534
#define PARAM_ENABLED "/sys/module/mrelease/parameters/enabled"
#define SETUID_PROGRAM "/tmp/t_arm_setuid"

static int dev;
static const struct who alice = { .ruid = ALICE, .euid = ALICE, .suid = ALICE };
static const struct who nobody = { .ruid = NOBODY,
				   .euid = NOBODY,
				   .suid = NOBODY };

static int arm_with(const struct mrelease_arm_args *args)
{
	struct mrelease_arm_args copy = *args;

	if (!ioctl(dev, MRELEASE_IOC_ARM, &copy)) {
		close(copy.fd);
		return 0;
	}
	return -errno;
}

static int open_fds(void)
{
	int fd = dup(dev);

	close(fd);
	return fd;
}

struct ask {
	const struct who *caller;
	int fd;
	int pidfd;
	uint32_t flags;
};

static int ask_arm(void *arg)
{
	const struct ask *ask = arg;
	int ret;

	who_become((void *)ask->caller);
	ret = arm(dev, ask->pidfd, ask->flags);
	return ret < 0 ? ret : 0;
}

static int ask_release(void *arg)
{
	const struct ask *ask = arg;

	who_become((void *)ask->caller);
	return arm_release(ask->fd, ask->flags, NULL);
}

static int ask_signal(void *arg)
{
	const struct ask *ask = arg;

	who_become((void *)ask->caller);
	return sys_pidfd_send_signal(ask->pidfd, SIGKILL);
}

#define POINTS_REFUSED 16
static void test_refused(void)
{
	struct witness w = witness_start(NULL, NULL);
	const struct mrelease_arm_args good = { .size = sizeof(good),
						.pidfd = w.v.pidfd };
	struct mrelease_arm_args args, *readonly;
	struct ask ask = { &nobody, -1, w.v.pidfd, MRELEASE_TEARDOWN };
	int lowest = open_fds();
	struct rlimit limit, none;
	int self = sys_pidfd_open(getpid());
	int kthread = sys_pidfd_open(2);
	uint32_t flag;
	bool ok = true;

	tap_ok(!arm_with(&good), "nothing wrong: 0");
	for (flag = 1; flag; flag <<= 1) {
		args = good;
		args.flags = flag;
		ok &= arm_with(&args) ==
		      (flag == MRELEASE_TEARDOWN ? 0 : -EINVAL);
	}
	tap_ok(ok, "flags: TEARDOWN, any other EINVAL");
	for (flag = 1, ok = true; flag; flag <<= 1) {
		args = good;
		args.fd_flags = flag;
		ok &= arm_with(&args) == (flag == O_NONBLOCK ? 0 : -EINVAL);
	}
	tap_ok(ok, "fd_flags: O_NONBLOCK, any other EINVAL");
	args = good;
	args.pad = 1;
	ok = arm_with(&args) == -EINVAL;
	args = good;
	args.reserved[3] = 1;
	tap_ok(ok && arm_with(&args) == -EINVAL, "padding, reserved: EINVAL");
	args = good;
	args.size--;
	tap_ok(arm_with(&args) == -EINVAL, "a smaller size: EINVAL");
	args = good;
	args.pidfd = dev;
	ok = arm_with(&args) == -EBADF;
	args.pidfd = -1;
	tap_ok(ok && arm_with(&args) == -EBADF, "no pidfd: EBADF");
	args.pidfd = kthread;
	tap_ok(arm_with(&args) == -ESRCH, "a kernel thread: ESRCH");
	args.pidfd = self;
	ok = !arm_with(&args);
	args.flags = MRELEASE_TEARDOWN;
	tap_ok(ok && arm_with(&args) == -EINVAL,
	       "oneself: 0, with TEARDOWN EINVAL");
	tap_ok(caller_run(ask_arm, &ask) == -EPERM,
	       "TEARDOWN of another's process: EPERM");
	ask.flags = 0;
	tap_ok(!caller_run(ask_arm, &ask), "the same without TEARDOWN: 0");

	readonly = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*readonly = good;
	mprotect(readonly, 4096, PROT_READ);
	tap_ok(ioctl(dev, MRELEASE_IOC_ARM, readonly) && errno == EFAULT,
	       "nowhere to write the fd to: EFAULT");
	munmap(readonly, 4096);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	tap_ok(arm_with(&good) == -EMFILE, "no descriptor left: EMFILE");
	setrlimit(RLIMIT_NOFILE, &limit);
	close(self);
	close(kthread);
	tap_ok(open_fds() == lowest, "no descriptor is leaked");

	write_file(PARAM_ENABLED, "0");
	tap_ok(arm_with(&good) == -EPERM, "switched off: EPERM");
	write_file(PARAM_ENABLED, "1");
	tap_ok(witness_intact(&w), "nothing has happened to it");
	kill(w.v.pid, SIGKILL);
	arm_poll(w.v.pidfd, 10000);
	ok = arm_with(&good) == -ESRCH;
	waitpid(w.v.pid, NULL, 0);
	tap_ok(ok && arm_with(&good) == -ESRCH,
	       "a zombie, and one that was waited for: ESRCH");
	close(w.v.pidfd);
	close(w.sock);
}

#define POINTS_POWER 6
static void test_power(void)
{
	struct witness w = witness_start(NULL, NULL);
	struct ask ask = { &nobody, -1, w.v.pidfd, MRELEASE_KILL };
	struct exec e = { .program = SETUID_PROGRAM,
			  .to_root = true,
			  .who = &alice };
	struct victim victim;
	char self[256] = "";
	int status;

	ask.fd = arm_now(dev, w.v.pidfd, MRELEASE_TEARDOWN);
	tap_ok(caller_run(ask_release, &ask) == -EPERM && witness_intact(&w),
	       "root's victim fd in the hands of another: EPERM, intact");
	close(ask.fd);
	witness_end(&w);

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		tap_bail("readlink");
	unlink(SETUID_PROGRAM);
	if (symlink(self, SETUID_PROGRAM) || chmod(self, 04755))
		tap_bail("chmod");
	victim = exec_start(&e);
	ask = (struct ask){ &alice, -1, victim.pidfd, MRELEASE_TEARDOWN };
	tap_ok(!caller_run(ask_arm, &ask), "a user arms her own process: 0");
	ask.fd = arm_now(dev, victim.pidfd, 0);
	ask.flags = MRELEASE_KILL;
	exec_go(&e);
	tap_ok(caller_run(ask_signal, &ask) == -EPERM,
	       "a set-user-ID program: kill(2) says EPERM");
	tap_ok(caller_run(ask_release, &ask) == -EPERM &&
		       arm_state_is(ask.fd, "live"),
	       "a set-user-ID program: EPERM by the victim fd");
	tap_ok(!arm_release(ask.fd, MRELEASE_KILL, NULL),
	       "a set-user-ID program: 0 for root");
	status = victim_reap(&victim);
	tap_ok(was_killed(status), "a set-user-ID program: killed by SIGKILL");
	close(ask.fd);
	chmod(self, 0755);
	unlink(SETUID_PROGRAM);
}

int main(int argc, char **argv)
{
	exec_main(argc, argv);
	tap_plan(POINTS_REFUSED + POINTS_POWER);
	dev = dev_open();
	test_refused();
	test_power();
	return tap_done();
}

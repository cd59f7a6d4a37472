// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 made=apparmor/mrelease-test.policy */
/*
 * A security module has its say: AppArmor lets a caller, who is root, look
 * whether a process is there (signal 0) and not kill it.  Whoever asks it about
 * signal 0, or does not ask, kills what must not be killed.
 *
 * The policy is apparmor/mrelease-test.profile, compiled by apparmor/build and
 * put into the guest as /add/mrelease-test.policy, or where the argument says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hold.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define POLICY "/add/mrelease-test.policy"
#define SECURITYFS "/sys/kernel/security"
#define APPARMORFS SECURITYFS "/apparmor"
#define PROBE "mrelease_test_probe"
#define KILL "mrelease_test_kill"

#define POINTS 13

static int dev;

/* The kernel wants a policy, and the name of one to be removed, in one write. */
static int write_once(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, data, bytes);
	close(fd);
	return n == (ssize_t)bytes ? 0 : -1;
}

static void load_policy(const char *file)
{
	static char policy[1 << 20];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t bytes, n;

	if (fd < 0)
		tap_bail("%s", file);
	for (bytes = 0; bytes < (ssize_t)sizeof(policy); bytes += n) {
		n = read(fd, policy + bytes, sizeof(policy) - bytes);
		if (n <= 0)
			break;
	}
	close(fd);
	if (write_once(APPARMORFS "/.replace", policy, bytes))
		tap_bail("loading %s", file);
}

static bool apparmor_enabled(void)
{
	char answer = 'N';
	int fd = open("/sys/module/apparmor/parameters/enabled",
		      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &answer, 1) != 1)
		answer = 'N';
	close(fd);
	return answer == 'Y';
}

struct ask {
	const char *profile;
	const struct victim *victim;
	uint32_t flags;
	struct mrelease_result *res;
};

static void confine(const char *profile)
{
	char text[128] = "changeprofile ";

	strcat(text, profile);
	if (write_once("/proc/self/attr/current", text, strlen(text)))
		_exit(255);
}

static int ask_probe(void *arg)
{
	const struct ask *ask = arg;

	confine(ask->profile);
	return kill(ask->victim->pid, 0) ? -errno : 0;
}

static int ask_kill(void *arg)
{
	const struct ask *ask = arg;

	confine(ask->profile);
	return kill(ask->victim->pid, SIGKILL) ? -errno : 0;
}

static int ask_pidfd(void *arg)
{
	const struct ask *ask = arg;

	confine(ask->profile);
	return sys_pidfd_send_signal(ask->victim->pidfd, SIGKILL);
}

static int ask_device(void *arg)
{
	const struct ask *ask = arg;

	confine(ask->profile);
	return dev_release(dev, ask->victim->pidfd, ask->flags, ask->res);
}

static int ask_syscall(void *arg)
{
	const struct ask *ask = arg;

	confine(ask->profile);
	return sys_process_mrelease(ask->victim->pidfd, 0);
}

/* One point; @want is what the caller must be told. */
static void asked(int (*fn)(void *arg), struct ask *ask, int want,
		  const char *what)
{
	int ret = caller_run(fn, ask);

	if (!tap_ok(ret == want, "%s: %s", what, err_name(want)))
		tap_note("%s", err_name(ret));
}

static bool dead(struct witness *w)
{
	int status = victim_reap(&w->v);

	close(w->sock);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void test_forbidden(struct mrelease_result *res)
{
	struct witness w = witness_start(NULL, NULL);
	struct ask ask = {
		.profile = PROBE,
		.victim = &w.v,
		.flags = MRELEASE_KILL,
		.res = res,
	};

	asked(ask_probe, &ask, 0, "may not kill: kill(2) with signal 0");
	/* AppArmor's own errno, which kill(2) hands on: so do we. */
	asked(ask_kill, &ask, -EACCES, "may not kill: kill(2) with SIGKILL");
	asked(ask_pidfd, &ask, -EACCES, "may not kill: pidfd_send_signal(2)");
	asked(ask_device, &ask, -EACCES, "may not kill: ours");
	tap_ok(!res->victims && !res->left_reasons && !res->anon_bytes,
	       "nobody signalled, nothing told");
	tap_ok(witness_intact(&w), "intact");

	/* Somebody else has killed it: to take its memory is no kill. */
	hold_prepare(&w.v);
	hold_kill(&w.v);
	asked(ask_device, &ask, -EACCES, "may not kill, dying process: ours");
	ask.flags = 0;
	asked(ask_device, &ask, 0,
	      "may not kill, dying process, flags 0: ours");
	if (have_process_mrelease())
		asked(ask_syscall, &ask, 0,
		      "may not kill, dying process: the syscall");
	else
		tap_skip("no process_mrelease(2)",
			 "may not kill, dying process: the syscall");
	close(w.sock);
	hold_end(&w.v);
}

static void test_allowed(struct mrelease_result *res)
{
	struct witness w = witness_start(NULL, NULL);
	struct ask ask = {
		.profile = KILL,
		.victim = &w.v,
		.flags = MRELEASE_KILL,
		.res = res,
	};

	asked(ask_kill, &ask, 0, "may kill: kill(2)");
	tap_ok(dead(&w), "may kill: kill(2) kills");
	w = witness_start(NULL, NULL);
	asked(ask_device, &ask, 0, "may kill: ours");
	tap_ok(dead(&w) && res->victims == 1 && res->anon_bytes >= 1 << 20,
	       "may kill: ours kills, memory back");
}

int main(int argc, char **argv)
{
	const char *policy = argc > 1 ? argv[1] : POLICY;
	struct mrelease_result *res;
	const char *why = NULL;
	int i;

	tap_plan(POINTS);
	dev = dev_open();
	res = caller_shared(sizeof(*res));
	if (access(SECURITYFS "/apparmor", F_OK))
		mount("securityfs", SECURITYFS, "securityfs", 0, NULL);
	if (!apparmor_enabled())
		why = "AppArmor is not enabled";
	else if (access(policy, R_OK))
		why = "no compiled policy: apparmor_parser was missing";
	if (why) {
		for (i = 0; i < POINTS; i++)
			tap_skip(why, "AppArmor");
		return tap_done();
	}

	load_policy(policy);
	test_forbidden(res);
	test_allowed(res);
	write_once(APPARMORFS "/.remove", PROBE, strlen(PROBE));
	write_once(APPARMORFS "/.remove", KILL, strlen(KILL));
	return tap_done();
}

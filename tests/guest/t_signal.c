// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * The signal itself: what the tracepoint signal:signal_generate shows of it, and
 * what the parent is told.  A refused call must not show there at all.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

static int dev;

/* A trace buffer of our own. */
static char instance[128];

static void trace_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, "%s/%s", instance, file);
}

static void trace_write(const char *file, const char *text)
{
	char path[256];

	trace_path(path, sizeof(path), file);
	if (write_file(path, text))
		tap_bail("%s", path);
}

static void trace_open(void)
{
	static const char *const roots[] = {
		"/sys/kernel/tracing",
		"/sys/kernel/debug/tracing",
	};
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(instance, sizeof(instance), "%s/instances/mrelease-%d",
			 roots[i], getpid());
		if (!mkdir(instance, 0700))
			break;
	}
	if (i == 2)
		tap_bail("no tracefs");
	trace_write("events/signal/signal_generate/filter", "sig==9");
	trace_write("events/signal/signal_generate/enable", "1");
}

/* What was seen of one process since the buffer was last emptied. */
struct seen {
	int events;
	int code; /* of the last */
	int group;
	int other; /* SIGKILLs for somebody else */
};

static int truncate_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return close(fd);
}

/* A line: "... signal_generate: sig=9 errno=0 code=1 comm=x pid=7 grp=1 res=0" */
static struct seen trace_seen(pid_t pid)
{
	struct seen seen = { .code = -1, .group = -1 };
	const char *event, *comm, *tail;
	char path[256], line[512];
	FILE *f;

	trace_path(path, sizeof(path), "trace");
	f = fopen(path, "re");
	if (!f)
		tap_bail("%s", path);
	while (fgets(line, sizeof(line), f)) {
		event = strstr(line, "signal_generate: ");
		comm = event ? strstr(event, "code=") : NULL;
		tail = comm ? strstr(comm, " pid=") : NULL;
		if (line[0] == '#' || !tail)
			continue;
		if (atoi(tail + 5) != pid) {
			seen.other++;
			continue;
		}
		seen.events++;
		seen.code = atoi(comm + 5);
		tail = strstr(tail, "grp=");
		seen.group = tail ? atoi(tail + 4) : -1;
	}
	fclose(f);
	/* Opening it to be truncated empties the buffer. */
	if (truncate_open(path))
		tap_bail("%s", path);
	return seen;
}

static bool seen_once(pid_t pid, int code)
{
	struct seen seen = trace_seen(pid);
	bool ok = seen.events == 1 && seen.code == code && seen.group == 1 &&
		  !seen.other;

	if (!ok)
		tap_note("%d events, code %d, group %d, others %d", seen.events,
			 seen.code, seen.group, seen.other);
	return ok;
}

static bool seen_nothing(pid_t pid)
{
	struct seen seen = trace_seen(pid);

	return !seen.events && !seen.other;
}

/* waitid(2) says killed by SIGKILL; then the status must say it too. */
static bool told_killed(struct witness *w)
{
	siginfo_t si = { 0 };
	int status;

	if (waitid(P_PID, w->v.pid, &si, WEXITED | WNOWAIT))
		tap_bail("waitid");
	close(w->sock);
	status = victim_reap(&w->v);
	return si.si_signo == SIGCHLD && si.si_code == CLD_KILLED &&
	       si.si_status == SIGKILL && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL && !WCOREDUMP(status);
}

#define POINTS_KILL 6
static void test_kill(void)
{
	struct witness w = witness_start(NULL, NULL);
	struct mrelease_result res;
	pid_t pid = w.v.pid;

	trace_seen(0);
	kill(pid, SIGKILL);
	tap_ok(seen_once(pid, SI_USER), "kill(2): one event, code 0");
	tap_ok(told_killed(&w),
	       "kill(2): the parent is told CLD_KILLED, SIGKILL");

	w = witness_start(NULL, NULL);
	pid = w.v.pid;
	trace_seen(0);
	tap_ok(!dev_release(dev, w.v.pidfd, MRELEASE_KILL, &res), "ours: 0");
	tap_ok(seen_once(pid, MRELEASE_SI_CODE), "ours: one event, code 1");
	tap_ok(res.victims == 1, "ours: one process signalled");
	tap_ok(told_killed(&w), "ours: the parent is told CLD_KILLED, SIGKILL");
}

static void *thread_fn(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void threads_setup(void *arg)
{
	pthread_t thread;
	int i;

	(void)arg;
	for (i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, thread_fn, NULL))
			_exit(94);
}

static void shield_setup(void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t all;
	int sig;

	(void)arg;
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &ignore, NULL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

#define POINTS_SHAPES 9
static void test_shapes(void)
{
	static const struct {
		const char *what;
		void (*setup)(void *arg);
		int sig;
	} shapes[] = {
		{ "four threads", threads_setup, 0 },
		{ "all signals blocked and ignored", shield_setup, 0 },
		{ "stopped", NULL, SIGSTOP },
	};
	struct mrelease_result res;
	struct witness w;
	siginfo_t si;
	pid_t pid;
	size_t i;
	bool ok;

	for (i = 0; i < 3; i++) {
		w = witness_start(shapes[i].setup, NULL);
		pid = w.v.pid;
		if (shapes[i].sig) {
			kill(pid, shapes[i].sig);
			waitid(P_PID, pid, &si, WSTOPPED);
		}
		trace_seen(0);
		ok = !dev_release(dev, w.v.pidfd, MRELEASE_KILL, &res) &&
		     res.victims == 1 && res.anon_bytes >= 1 << 20;
		tap_ok(ok, "%s: 0, its memory back", shapes[i].what);
		tap_ok(seen_once(pid, MRELEASE_SI_CODE),
		       "%s: one event, code 1", shapes[i].what);
		tap_ok(told_killed(&w),
		       "%s: the parent is told CLD_KILLED, SIGKILL",
		       shapes[i].what);
	}
}

static int idle_fn(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static pid_t *sharer;

static void share_setup(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));

	(void)arg;
	*sharer =
		clone(idle_fn, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	if (*sharer < 0)
		_exit(93);
}

static int release_as_nobody(void *pidfd)
{
	caller_become(65534, 65534, 65534);
	return dev_release(dev, *(int *)pidfd, MRELEASE_KILL, NULL);
}

#define POINTS_REFUSED 7
static void test_refused(void)
{
	struct witness w = witness_start(NULL, NULL);
	int self = sys_pidfd_open(getpid());
	int init = sys_pidfd_open(1);
	bool ok;

	trace_seen(0);
	ok = dev_release(dev, w.v.pidfd, 0, NULL) == -EINVAL &&
	     seen_nothing(w.v.pid);
	tap_ok(ok, "a live process, flags 0: no signal");
	ok = dev_release(dev, w.v.pidfd, MRELEASE_KILL | 1U << 31, NULL) ==
		     -EINVAL &&
	     seen_nothing(w.v.pid);
	tap_ok(ok, "an unknown flag: no signal");
	ok = caller_run(release_as_nobody, &w.v.pidfd) == -EPERM &&
	     seen_nothing(w.v.pid);
	tap_ok(ok, "no permission: no signal");
	ok = dev_release(dev, self, MRELEASE_KILL, NULL) == -EINVAL &&
	     seen_nothing(getpid());
	tap_ok(ok, "oneself: no signal");
	ok = dev_release(dev, init, MRELEASE_KILL, NULL) == -EPERM &&
	     seen_nothing(1);
	tap_ok(ok, "init: no signal");
	tap_ok(witness_intact(&w), "intact");
	witness_end(&w);

	sharer = caller_shared(sizeof(*sharer));
	w = witness_start(share_setup, NULL);
	trace_seen(0);
	ok = dev_release(dev, w.v.pidfd, MRELEASE_KILL, NULL) == -EINVAL &&
	     seen_nothing(*sharer);
	tap_ok(ok, "a shared mm: no signal for either");
	kill(*sharer, SIGKILL);
	witness_end(&w);
	close(self);
	close(init);
}

/* In a child, since the namespace is for good. */
static int kill_container(void *arg)
{
	int *killed = arg;
	struct witness w;
	pid_t pid;
	int ret;

	if (unshare(CLONE_NEWPID))
		return -255;
	w = witness_start(NULL, NULL);
	pid = w.v.pid;
	trace_seen(0);
	ret = dev_release(dev, w.v.pidfd, MRELEASE_KILL, NULL);
	if (ret) {
		witness_end(&w);
		return ret;
	}
	killed[0] = seen_once(pid, SI_USER);
	killed[1] = told_killed(&w);
	return 0;
}

#define POINTS_CONTAINER 3
static void test_container(void)
{
	int *killed = caller_shared(2 * sizeof(*killed));

	tap_ok(!caller_run(kill_container, killed),
	       "the init of a pid namespace from above: 0");
	tap_ok(killed[0], "one event, code 0: the kernel drops another");
	tap_ok(killed[1], "the parent is told CLD_KILLED, SIGKILL");
}

int main(void)
{
	tap_plan(POINTS_KILL + POINTS_SHAPES + POINTS_REFUSED +
		 POINTS_CONTAINER);
	dev = dev_open();
	trace_open();
	test_kill();
	test_shapes();
	test_refused();
	test_container();
	trace_write("events/signal/signal_generate/enable", "0");
	rmdir(instance);
	return tap_done();
}

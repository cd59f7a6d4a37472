// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run one test program: its stdout is TAP, its stderr ours; not longer than its time limit;
 * and nothing
 * of it stays behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static pid_t start(const char *path, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* A group of its own: a test that signals its group must not hit us. */
		setpgid(0, 0);
		dup2(out, 1);
		execl(path, path, NULL);
		dprintf(2, "%s: %s\n", path, strerror(errno));
		_exit(127);
	}
	return pid;
}

/* All that the pipe holds now; a program may have left it to a child that writes for ever. */
static bool drain(int fd, struct tap *tap)
{
	char buf[4096];
	ssize_t n = 1;

	for (int moved = 0; moved < 1 << 16 && n > 0; moved += n) {
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			tap_feed(tap, buf, n);
	}
	return n != 0;
}

/* Where it stands, into the diagnostics: the kernel side of a hang is what one wants to know. */
static void show_stacks(pid_t pid)
{
	char command[160];
	FILE *f;

	snprintf(
		command, sizeof(command),
		"for t in /proc/%d/task/*; do echo \"thread ${t##*/} $(cat $t/comm)\"; cat $t/stack; done 2>&1",
		pid);
	f = popen(command, "re");
	if (!f)
		return;
	for (int i = 0; i < 60 && fgets(command, sizeof(command), f); i++)
		diag("%.*s", (int)strcspn(command, "\n"), command);
	pclose(f);
}

/* Our children: as a subreaper we are parent to all that the test left. */
static int kill_children(void)
{
	char path[64], text[4096], *p = text, *end;
	int fd, n = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (;;) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			return n;
		p = end;
		kill(pid, SIGKILL);
		n++;
	}
}

/* Reap those who ended, for so long; true when no child is left. */
static bool reap_all(long ms)
{
	long until = now_ms() + ms;
	pid_t p;

	for (;;) {
		while ((p = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (p < 0)
			return true;
		if (now_ms() >= until)
			return false;
		usleep(10000);
	}
}

/*
 * Processes that the test killed and did not wait for do no harm: they may take a moment.
 * The living
 * are killed, again and again, since their children become ours only when they are dead.
 */
static void sweep(struct outcome *o)
{
	if (reap_all(2000))
		return;
	o->strays = kill_children();
	for (int i = 0; i < 50 && !reap_all(100); i++)
		o->immortal = kill_children();
	if (reap_all(0))
		o->immortal = 0;
}

void run_program(const char *path, int timeout_s, struct tap *tap,
		 struct outcome *o)
{
	long until = now_ms() + timeout_s * 1000L;
	struct pollfd p[2];
	int out[2];
	pid_t pid;

	memset(o, 0, sizeof(*o));
	if (pipe2(out, O_CLOEXEC)) {
		diag("pipe: %s", strerror(errno));
		o->status = 1 << 8;
		return;
	}
	pid = start(path, out[1]);
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	p[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = syscall(SYS_pidfd_open, pid, 0),
				.events = POLLIN };

	for (;;) {
		long left = until - now_ms();

		poll(p, 2, left > 0 ? (left < 1000 ? left : 1000) : 0);
		if (p[0].fd >= 0 && !drain(out[0], tap))
			p[0].fd = -1;
		if (waitpid(pid, &o->status, WNOHANG) == pid)
			break;
		if (left <= 0 && !o->timed_out) {
			o->timed_out = true;
			show_stacks(pid);
			kill(pid, SIGKILL);
			until = now_ms() + 5000;
		} else if (left <= 0) {
			/* Not even SIGKILL: sweep() counts it. */
			break;
		}
	}
	drain(out[0], tap);
	close(out[0]);
	if (p[1].fd >= 0)
		close(p[1].fd);
	sweep(o);
}

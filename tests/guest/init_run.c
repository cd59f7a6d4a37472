// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a program with its streams on serial ports. It writes into pipes, not to the ports
 * themselves:
 * so it sees no terminal, is not held up by a slow port, and nothing is lost when it dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/*
 * What a pipe holds: no more is moved at a time, or one that writes for ever would be
 * all we see.
 */
#define PIPE_MAX (1 << 16)

/* Move what is in the pipe to the port; false at the end of file. */
static int relay(int from, enum port port)
{
	char buf[4096];
	ssize_t n = 1;

	for (int moved = 0; moved < PIPE_MAX && n > 0; moved += n) {
		n = read(from, buf, sizeof(buf));
		if (n > 0)
			port_write(port, buf, n);
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void child(char **argv, int out, int err)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	/* What a shell says: found but not to be run, or not found. */
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reap whoever ended, orphans too; true when the one we wait for is among them. */
static int reap(pid_t pid, int *status)
{
	int s, found = 0;
	pid_t p;

	while ((p = waitpid(-1, &s, WNOHANG)) > 0) {
		if (p == pid) {
			*status = s;
			found = 1;
		}
	}
	return found;
}

int spawn_wait(char **argv, enum port out, enum port err)
{
	struct signalfd_siginfo info;
	int o[2], e[2], status = 0, sfd;
	struct pollfd p[3];
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sfd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sfd < 0 || pipe2(o, O_CLOEXEC) || pipe2(e, O_CLOEXEC))
		setup_failed("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		setup_failed("fork: %s", strerror(errno));
	if (pid == 0)
		child(argv, o[1], e[1]);
	close(o[1]);
	close(e[1]);
	fcntl(o[0], F_SETFL, O_NONBLOCK);
	fcntl(e[0], F_SETFL, O_NONBLOCK);

	p[0] = (struct pollfd){ .fd = o[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = e[0], .events = POLLIN };
	p[2] = (struct pollfd){ .fd = sfd, .events = POLLIN };
	do {
		poll(p, 3, 1000);
		/* A stream at its end polls ready for ever; a negative fd is passed over. */
		if (p[0].fd >= 0 && !relay(o[0], out))
			p[0].fd = -1;
		if (p[1].fd >= 0 && !relay(e[0], err))
			p[1].fd = -1;
		while (read(sfd, &info, sizeof(info)) > 0)
			;
	} while (!reap(pid, &status));

	/* What it wrote last. Others may still hold the pipe: no waiting for its end. */
	relay(o[0], out);
	relay(e[0], err);
	close(o[0]);
	close(e[0]);
	close(sfd);
	return status;
}

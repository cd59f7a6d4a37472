// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that call execve(2), see exec.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "proc.h"
#include "tap.h"

#define EXECUTED "executed"

static void *exec_now(void *arg)
{
	struct exec *e = arg;
	const char *program = e->program ? e->program : "/proc/self/exe";
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", e->ready[1]);
	fcntl(e->ready[1], F_SETFD, 0);
	execl(program, program, EXECUTED, fd, e->to_root ? "root" : "",
	      (char *)NULL);
	_exit(96);
}

static void exec_body(void *arg)
{
	struct exec *e = arg;
	pthread_t thread;
	char byte;

	map_touched(EXEC_BYTES_BEFORE, false);
	if (e->who)
		who_become((void *)e->who);
	victim_ready();
	if (read(e->go[0], &byte, 1) != 1)
		_exit(97);
	if (!e->by_thread)
		exec_now(e);
	if (pthread_create(&thread, NULL, exec_now, e))
		_exit(98);
	for (;;)
		pause();
}

struct victim exec_start(struct exec *e)
{
	if (pipe2(e->go, O_CLOEXEC) || pipe2(e->ready, O_CLOEXEC))
		tap_bail("pipe2");
	return victim_start(exec_body, e);
}

void exec_go(struct exec *e)
{
	char byte;

	if (write(e->go[1], "", 1) != 1 || read(e->ready[0], &byte, 1) != 1)
		tap_bail("execve");
	close(e->go[0]);
	close(e->go[1]);
	close(e->ready[0]);
	close(e->ready[1]);
}

void exec_main(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[1], EXECUTED))
		return;
	if (*argv[3] && setresuid(0, 0, 0))
		_exit(94);
	map_touched(EXEC_BYTES, false);
	if (write(atoi(argv[2]), "", 1) != 1)
		_exit(95);
	for (;;)
		pause();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes to be killed, see victim.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "victim.h"

static int ready_fd = -1;

void victim_ready(void)
{
	if (write(ready_fd, "", 1) != 1)
		_exit(98);
	close(ready_fd);
}

struct victim victim_start(void (*body)(void *arg), void *arg)
{
	struct victim victim;
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC))
		tap_bail("pipe2");
	victim.pid = fork();
	if (victim.pid < 0)
		tap_bail("fork");
	if (!victim.pid) {
		/* A test that ends early leaves nothing running. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		ready_fd = ready[1];
		body(arg);
		_exit(99);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		errno = ECHILD;
		tap_bail("victim died before it was ready");
	}
	close(ready[0]);
	victim.pidfd = sys_pidfd_open(victim.pid);
	if (victim.pidfd < 0) {
		errno = -victim.pidfd;
		tap_bail("pidfd_open");
	}
	return victim;
}

void victim_live(enum victim_way way, char *mem, size_t bytes)
{
	volatile unsigned long spins = 0;

	for (;;) {
		switch (way) {
		case VICTIM_SLEEP:
			pause();
			break;
		case VICTIM_SPIN:
			spins++;
			break;
		case VICTIM_FAULT:
			if (madvise(mem, bytes, MADV_DONTNEED))
				_exit(97);
			memset(mem, 2, bytes);
			break;
		}
	}
}

struct anon_args {
	size_t bytes;
	enum victim_way way;
	int cpu;
};

static void anon_body(void *arg)
{
	const struct anon_args *a = arg;
	char *mem;

	if (a->cpu >= 0)
		pin_to_cpu(a->cpu);
	mem = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		_exit(96);
	madvise(mem, a->bytes, MADV_NOHUGEPAGE);
	memset(mem, 1, a->bytes);
	victim_ready();
	victim_live(a->way, mem, a->bytes);
}

struct victim victim_anon(size_t bytes, enum victim_way way, int cpu)
{
	struct anon_args args = { bytes, way, cpu };

	return victim_start(anon_body, &args);
}

int victim_reap(struct victim *victim)
{
	int status = -1;

	while (waitpid(victim->pid, &status, 0) < 0)
		if (errno != EINTR)
			tap_bail("waitpid");
	close(victim->pidfd);
	victim->pid = -1;
	victim->pidfd = -1;
	return status;
}

int victim_end(struct victim *victim)
{
	sys_pidfd_send_signal(victim->pidfd, SIGKILL);
	return victim_reap(victim);
}

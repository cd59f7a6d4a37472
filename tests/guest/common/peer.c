// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that have their pages together with somebody who lives on, see peer.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"

struct peer_args {
	enum peer_way way;
	size_t bytes;
	int tell;
};

/* The one that was started runs this, and forks the other. */
static void peer_body(void *arg)
{
	const struct peer_args *a = arg;
	char *mem = map_touched(a->bytes, false);
	pid_t pid = fork();
	size_t off;

	if (pid < 0)
		_exit(95);
	if (pid) {
		for (;;)
			pause();
	}
	/* Whichever is the victim: it is the child that gets pages of its own. */
	prctl(PR_SET_PDEATHSIG, 0);
	pid = getpid();
	if (a->way == PEER_CHILD_HALF || a->way == PEER_PARENT_HALF)
		for (off = 0; off < a->bytes / 2; off += 4096)
			mem[off] = 2;
	if (write(a->tell, &pid, sizeof(pid)) != sizeof(pid))
		_exit(95);
	victim_ready();
	for (;;)
		pause();
}

void peer_start(enum peer_way way, size_t bytes, struct victim *victim,
		struct victim *peer)
{
	struct peer_args args = { .way = way, .bytes = bytes };
	struct victim parent, child;
	int tell[2];

	if (pipe2(tell, O_CLOEXEC))
		tap_bail("pipe2");
	args.tell = tell[1];
	parent = victim_start(peer_body, &args);
	if (read(tell[0], &child.pid, sizeof(child.pid)) != sizeof(child.pid))
		tap_bail("pipe");
	close(tell[0]);
	close(tell[1]);
	child.pidfd = sys_pidfd_open(child.pid);
	if (child.pidfd < 0)
		tap_bail("pidfd_open");
	proc_wait_state(parent.pid, "S", 2000);
	*victim = way == PEER_CHILD || way == PEER_CHILD_HALF ? parent : child;
	*peer = way == PEER_CHILD || way == PEER_CHILD_HALF ? child : parent;
}

void peer_end(struct victim *victim, struct victim *peer)
{
	sys_pidfd_send_signal(peer->pidfd, SIGKILL);
	/* The child of a dead parent is ours; until then waitpid(2) does not know it. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(victim->pidfd);
	close(peer->pidfd);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that can be asked whether anything has happened to them, see
 * witness.h.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"
#include "witness.h"

#define WITNESS_BYTES (1U << 20)
#define WITNESS_PAGE 4096
#define WITNESS_PATIENCE_MS 10000

struct witness_args {
	void (*setup)(void *arg);
	void *arg;
	int sock;
	int parent_sock;
};

/* The value that belongs at @i: no two pages are alike. */
static unsigned char witness_byte(size_t i)
{
	return 1 + (i / WITNESS_PAGE + i) % 251;
}

static bool witness_memory_ok(const unsigned char *mem, char *spare)
{
	size_t i;

	for (i = 0; i < WITNESS_BYTES; i++)
		if (mem[i] != witness_byte(i))
			return false;
	/* A new page: SIGBUS where the address space is marked unstable. */
	if (madvise(spare, WITNESS_PAGE, MADV_DONTNEED))
		return false;
	memset(spare, 1, WITNESS_PAGE);
	return true;
}

static void witness_body(void *arg)
{
	struct witness_args *a = arg;
	unsigned char *mem;
	char *spare;
	size_t i;
	char byte;

	close(a->parent_sock);
	mem = mmap(NULL, WITNESS_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	spare = mmap(NULL, WITNESS_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || spare == MAP_FAILED)
		_exit(96);
	for (i = 0; i < WITNESS_BYTES; i++)
		mem[i] = witness_byte(i);
	if (a->setup)
		a->setup(a->arg);
	/* A change of credentials has cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	victim_ready();

	while (read(a->sock, &byte, 1) == 1) {
		byte = witness_memory_ok(mem, spare) ? 'y' : 'n';
		if (write(a->sock, &byte, 1) != 1)
			break;
	}
	_exit(95);
}

struct witness witness_start(void (*setup)(void *arg), void *arg)
{
	struct witness_args args = { .setup = setup, .arg = arg };
	struct witness w;
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		tap_bail("socketpair");
	args.parent_sock = sock[0];
	args.sock = sock[1];
	w.v = victim_start(witness_body, &args);
	w.sock = sock[0];
	close(sock[1]);
	return w;
}

bool witness_intact(struct witness *w)
{
	struct pollfd pfd = { .fd = w->sock, .events = POLLIN };
	char byte = '?';

	if (send(w->sock, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	if (poll(&pfd, 1, WITNESS_PATIENCE_MS) != 1)
		return false;
	return read(w->sock, &byte, 1) == 1 && byte == 'y';
}

int witness_end(struct witness *w)
{
	close(w->sock);
	w->sock = -1;
	return victim_end(&w->v);
}

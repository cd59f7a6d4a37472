// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network block device without anybody at the other end, see hung.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/nbd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hung.h"
#include "sys.h"
#include "tap.h"

#define BLOCK 4096UL
#define BLOCKS 1024UL
#define NBD_STARTED "/sys/block/nbd0/pid"
#define NBD_SIZE "/sys/block/nbd0/size"

static pid_t client;
static int other_end = -1;

const char *no_nbd(void)
{
	/* Partitions would be looked for, and nobody answers. */
	if (access(NBD_DEVICE, F_OK))
		(void)!system("modprobe nbd nbds_max=1 max_part=0 2>/dev/null");
	return access(NBD_DEVICE, F_OK) ? "no nbd" : NULL;
}

/* Until then it has no blocks, and whoever reads finds its end. */
static bool has_started(void)
{
	char sectors[32] = "0";
	FILE *f;

	if (access(NBD_STARTED, F_OK))
		return false;
	f = fopen(NBD_SIZE, "re");
	if (f) {
		if (!fgets(sectors, sizeof(sectors), f))
			sectors[0] = '0';
		fclose(f);
	}
	return atol(sectors) > 0;
}

void nbd_start(void)
{
	int fd = open(NBD_DEVICE, O_RDWR | O_CLOEXEC), sock[2];
	uint64_t end = now_ns() + 10000000000ULL;

	if (fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) ||
	    ioctl(fd, NBD_SET_BLKSIZE, BLOCK) ||
	    ioctl(fd, NBD_SET_SIZE_BLOCKS, BLOCKS) ||
	    ioctl(fd, NBD_SET_SOCK, sock[0]))
		tap_bail(NBD_DEVICE);
	client = fork();
	if (client < 0)
		tap_bail("fork");
	if (!client) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sock[1]);
		_exit(ioctl(fd, NBD_DO_IT));
	}
	close(fd);
	close(sock[0]);
	other_end = sock[1];
	while (!has_started()) {
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			tap_bail(NBD_STARTED);
		}
		sleep_ms(1);
	}
}

bool nbd_wait_hung(void)
{
	struct pollfd p = { .fd = other_end, .events = POLLIN };

	return poll(&p, 1, 10000) == 1 && p.revents & POLLIN;
}

void nbd_end(void)
{
	/*
	 * In this order: a client that is killed fails the requests that it has; one that
	 * finds the connection gone keeps them.
	 */
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	close(other_end);
}

void nbd_clean(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (!access(NBD_STARTED, F_OK)) {
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			tap_bail(NBD_STARTED);
		}
		sleep_ms(1);
	}
}

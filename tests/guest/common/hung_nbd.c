// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network block device without anybody at the other end, or with one who keeps
 * readers waiting, see hung.h.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nbd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hung.h"
#include "sys.h"
#include "tap.h"

#define BLOCK 4096UL
#define BLOCKS (NBD_BYTES / BLOCK)
#define NBD_STARTED "/sys/block/nbd0/pid"
#define NBD_SIZE "/sys/block/nbd0/size"

static pid_t client;
static pid_t server;
static int other_end = -1;

/* Shared with the server: its blocks, and what it is to do. */
struct disk {
	int hang;
	int hung;
	char bytes[NBD_BYTES];
};

static struct disk *disk;

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

/* All of it; false at the end of the connection. */
static bool take(void *buf, size_t len)
{
	return recv(other_end, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static bool give(const void *buf, size_t len)
{
	return send(other_end, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool serve_one(void)
{
	struct nbd_request request;
	struct nbd_reply reply = { .magic = htonl(NBD_REPLY_MAGIC) };
	uint32_t type, len;
	char *at;

	if (!take(&request, sizeof(request)))
		return false;
	type = ntohl(request.type) & 0xffff;
	len = ntohl(request.len);
	at = disk->bytes + be64toh(request.from);
	if (type == NBD_CMD_DISC)
		return false;
	if (type == NBD_CMD_WRITE && !take(at, len))
		return false;
	while (type == NBD_CMD_READ &&
	       __atomic_load_n(&disk->hang, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&disk->hung, 1, __ATOMIC_SEQ_CST);
		sleep_ms(1);
	}
	memcpy(reply.handle, request.handle, sizeof(reply.handle));
	return give(&reply, sizeof(reply)) &&
	       (type != NBD_CMD_READ || give(at, len));
}

void nbd_serve(void)
{
	disk = caller_shared(sizeof(*disk));
	nbd_start();
	server = fork();
	if (server < 0)
		tap_bail("fork");
	if (server)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (serve_one())
		;
	_exit(0);
}

void nbd_hang_reads(bool hang)
{
	__atomic_store_n(&disk->hung, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&disk->hang, hang, __ATOMIC_SEQ_CST);
}

bool nbd_wait_read(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (!__atomic_load_n(&disk->hung, __ATOMIC_SEQ_CST)) {
		if (now_ns() > end)
			return false;
		sleep_ms(1);
	}
	return true;
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
	if (server) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = 0;
	}
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

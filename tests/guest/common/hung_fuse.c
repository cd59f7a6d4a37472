// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A FUSE file system with one file, see hung.h: the protocol by hand, as much of it as
 * the kernel asks for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "hung.h"
#include "sys.h"
#include "tap.h"

#define DIR "/tmp/mrelease-fuse"
#define FILE_NODE 2
#define BUFFER (FUSE_MIN_READ_BUFFER + 256 * 1024)

/* What the server is told, and tells. */
struct shared {
	volatile bool hang_reads;
	volatile bool hang_writes;
	volatile unsigned int hung;
};

static struct shared *shared;

static pid_t server;

const char *no_fuse(void)
{
	if (access("/dev/fuse", F_OK))
		(void)!system("modprobe fuse 2>/dev/null");
	return access("/dev/fuse", F_OK) ? "no FUSE" : NULL;
}

static void reply(int fd, const struct fuse_in_header *in, int error,
		  const void *data, size_t bytes)
{
	static char buf[BUFFER];
	struct fuse_out_header *out = (void *)buf;

	out->len = sizeof(*out) + bytes;
	out->error = error;
	out->unique = in->unique;
	memcpy(out + 1, data, bytes);
	/* Who asked may have been killed: ENOENT. */
	(void)!write(fd, buf, out->len);
}

static void attributes(struct fuse_attr *attr, uint64_t node)
{
	attr->ino = node;
	attr->nlink = 1;
	attr->blksize = 4096;
	attr->mode = S_IFDIR | 0755;
	if (node == FILE_NODE) {
		attr->mode = S_IFREG | 0755;
		attr->size = FUSE_BYTES;
	}
}

static void do_init(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_in *init = (void *)(in + 1);
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = init->minor < FUSE_KERNEL_MINOR_VERSION ?
				 init->minor :
				 FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 65536,
		/* Not FUSE_ASYNC_READ: who reads ahead waits for it himself. */
		.flags = FUSE_WRITEBACK_CACHE | FUSE_BIG_WRITES,
		.max_background = 16,
		.congestion_threshold = 12,
		.max_write = 65536,
	};

	reply(fd, in, 0, &out, sizeof(out));
}

static void do_lookup(int fd, const struct fuse_in_header *in)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_NODE,
		.generation = 1,
		.entry_valid = 3600,
		.attr_valid = 3600,
	};

	if (strcmp((const char *)(in + 1), "file")) {
		reply(fd, in, -ENOENT, NULL, 0);
		return;
	}
	attributes(&out.attr, FILE_NODE);
	reply(fd, in, 0, &out, sizeof(out));
}

static void do_open(int fd, const struct fuse_in_header *in)
{
	const struct fuse_open_in *o = (void *)(in + 1);
	struct fuse_open_out out = { .fh = 1, .open_flags = FOPEN_KEEP_CACHE };

	if ((o->flags & FUSE_DIRECT) == FUSE_DIRECT)
		out.open_flags |= FOPEN_DIRECT_IO;
	reply(fd, in, 0, &out, sizeof(out));
}

static void do_read(int fd, const struct fuse_in_header *in)
{
	static const char zeroes[65536];
	const struct fuse_read_in *r = (void *)(in + 1);

	reply(fd, in, 0, zeroes,
	      r->size < sizeof(zeroes) ? r->size : sizeof(zeroes));
}

static void answer(int fd, const struct fuse_in_header *in)
{
	const struct fuse_write_in *w = (void *)(in + 1);
	struct fuse_write_out written = {};
	struct fuse_attr_out attr = { .attr_valid = 3600 };

	switch (in->opcode) {
	case FUSE_INIT:
		do_init(fd, in);
		break;
	case FUSE_LOOKUP:
		do_lookup(fd, in);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		attributes(&attr.attr, in->nodeid);
		reply(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		do_open(fd, in);
		break;
	case FUSE_READ:
		do_read(fd, in);
		break;
	case FUSE_WRITE:
		written.size = w->size;
		reply(fd, in, 0, &written, sizeof(written));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		reply(fd, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(fd, in, -ENOSYS, NULL, 0);
	}
}

static bool hangs(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_READ:
		return shared->hang_reads;
	case FUSE_WRITE:
	case FUSE_SETATTR:
		return shared->hang_writes;
	}
	return false;
}

static void serve(int fd)
{
	static char buf[BUFFER];
	const struct fuse_in_header *in = (void *)buf;
	ssize_t n;

	for (;;) {
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == ENODEV)
			return;
		if (n < (ssize_t)sizeof(*in))
			continue;
		if (hangs(in->opcode))
			shared->hung++;
		else
			answer(fd, in);
	}
}

void fuse_start(void)
{
	char options[64];
	int fd;

	if (!shared)
		shared = caller_shared(sizeof(*shared));
	memset((void *)shared, 0, sizeof(*shared));
	mkdir("/tmp", 01777);
	mkdir(DIR, 0755);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("mrelease-test", DIR, "fuse", 0, options))
		tap_bail("mounting a FUSE file system");
	server = fork();
	if (server < 0)
		tap_bail("fork");
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
		_exit(0);
	}
	close(fd);
}

void fuse_hang_reads(void)
{
	shared->hang_reads = true;
}

void fuse_hang_writes(void)
{
	shared->hang_writes = true;
}

bool fuse_wait_hung(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (!shared->hung && now_ns() < end)
		sleep_ms(1);
	return shared->hung;
}

void fuse_abort(void)
{
	/* The last descriptor of the connection goes with it. */
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

void fuse_end(void)
{
	umount2(DIR, MNT_DETACH);
	rmdir(DIR);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * freed_bytes is what the system got back, not what was unmapped: measured by what
 * MemFree rises by, for victims that have their pages alone and for those that share
 * them by fork(2), KSM, a pipe or a pin.  A daemon that is told too much kills too
 * little, and one that is told too little kills once more.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=300 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/io_uring.h>

#include "files.h"
#include "kinds.h"
#include "peer.h"
#include "sys.h"
#include "tap.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_io_uring_register
#define SYS_io_uring_register 427
#endif

#define CASES 12
#define POINTS 4
#define FILE_NAME "freed"

static int dev;
static size_t bytes = 128 * MIB;
static const struct fs *fs;

/*
 * The counters of each CPU, page tables, and what a process has besides: 2 % for a
 * victim of some size.
 */
static int64_t slack(void)
{
	int64_t part = bytes / 50;

	return part > (int64_t)MIB ? part : (int64_t)MIB;
}

/* 4 points, the victim is waited for elsewhere. */
static void check(const char *name, const struct scales *s, uint64_t freed)
{
	bool ok;

	ok = tap_ok(!s->ret && !s->res.left_bytes && !s->res.left_reasons,
		    "%s: released", name);
	ok &= tap_ok(is_near(s->res.freed_bytes, freed, slack()),
		     "%s: freed_bytes is what the victim had alone", name);
	ok &= tap_ok((int64_t)s->res.freed_bytes <= scales_rise(s) + slack(),
		     "%s: freed_bytes is not more than MemFree rose by", name);
	ok &= tap_ok(is_near(scales_rise(s), s->res.freed_bytes, slack()),
		     "%s: freed_bytes is not less either", name);
	if (!ok)
		tap_note("%s: expected %llu KiB", name,
			 (unsigned long long)freed >> 10);
	scales_note(name, s);
}

static void skip(const char *why, const char *name)
{
	unsigned int i;

	for (i = 0; i < POINTS; i++)
		tap_skip(why, "%s", name);
}

static void check_plain(void)
{
	struct victim victim = victim_anon(bytes, VICTIM_SLEEP, -1);
	struct scales s;

	scales_release(dev, &victim, MRELEASE_KILL, 0, &s);
	victim_reap(&victim);
	check("alone", &s, bytes);
}

static void check_peer(const char *name, enum peer_way way, uint64_t freed)
{
	struct victim victim, peer;
	struct scales s;

	peer_start(way, bytes, &victim, &peer);
	scales_release(dev, &victim, MRELEASE_KILL, 0, &s);
	peer_end(&victim, &peer);
	check(name, &s, freed);
}

/* No two pages of one process are alike, but each has its like in the other one. */
static void ksm_pairs_body(void *arg)
{
	char *mem = kind_map(KIND_SMALL, PROT_READ | PROT_WRITE, 0, -1);
	size_t off;

	(void)arg;
	madvise(mem, KIND_SMALL, MADV_NOHUGEPAGE);
	for (off = 0; off < KIND_SMALL; off += 4096) {
		uint64_t stamp = off + 0x6d72656c65617365ULL;

		memcpy(mem + off, &stamp, sizeof(stamp));
	}
	if (madvise(mem, KIND_SMALL, MADV_MERGEABLE))
		_exit(95);
	kind_live();
}

/* Three processes: merged within the victim; with another; and the other, then alone. */
static void check_ksm(void)
{
	struct victim victim, other;
	struct scales s;

	if (no_ksm()) {
		skip(no_ksm(), "merged by KSM within the victim");
		skip(no_ksm(), "merged by KSM with another process");
		skip(no_ksm(), "the last process that has the merged pages");
		return;
	}
	victim = victim_start(kind_ksm, NULL);
	ksm_merge(KIND_SMALL / 4096 * 9 / 10);
	scales_release(dev, &victim, MRELEASE_KILL, 0, &s);
	victim_reap(&victim);
	/* What is merged has one page for 256 at least. */
	check("merged by KSM within the victim", &s, KIND_SMALL / 256);
	ksm_end();

	victim = victim_start(ksm_pairs_body, NULL);
	other = victim_start(ksm_pairs_body, NULL);
	tap_note("KSM merged %ld of %lu pages", ksm_merge(KIND_SMALL / 4096),
		 KIND_SMALL / 4096);
	scales_release(dev, &victim, MRELEASE_KILL, 0, &s);
	victim_reap(&victim);
	check("merged by KSM with another process", &s, 0);
	scales_release(dev, &other, MRELEASE_KILL, 0, &s);
	victim_reap(&other);
	check("the last process that has the merged pages", &s, KIND_SMALL);
	ksm_end();
}

struct held {
	int fd;
	size_t bytes;
};

static void pipe_body(void *arg)
{
	const struct held *held = arg;
	char *mem = map_touched(bytes, false);
	struct iovec iov = { .iov_base = mem, .iov_len = held->bytes };

	while (iov.iov_len) {
		ssize_t n = vmsplice(held->fd, &iov, 1, 0);

		if (n <= 0)
			_exit(95);
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= n;
	}
	close(held->fd);
	kind_live();
}

static void uring_body(void *arg)
{
	const struct held *held = arg;
	struct iovec iov = { .iov_base = map_touched(bytes, false),
			     .iov_len = held->bytes };

	if (syscall(SYS_io_uring_register, held->fd, IORING_REGISTER_BUFFERS,
		    &iov, 1))
		_exit(95);
	/* The ring is the test's as well, and lives on there. */
	close(held->fd);
	kind_live();
}

/* What is held is not freed, and comes when it is let go of: 5 points. */
static void check_held(const char *name, void (*body)(void *arg),
		       struct held *held, int hold)
{
	struct victim victim = victim_start(body, held);
	struct weight w;
	unsigned int i;
	struct scales s;
	int64_t more;

	scales_release(dev, &victim, MRELEASE_KILL | MRELEASE_TEARDOWN, 0, &s);
	victim_reap(&victim);
	check(name, &s, bytes - held->bytes);
	close(hold);
	if (hold != held->fd)
		close(held->fd);
	/* A ring is taken down by a work queue, and neither drains any list. */
	for (i = 0, more = 0; i < 50 && more < (int64_t)held->bytes - slack();
	     i++) {
		sleep_ms(20);
		weigh_settle(dev);
		weigh(&w);
		more = w.free - s.after.free;
	}
	tap_ok(more >= (int64_t)held->bytes - slack(),
	       "%s: the rest comes when it is let go of", name);
}

static void check_pipe(void)
{
	static const char *const name = "half of it in a pipe";
	struct held held = { .bytes = bytes / 2 };
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		tap_bail("pipe2");
	/* A page a slot; root may have more than pipe-max-size. */
	if (fcntl(p[1], F_SETPIPE_SZ, held.bytes) < (int)held.bytes)
		tap_bail("F_SETPIPE_SZ");
	held.fd = p[1];
	check_held(name, pipe_body, &held, p[0]);
}

static void check_uring(void)
{
	static const char *const name = "half of it pinned by io_uring";
	struct io_uring_params params = {};
	struct held held = { .bytes = bytes / 2 };

	held.fd = syscall(SYS_io_uring_setup, 4, &params);
	if (held.fd < 0) {
		skip("no io_uring(7)", name);
		tap_skip("no io_uring(7)", "%s", name);
		return;
	}
	fcntl(held.fd, F_SETFD, FD_CLOEXEC);
	check_held(name, uring_body, &held, held.fd);
}

static void file_body(void *arg)
{
	char *mem = kind_map(bytes, PROT_READ, MAP_PRIVATE, *(int *)arg);

	read_pages(mem, bytes);
	close(*(int *)arg);
	kind_live();
}

static void check_file(const char *name, uint32_t flags, uint64_t freed)
{
	struct victim victim;
	struct scales s;
	int fd;

	if (!fs) {
		skip("no file system at /mnt", name);
		return;
	}
	drop_caches();
	fd = file_open(fs, FILE_NAME, O_RDONLY);
	victim = victim_start(file_body, &fd);
	close(fd);
	scales_release(dev, &victim, flags, 0, &s);
	victim_reap(&victim);
	check(name, &s, freed);
}

int main(int argc, char **argv)
{
	static struct fs list[FS_MAX];
	unsigned int n;

	tap_plan(CASES * POINTS + 2);
	bytes /= weigh_scale(argc, argv);
	/* What it has gathered is unmapped, and no more what the victim had mapped. */
	khugepaged_rest();
	dev = dev_open();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	n = fs_list(list, FS_MAX, false);
	if (n && list[0].backed) {
		fs = &list[0];
		file_make(fs, FILE_NAME, bytes);
	}

	check_plain();
	check_peer("all of it shared with a child", PEER_CHILD, 0);
	check_peer("half of it shared with a child", PEER_CHILD_HALF,
		   bytes / 2);
	check_peer("all of it shared with the parent", PEER_PARENT, 0);
	check_peer("half of it shared with the parent", PEER_PARENT_HALF,
		   bytes / 2);
	check_ksm();
	check_pipe();
	check_uring();
	check_file("page cache", MRELEASE_KILL, 0);
	check_file("page cache, with EVICT", MRELEASE_KILL | MRELEASE_EVICT,
		   bytes);
	if (fs)
		file_remove(fs, FILE_NAME);
	return tap_done();
}

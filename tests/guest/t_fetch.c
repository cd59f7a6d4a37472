// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that hang, and whose lists of robust futexes are swapped out: without them
 * nothing can be unmapped, and nobody but the module will ever read them back.  A disk
 * that hangs too must hold up nobody else.
 */
/*
 * guest: smp=2 mem=1024 disk=swap:64 disk=ext4:64 timeout=240
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include "arm.h"
#include "batch.h"
#include "caller.h"
#include "chains.h"
#include "files.h"
#include "group.h"
#include "hung.h"
#include "proc.h"
#include "robust.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define PAGE 4096UL
#define BYTES (32UL * 1024 * 1024)
#define THREADS 40
#define GROUP "fetch"
#define SWAP_HEADER_MAGIC (PAGE - 10)
#define TIMEOUT_MS 500

static int dev, mnt, refs;
static unsigned int nr_threads, nr_blocked;
static struct robust_lock *lock;
static bool in_group; /* victims go into the group first */
static int *blocked; /* threads that are about to write */

/* Swapped out, and then in a write to a file system that is frozen. */
static void *hang_body(void *arg)
{
	struct robust_list_head *head = (void *)map_touched(PAGE, false);
	int fd = open("/mnt/fetch", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	robust_init(head);
	if (arg)
		robust_take(head, arg);
	robust_register(head);
	if (fd < 0)
		_exit(91);
	chain_swap_out(head);
	__atomic_add_fetch(blocked, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(blocked + 1, __ATOMIC_SEQ_CST))
		usleep(1000);
	if (write(fd, "", 1) != 1)
		_exit(92);
	for (;;)
		pause();
	return NULL;
}

static void victim_body(void *arg)
{
	pthread_t id;
	unsigned int i;

	(void)arg;
	if (in_group &&
	    write_file("/sys/fs/cgroup/test." GROUP "/cgroup.procs", "0"))
		_exit(94);
	map_touched(BYTES, false);
	for (i = 1; i < nr_threads; i++)
		if (pthread_create(&id, NULL, hang_body, NULL))
			_exit(93);
	victim_ready();
	hang_body(lock);
}

static unsigned int in_d(pid_t pid)
{
	char command[96];
	unsigned int n = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		 "cat /proc/%d/task/*/stat | grep -c ' D '", pid);
	f = popen(command, "re");
	if (!f || fscanf(f, "%u", &n) != 1)
		n = 0;
	if (f)
		pclose(f);
	return n;
}

/* Until @nr threads have come to a point; ends the program when they do not. */
static void wait_until(bool (*there)(const struct victim *), const char *where,
		       const struct victim *victim)
{
	uint64_t end = now_ns() + 60000000000ULL;

	while (!there(victim)) {
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			tap_bail("%s", where);
		}
		sleep_ms(10);
	}
}

static bool all_blocked(const struct victim *victim)
{
	(void)victim;
	return __atomic_load_n(blocked, __ATOMIC_SEQ_CST) >= (int)nr_blocked;
}

static bool all_in_d(const struct victim *victim)
{
	return in_d(victim->pid) == nr_threads;
}

/* Victims all of whose threads hang. */
static void start(struct victim *victims, unsigned int n, unsigned int threads)
{
	unsigned int i;

	memset(lock, 0, PAGE);
	nr_threads = threads;
	nr_blocked = n * threads;
	blocked[0] = 0;
	blocked[1] = 0;
	for (i = 0; i < n; i++)
		victims[i] = victim_start(victim_body, NULL);
	wait_until(all_blocked, "lists swapped out", NULL);
	if (ioctl(mnt, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	__atomic_store_n(blocked + 1, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < n; i++)
		wait_until(all_in_d, "state D", &victims[i]);
}

static void thaw(void)
{
	if (ioctl(mnt, FITHAW, 0))
		tap_bail("FITHAW");
}

/* What lists go through is spared; here that is the head of the one with a lock. */
static bool all_back(int ret, const struct mrelease_result *res)
{
	bool ok = !ret && res->anon_bytes + res->swap_bytes >= BYTES;

	if (!ok)
		tap_note("%s: anon %llu, left %llu, reasons %#x", err_name(ret),
			 (unsigned long long)res->anon_bytes,
			 (unsigned long long)res->left_bytes,
			 res->left_reasons);
	return ok;
}

/* 3 points. */
static void check_one(unsigned int threads)
{
	struct mrelease_result res;
	struct victim victim;
	struct waiter waiter;
	bool still;
	uint64_t began;
	double ms;
	int ret;

	start(&victim, 1, threads);
	waiter = waiter_start(lock);
	began = now_ns();
	ret = dev_release_timeout(dev, victim.pidfd, MRELEASE_KILL, 60000,
				  &res);
	ms = (now_ns() - began) / 1e6;
	still = in_d(victim.pid) == threads;
	tap_note("%u threads: %.1f ms", threads, ms);
	tap_ok(all_back(ret, &res) && still,
	       "%u threads in D, their lists swapped out: all is back",
	       threads);
	tap_ok(!(lock->word & FUTEX_OWNER_DIED) &&
		       res.left_reasons & MRELEASE_LEFT_ROBUST,
	       "%u threads: the lock is still its own", threads);
	thaw();
	victim_reap(&victim);
	tap_ok(waiter_end(&waiter), "%u threads: the waiter was told", threads);
}

/* 2 points. */
static void check_many(void)
{
	struct victim victims[3];
	unsigned int i;
	struct batch b;
	bool ok;

	start(victims, 3, 4);
	batch_init(&b, MRELEASE_KILL, 60000);
	for (i = 0; i < 3; i++)
		batch_add(&b, victims[i].pidfd);
	ok = !batch_call(dev, &b);
	for (i = 0; i < 3; i++)
		ok &= all_back(b.targets[i].error, &b.targets[i].result);
	tap_ok(ok, "three at once: all is back");
	thaw();
	for (i = 0; i < 3; i++)
		ok &= was_killed(victim_reap(&victims[i]));
	tap_ok(ok, "three at once: killed");
}

static void innocent_body(void *arg)
{
	(void)arg;
	map_touched(BYTES / 8, false);
	victim_ready();
	for (;;)
		pause();
}

/* Start them in the group. */
static void start_in_group(struct victim *victims, unsigned int n)
{
	group_make(GROUP);
	in_group = true;
	start(victims, n, 1);
	in_group = false;
}

static long group_bytes(void)
{
	FILE *f = fopen("/sys/fs/cgroup/test." GROUP "/memory.current", "re");
	long bytes = -1;

	if (!f || fscanf(f, "%ld", &bytes) != 1)
		tap_bail("memory.current");
	fclose(f);
	return bytes;
}

static void group_limit(long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", bytes);
	group_set(GROUP, "memory.max", text);
}

/*
 * What was written to the disk stays in memory until that is wanted for something else.
 * The lists were the first to go; a part of the other memory follows them.
 */
static void uncache(void)
{
	group_set(GROUP, "memory.high", "4M");
	group_set(GROUP, "memory.high", "max");
	tap_note("%ld KiB of swap are cached, %ld KiB are not",
		 proc_kib("/proc/meminfo", "SwapCached"),
		 proc_kib("/proc/meminfo", "SwapTotal") -
			 proc_kib("/proc/meminfo", "SwapFree"));
}

/* 2 points: what comes back is charged to the group, which has no room. */
static void check_limit(void)
{
	struct victim victim, innocent = victim_start(innocent_body, NULL);
	struct mrelease_result res;
	bool unhurt;
	int ret;

	start_in_group(&victim, 1);
	group_move(GROUP, innocent.pid);
	uncache();
	/* Nothing can go anywhere: its swap is full, too. */
	group_set(GROUP, "memory.swap.max", "0");
	group_limit(group_bytes());
	ret = dev_release_timeout(dev, victim.pidfd, MRELEASE_KILL, 60000,
				  &res);
	tap_ok(all_back(ret, &res), "at the limit of its cgroup: all is back");
	unhurt = group_is(GROUP, "memory.events", "oom_kill 0") &&
		 proc_state(innocent.pid) == 'S';
	tap_ok(unhurt, "at the limit of its cgroup: nobody else was killed");
	thaw();
	victim_reap(&victim);
	victim_end(&innocent);
	group_remove(GROUP);
}

/* The machine's own swap; a CPU may have some of its room in stock. */
static void no_other_swap(void)
{
	char path[64];
	FILE *f = fopen("/proc/swaps", "re");

	if (!f || fscanf(f, "%*[^\n] %63s", path) != 1 || swapoff(path))
		tap_bail("swapoff");
	fclose(f);
}

/* What mkswap(8) writes. */
static void make_swap(void)
{
	static union {
		char bytes[PAGE];
		struct {
			char boot[1024];
			uint32_t version, last_page, bad_pages;
		} info;
	} header;
	int fd = open(NBD_DEVICE, O_RDWR | O_CLOEXEC);

	header.info.version = 1;
	header.info.last_page = NBD_BYTES / PAGE - 1;
	memcpy(header.bytes + SWAP_HEADER_MAGIC, "SWAPSPACE2", 10);
	if (fd < 0 || pwrite(fd, &header, PAGE, 0) != PAGE || fsync(fd))
		tap_bail("write " NBD_DEVICE);
	close(fd);
	if (swapon(NBD_DEVICE, 0))
		tap_bail("swapon " NBD_DEVICE);
}

/* 7 points. */
static void check_hung(void)
{
	static const char *const what[] = {
		"its deadline is kept",
		"nothing is unmapped",
		"another victim is released",
		"another one whose list is swapped out: its deadline is kept",
		"the module is not let go",
		"when the disk answers all is back",
		"then nothing of the module is held"
	};
	struct victim victims[2], other;
	struct mrelease_result res;
	const char *why = no_nbd();
	uint64_t began, took;
	unsigned int i;
	bool ready;
	int ret;

	for (i = 0; why && i < 7; i++)
		tap_skip(why, "a disk that hangs: %s", what[i]);
	if (why)
		return;
	no_other_swap();
	nbd_serve();
	make_swap();
	start_in_group(victims, 2);
	uncache();
	nbd_hang_reads(true);

	began = now_ns();
	ret = dev_release_timeout(dev, victims[0].pidfd, MRELEASE_KILL,
				  TIMEOUT_MS, &res);
	took = (now_ns() - began) / 1000000;
	ready = nbd_wait_read();
	tap_note("%llu ms", (unsigned long long)took);
	tap_ok(ready && ret == -ETIMEDOUT && took >= TIMEOUT_MS &&
		       took < TIMEOUT_MS + 5000,
	       "a disk that hangs: %s", what[0]);
	tap_ok(!res.anon_bytes && !res.swap_bytes && res.left_bytes >= BYTES &&
		       res.left_reasons ==
			       (MRELEASE_LEFT_ROBUST | MRELEASE_LEFT_TIMEOUT),
	       "a disk that hangs: %s", what[1]);

	other = victim_anon(BYTES, VICTIM_SLEEP, -1);
	ret = dev_release_timeout(dev, other.pidfd, MRELEASE_KILL, 20000, &res);
	tap_ok(all_back(ret, &res), "a disk that hangs: %s", what[2]);
	victim_reap(&other);

	ret = dev_release_timeout(dev, victims[1].pidfd, MRELEASE_KILL,
				  TIMEOUT_MS, &res);
	tap_ok(ret == -ETIMEDOUT && !res.anon_bytes, "a disk that hangs: %s",
	       what[3]);
	tap_ok(module_refs() == refs + 1, "a disk that hangs: %s", what[4]);

	nbd_hang_reads(false);
	for (i = 0; i < 2; i++) {
		ret = dev_release_timeout(dev, victims[i].pidfd, MRELEASE_KILL,
					  60000, &res);
		ready &= all_back(ret, &res);
	}
	tap_ok(ready, "a disk that hangs: %s", what[5]);
	tap_ok(module_wait(refs, 20000), "a disk that hangs: %s", what[6]);
	thaw();
	for (i = 0; i < 2; i++)
		victim_reap(&victims[i]);
	group_remove(GROUP);
	if (swapoff(NBD_DEVICE))
		tap_bail("swapoff");
	nbd_end();
	nbd_clean();
}

int main(void)
{
	const char *why = chain_needs_swap();

	tap_plan(17);
	if (why)
		tap_bail("%s", why);
	dev = dev_open();
	lock = caller_shared(PAGE);
	blocked = caller_shared(PAGE);
	mnt = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mnt < 0)
		tap_bail("/mnt");
	thaw_at_the_end(mnt, dev);
	refs = module_refs();
	check_one(1);
	check_one(THREADS);
	check_many();
	check_limit();
	check_hung();
	unlink("/mnt/fetch");
	return tap_done();
}

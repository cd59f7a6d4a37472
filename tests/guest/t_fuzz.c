// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that make no sense, in very large numbers: every command with structures that
 * are nearly right, sizes, flags, pointers and descriptors of all kinds.  Those
 * who live must live on, errors must be such as are documented, nothing may be
 * written behind what the caller gave, and nothing may be held in the end.
 *
 * In the environment: MRELEASE_SEED; MRELEASE_CALLS, how many; MRELEASE_SECONDS, at
 * most so long.  tests/fuzz/ioctl runs it for longer, and where the kernel has kcov
 * with a module that it can follow.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arm.h"
#include "files.h"
#include "fuzz.h"
#include "group.h"
#include "sys.h"
#include "tap.h"
#include "witness.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SEED 20261121
#define CALLS 10000000UL
#define SECONDS 4
#define THREADS 2
#define PAGE 4096UL
#define CANARY 0xa5
/* One of so many descriptors is that of somebody who may be killed. */
#define PREY_RARE 512
/* The highest errno that is counted by itself. */
#define ERRORS 134

enum where { PLAIN, EDGE, READ_ONLY, BAD, NOWHERE, WHERES };

static int dev, fds[16], handles[3];
static unsigned int nr_fds, first_live;
static int group_fd, prey_group_fd;
static unsigned long calls_max;
static uint64_t end_ns;

/*
 * struct fuzzer - a thread
 * @draws: what it draws
 * @cover: where its calls come to, if that can be known
 * @prey: who may be killed by it
 * @area: two pages to write to, and one behind them that is not there
 * @targets: the same for arrays
 * @fixed: a page that can only be read
 * @said: calls by errno
 */
struct fuzzer {
	struct draws draws;
	struct cover cover;
	struct prey prey;
	char *area;
	char *targets;
	char *fixed;
	unsigned long calls;
	unsigned long said[ERRORS];
	unsigned long wrong;
};

static uint64_t pick(struct fuzzer *f, uint64_t below)
{
	return draws_any(&f->draws) % below;
}

static void setup_fds(const struct witness *live)
{
	struct victim dead = victim_anon(PAGE, VICTIM_SLEEP, -1);
	int pipes[2], kept;

	kept = dup(dead.pidfd);
	victim_end(&dead);
	if (pipe2(pipes, O_CLOEXEC))
		tap_bail("pipe2");
	fds[nr_fds++] = -1;
	fds[nr_fds++] = 1 << 20;
	fds[nr_fds++] = dev;
	fds[nr_fds++] = pipes[0];
	fds[nr_fds++] = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	fds[nr_fds++] = open("/sys/fs/cgroup", O_RDONLY | O_CLOEXEC);
	fds[nr_fds++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[nr_fds++] = memfd_create("fuzz", MFD_CLOEXEC);
	fds[nr_fds++] = eventfd(0, EFD_CLOEXEC);
	fds[nr_fds++] = kept;
	fds[nr_fds++] = sys_pidfd_open(getpid());
	fds[nr_fds++] = sys_pidfd_open(1);
	fds[nr_fds++] = sys_pidfd_open(2);
	/* From here on: who may be killed, and must never be asked to be. */
	first_live = nr_fds;
	fds[nr_fds++] = live[0].v.pidfd;
	fds[nr_fds++] = live[1].v.pidfd;
	handles[0] = arm_now(dev, live[0].v.pidfd, 0);
	handles[1] = arm_now(dev, live[1].v.pidfd, MRELEASE_TEARDOWN);
	handles[2] = arm_now(dev, live[1].v.pidfd, 0);
	group_make("fuzz");
	group_fd = group_open("fuzz");
	group_make(PREY_GROUP);
	prey_group_fd = group_open(PREY_GROUP);
}

static uint32_t some_flags(struct fuzzer *f)
{
	switch (pick(f, 8)) {
	case 0:
		return draws_any(&f->draws);
	case 1:
		return 1U << pick(f, 32);
	default:
		return pick(f, MRELEASE_TEARDOWN << 1);
	}
}

static uint32_t some_size(struct fuzzer *f, uint32_t right)
{
	static const uint32_t sizes[] = { 0, 1,	   4,	 8,    64,
					  8, 4095, 4096, 4097, UINT32_MAX };

	switch (pick(f, 8)) {
	case 0:
		return sizes[pick(f, ARRAY_SIZE(sizes))];
	case 1:
		return right + pick(f, 64) - 32;
	default:
		return right;
	}
}

/* A descriptor, and whether it is of somebody who can be killed. */
static int some_fd(struct fuzzer *f, bool *live)
{
	unsigned int i = pick(f, nr_fds);

	/* To die takes a thousand times as long as to be refused. */
	if (!pick(f, PREY_RARE))
		return f->prey.victim.pidfd;
	*live |= i >= first_live;
	return fds[i];
}

static int some_handle(struct fuzzer *f)
{
	if (!pick(f, PREY_RARE / 8))
		return f->prey.handle;
	return handles[pick(f, ARRAY_SIZE(handles))];
}

static uint32_t some_limit(struct fuzzer *f)
{
	return pick(f, 4) ? 0 : pick(f, 3);
}

/* Garbage, most of it zero, where structures have fields that must be. */
static void spoil(struct fuzzer *f, char *mem, size_t bytes)
{
	unsigned int n = pick(f, 8) ? 0 : 1 + pick(f, 4);

	while (n--)
		mem[4 + pick(f, bytes - 4)] ^= 1U << pick(f, 8);
}

static size_t make_release(struct fuzzer *f, char *mem, int fd)
{
	struct mrelease_args *a = (void *)mem;
	bool on_handle = fd != dev, live = on_handle && fd != f->prey.handle;

	memset(a, 0, sizeof(*a));
	a->pidfd = on_handle && pick(f, 4) ? -1 : some_fd(f, &live);
	a->flags = some_flags(f);
	a->timeout_ms = some_limit(f);
	spoil(f, mem, sizeof(*a));
	/* Spoiled or not: the one thing that may not be asked for. */
	if (live || pick(f, 2)) {
		a->flags &= ~MRELEASE_KILL;
		if (!on_handle && a->pidfd >= 0)
			a->pidfd = fds[pick(f, nr_fds)];
	} else if (a->pidfd >= 0) {
		a->pidfd = pick(f, PREY_RARE) ? fds[pick(f, first_live)] :
						f->prey.victim.pidfd;
	}
	a->size = some_size(f, sizeof(*a));
	return sizeof(*a);
}

static size_t make_many(struct fuzzer *f, char *mem, struct mrelease_target *t)
{
	static const uint64_t bad[] = {
		0, 1, PAGE, ~0ULL, 1ULL << 63, 0xffff888000000000ULL
	};
	struct mrelease_many_args *a = (void *)mem;
	unsigned int i;
	bool live = false;

	memset(a, 0, sizeof(*a));
	a->flags = some_flags(f);
	a->timeout_ms = some_limit(f);
	a->nr = pick(f, 16) ? pick(f, 5) : draws_any(&f->draws);
	a->targets = pick(f, 8) ? (uintptr_t)t : bad[pick(f, ARRAY_SIZE(bad))];
	a->target_size = some_size(f, sizeof(*t));
	a->pad = !pick(f, 64);
	for (i = 0; i < 4; i++) {
		memset(&t[i], 0, sizeof(t[i]));
		t[i].pidfd = some_fd(f, &live);
		t[i].pad = !pick(f, 64);
	}
	/*
	 * With another size of the elements any of their words may be taken for a
	 * pidfd; small numbers among those are zeroes, which is standard input.
	 */
	if (live)
		a->flags &= ~MRELEASE_KILL;
	a->size = some_size(f, sizeof(*a));
	return sizeof(*a);
}

static size_t make_cgroup(struct fuzzer *f, char *mem,
			  struct mrelease_target *t)
{
	struct mrelease_cgroup_args *a = (void *)mem;
	bool live = false;

	memset(a, 0, sizeof(*a));
	a->cgroup_fd = pick(f, 4) ? some_fd(f, &live) : group_fd;
	if (!pick(f, PREY_RARE))
		a->cgroup_fd = prey_group_fd;
	a->flags = some_flags(f) | (pick(f, 4) ? MRELEASE_KILL : 0);
	a->timeout_ms = some_limit(f);
	a->nr = pick(f, 16) ? pick(f, 5) : draws_any(&f->draws);
	a->targets = pick(f, 4) ? (uintptr_t)t : 0;
	a->target_size = some_size(f, sizeof(*t));
	a->size = some_size(f, sizeof(*a));
	return sizeof(*a);
}

static size_t make_arm(struct fuzzer *f, char *mem)
{
	struct mrelease_arm_args *a = (void *)mem;
	bool live = false;

	memset(a, 0, sizeof(*a));
	/* What works takes a hundred times as long. */
	a->pidfd = pick(f, 64) ? fds[pick(f, first_live)] : some_fd(f, &live);
	a->flags = pick(f, 4) ? 0 : some_flags(f);
	a->fd_flags = pick(f, 4) ? 0 : 1U << pick(f, 32);
	spoil(f, mem, sizeof(*a));
	a->size = some_size(f, sizeof(*a));
	return sizeof(*a);
}

static bool may_say(int err)
{
	static const int errors[] = { 0,      EINVAL,	  EBADF,  ESRCH,
				      EFAULT, E2BIG,	  ENOTTY, EPERM,
				      ENOENT, EOPNOTSUPP, ENOMEM, ETIMEDOUT };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (err == errors[i])
			return true;
	return false;
}

/* Behind the structure there is what was there. */
static bool behind_intact(const char *mem, size_t from, size_t to)
{
	for (; from < to; from++)
		if ((unsigned char)mem[from] != CANARY)
			return false;
	return true;
}

static void judge(struct fuzzer *f, unsigned int nr, int fd, int err,
		  const char *why)
{
	f->calls++;
	if (err < ERRORS)
		f->said[err]++;
	if (!why && may_say(err))
		return;
	if (!f->wrong++)
		tap_note("command %u on %d: %s: %s", nr, fd, err_name(err),
			 why ? why : "an error that cannot be");
}

static void one_call(struct fuzzer *f)
{
	unsigned int nr = pick(f, 16) ? pick(f, 5) : pick(f, 256);
	unsigned int type = pick(f, 64) ? MRELEASE_IOC_TYPE : pick(f, 256);
	struct mrelease_target *t = (void *)f->targets;
	bool on_handle = !pick(f, 4);
	int fd = on_handle ? some_handle(f) : dev;
	enum where where = pick(f, 4) ? PLAIN : pick(f, WHERES);
	char *mem = f->area + PAGE, *arg = mem;
	const char *why = NULL;
	uint32_t size;
	size_t bytes;
	int err;

	memset(mem, CANARY, 512);
	switch (nr) {
	case 1:
		bytes = make_release(f, mem, fd);
		break;
	case 2:
		bytes = make_many(f, mem, t);
		break;
	case 3:
		bytes = make_cgroup(f, mem, t);
		break;
	case 4:
		bytes = make_arm(f, mem);
		break;
	default:
		bytes = sizeof(struct mrelease_info);
		memset(mem, 0, bytes);
		size = some_size(f, bytes);
		memcpy(mem, &size, sizeof(size));
	}
	memcpy(&size, mem, sizeof(size));
	switch (where) {
	case EDGE:
		/* Its end is where memory ends, or some bytes further on. */
		arg = f->area + 2 * PAGE - bytes + pick(f, 2) * pick(f, bytes);
		memmove(arg, mem, f->area + 2 * PAGE - arg);
		break;
	case READ_ONLY:
		arg = f->fixed;
		break;
	case BAD:
		arg = (char *)draws_any(&f->draws);
		break;
	case NOWHERE:
		arg = f->area + 2 * PAGE;
		break;
	default:
		break;
	}
	/* The size in the command word says nothing. */
	err = ioctl(fd, _IOC(pick(f, 4), type, nr, pick(f, 1 << 13)), arg) ?
		      errno :
		      0;
	if (where == PLAIN && size >= bytes && size < 256 &&
	    !behind_intact(mem, size > bytes ? size : bytes, 512))
		why = "it wrote behind the structure";
	if (!err && nr == 4 && type == MRELEASE_IOC_TYPE && where <= EDGE) {
		struct mrelease_arm_args *a = (void *)arg;

		if (close(a->fd))
			why = "a victim fd that is none";
	}
	/* Its memory is back; its exit may take a moment more. */
	if (!err && nr == 1 && type == MRELEASE_IOC_TYPE &&
	    !prey_dies(&f->prey))
		why = "it released somebody";
	judge(f, nr, fd, err, why);
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;

	cover_open(&f->cover);
	while (f->calls < calls_max / THREADS) {
		draws_begin(&f->draws);
		cover_begin(&f->cover);
		one_call(f);
		if (cover_new(&f->cover))
			draws_keep(&f->draws);
		if (!(f->calls % 32))
			prey_renew(&f->prey);
		if (!(f->calls % 1024) && now_ns() > end_ns)
			break;
	}
	cover_close(&f->cover);
	return NULL;
}

/* Some pages, and one behind them that is not there. */
static char *map_before_a_hole(size_t bytes)
{
	char *mem = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED || mprotect(mem + bytes, PAGE, PROT_NONE))
		tap_bail("mmap");
	return mem;
}

static void begin(struct fuzzer *f, uint64_t seed)
{
	f->prey.dev = dev;
	prey_start(&f->prey);
	f->draws.rng = seed;
	f->area = map_before_a_hole(2 * PAGE);
	f->targets = map_before_a_hole(2 * PAGE);
	f->fixed = map_before_a_hole(PAGE);
	/* Of a size that is right for one of the commands. */
	*(uint32_t *)f->fixed = sizeof(struct mrelease_args);
	if (mprotect(f->fixed, PAGE, PROT_READ))
		tap_bail("mprotect");
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static unsigned int open_fds(void)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

int main(void)
{
	unsigned long seed = setting("MRELEASE_SEED", SEED), calls = 0;
	unsigned long wrong = 0, deaths = 0, said[ERRORS] = {};
	struct witness live[2];
	static struct fuzzer fuzzers[THREADS];
	pthread_t threads[THREADS];
	unsigned int i, j, before;
	int refs;

	tap_plan(5);
	dev = dev_open();
	for (i = 0; i < ARRAY_SIZE(live); i++)
		live[i] = witness_start(NULL, NULL);
	refs = module_refs();
	setup_fds(live);
	for (i = 0; i < THREADS; i++)
		begin(&fuzzers[i], seed * 2 + i + 1);
	before = open_fds();
	calls_max = setting("MRELEASE_CALLS", CALLS);
	end_ns =
		now_ns() + setting("MRELEASE_SECONDS", SECONDS) * 1000000000ULL;

	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, fuzz, &fuzzers[i]))
			tap_bail("pthread_create");
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		calls += fuzzers[i].calls;
		wrong += fuzzers[i].wrong;
		deaths += fuzzers[i].prey.deaths;
		for (j = 0; j < ERRORS; j++)
			said[j] += fuzzers[i].said[j];
	}
	tap_note("seed %lu, %lu calls, %lu were killed", seed, calls, deaths);
	for (j = 0; j < ERRORS; j++)
		if (said[j])
			tap_note("%-10s %10lu", err_name(j), said[j]);

	tap_note("%u basic blocks of the module reached, %u inputs kept",
		 cover_blocks(), draws_kept());
	cover_note();

	tap_ok(calls > 1000, "calls were made");
	tap_ok(!wrong, "each is refused as it may be, and writes where it may");
	tap_ok(open_fds() == before, "no descriptor is left");
	for (i = 0; i < THREADS; i++)
		prey_end(&fuzzers[i].prey);
	for (i = 0; i < ARRAY_SIZE(handles); i++)
		close(handles[i]);
	tap_ok(witness_intact(&live[0]) && witness_intact(&live[1]),
	       "who was named and not killed is as it was");
	tap_ok(module_wait(refs, 20000), "nothing of the module is held");
	for (i = 0; i < ARRAY_SIZE(live); i++)
		witness_end(&live[i]);
	close(group_fd);
	close(prey_group_fd);
	group_remove("fuzz");
	group_remove(PREY_GROUP);
	return tap_done();
}

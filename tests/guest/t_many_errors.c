// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a call with several victims refuses, it refuses before anything is done: one
 * victim that is named in each of these calls lives on.
 */
/* guest: smp=2 mem=1024 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "batch.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define PAGE 4096UL

/* A structure and an element of a program that is newer than the module. */
struct new_many {
	struct mrelease_many_args args;
	uint64_t tail;
};

struct new_target {
	struct mrelease_target target;
	uint64_t tail;
};

static struct victim v;
static int dev;

/* Two elements, the victim first. */
static void refusable(struct batch *b)
{
	batch_init(b, MRELEASE_KILL, 0);
	batch_add(b, v.pidfd);
	batch_add(b, v.pidfd);
}

static bool alive(void)
{
	return anon_bytes(v.pid) >= MIB;
}

/* 1 point. */
static void refused(struct batch *b, int want, const char *why)
{
	batch_call(dev, b);
	if (!tap_ok(b->ret == want && alive(), "%s: %s", why, err_name(want)))
		tap_note("%s", err_name(b->ret));
}

/* 10 points. */
static void check_arguments(void)
{
	struct batch b;

	refusable(&b);
	b.many.size--;
	refused(&b, -EINVAL, "a size below the first version");
	refusable(&b);
	b.many.size = 8192;
	refused(&b, -E2BIG, "an absurd size");
	refusable(&b);
	b.many.flags |= 1U << 31;
	refused(&b, -EINVAL, "an unknown flag");
	refusable(&b);
	b.many.flags = MRELEASE_KILL_SHARERS;
	refused(&b, -EINVAL, "flags that make no sense");
	refusable(&b);
	b.many.pad = 1;
	refused(&b, -EINVAL, "padding");
	refusable(&b);
	b.many.nr = MRELEASE_MANY_MAX + 1;
	refused(&b, -E2BIG, "too many elements");
	refusable(&b);
	b.many.target_size--;
	refused(&b, -EINVAL, "elements below the first version");
	refusable(&b);
	b.many.target_size = 8192;
	refused(&b, -E2BIG, "elements of an absurd size");
	refusable(&b);
	b.targets[1].pad = 1;
	refused(&b, -EINVAL, "padding of the second element");

	write_file("/sys/module/mrelease/parameters/enabled", "0");
	refusable(&b);
	refused(&b, -EPERM, "switched off");
	write_file("/sys/module/mrelease/parameters/enabled", "1");
}

/* 7 points. */
static void check_fault(void)
{
	struct batch b;
	char *mem;

	/* Two pages; what follows them cannot be written, and then not even read. */
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || mprotect(mem + 2 * PAGE, PAGE, PROT_READ) ||
	    munmap(mem + 3 * PAGE, PAGE))
		tap_bail("mmap");

	refusable(&b);
	b.many.targets = 0;
	refused(&b, -EFAULT, "no array");
	refusable(&b);
	b.many.targets = (uintptr_t)(mem + 3 * PAGE);
	refused(&b, -EFAULT, "an array that is not mapped");
	refusable(&b);
	b.many.targets = -PAGE;
	refused(&b, -EFAULT, "an array in the kernel");

	refusable(&b);
	memcpy(mem + 2 * PAGE - sizeof(b.targets[0]), b.targets,
	       sizeof(b.targets[0]));
	b.many.targets = (uintptr_t)(mem + 2 * PAGE - sizeof(b.targets[0]));
	refused(&b, -EFAULT, "a second element that cannot be written");

	refusable(&b);
	b.ret = ioctl(dev, MRELEASE_IOC_RELEASE_MANY, mem + 3 * PAGE) ? -errno :
									0;
	tap_ok(b.ret == -EFAULT && alive(), "a structure that is not mapped");
	memcpy(mem + 2 * PAGE - 32, &b.many, 32);
	b.ret = ioctl(dev, MRELEASE_IOC_RELEASE_MANY, mem + 2 * PAGE - 32) ?
			-errno :
			0;
	tap_ok(b.ret == -EFAULT && alive(), "a total that cannot be written");
	tap_ok(((struct mrelease_many_args *)(mem + 2 * PAGE - 32))->nr == 2,
	       "what is input stays as it was");
	munmap(mem, 3 * PAGE);
}

/* 4 points: newer callers. */
static void check_sizes(void)
{
	struct new_target *t;
	struct new_many m;
	struct batch b;
	int ret;

	t = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		tap_bail("mmap");
	t[0].target.pidfd = v.pidfd;
	t[1].target.pidfd = v.pidfd;
	t[1].tail = 1;
	refusable(&b);
	b.many.targets = (uintptr_t)t;
	b.many.target_size = sizeof(*t);
	refused(&b, -E2BIG, "an unknown tail in the second element");

	refusable(&b);
	m.args = b.many;
	m.args.size = sizeof(m);
	m.tail = 1;
	ret = ioctl(dev, MRELEASE_IOC_RELEASE_MANY, &m) ? -errno : 0;
	tap_ok(ret == -E2BIG && alive(), "an unknown tail: E2BIG");

	batch_init(&b, MRELEASE_KILL, 0);
	tap_ok(!batch_call(dev, &b) && !b.many.total.victims && alive(),
	       "an empty array: nothing to do");

	/* Old contents of what is output do not matter. */
	t[1].target.pidfd = -1;
	t[1].tail = 0;
	memset(&t[0].target.result, 0xff, sizeof(t[0].target.result));
	t[0].target.error = 5;
	m.args.targets = (uintptr_t)t;
	m.args.target_size = sizeof(*t);
	m.tail = 0;
	ret = ioctl(dev, MRELEASE_IOC_RELEASE_MANY, &m) ? -errno : 0;
	tap_ok(!ret && !t[0].target.error && t[0].target.result.victims == 1 &&
		       t[0].target.result.anon_bytes >= MIB &&
		       t[1].target.error == -EBADF && !t[0].tail && !t[1].tail,
	       "larger structures with an empty tail are served");
	munmap(t, PAGE);
}

/* 3 points: without the kill. */
static void check_flags_zero(void)
{
	struct victim live = victim_anon(MIB, VICTIM_SLEEP, -1);
	struct victim dying = victim_anon(MIB, VICTIM_SLEEP, -1);
	struct batch b;

	/* Killed, and kept from going. */
	hold_setup();
	hold_freeze(dying.pid);
	kill(dying.pid, SIGKILL);
	batch_init(&b, 0, 0);
	batch_add(&b, live.pidfd);
	batch_add(&b, dying.pidfd);
	batch_call(dev, &b);
	tap_ok(!b.ret && b.targets[0].error == -EINVAL &&
		       anon_bytes(live.pid) >= MIB,
	       "flags 0: one that lives: EINVAL");
	if (!tap_ok(!b.targets[1].error && !b.targets[1].result.victims &&
			    b.targets[1].result.anon_bytes >= MIB,
		    "flags 0: one that was killed: released"))
		batch_note(&b, 2, &b.many.total);
	tap_ok(!b.many.total.victims && b.many.total.anon_bytes ==
						b.targets[1].result.anon_bytes,
	       "flags 0: the total");
	hold_thaw();
	victim_reap(&dying);
	victim_end(&live);
}

int main(void)
{
	tap_plan(10 + 7 + 4 + 3 + 1);
	dev = dev_open();
	v = victim_anon(MIB, VICTIM_SLEEP, -1);
	check_arguments();
	check_fault();
	check_sizes();
	tap_ok(was_killed(victim_reap(&v)), "only then was it killed");
	check_flags_zero();
	return tap_done();
}

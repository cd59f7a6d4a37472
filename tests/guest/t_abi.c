// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 */
/*
 * The calling convention: sizes that grow, pointers that are bad, commands that
 * are not there.  Whatever is wrong with the call, the victim must not feel it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "witness.h"

/* As long as the ABI lasts. */
#define ARGS_SIZE_VER0 144
#define INFO_SIZE_VER0 128
#define SIZE_MAX_ABI 4096

#define PAGE 4096UL
#define GARBAGE 0xa5

static int dev;
static uint64_t features;

/* A page that can be used, and one after it that cannot. */
static char *edge;

static int command(unsigned long cmd, void *arg)
{
	return ioctl(dev, cmd, arg) < 0 ? -errno : 0;
}

static struct mrelease_args kill_args(const struct witness *w)
{
	struct mrelease_args args = {
		.size = sizeof(args),
		.pidfd = w->v.pidfd,
		.flags = MRELEASE_KILL,
	};

	return args;
}

static bool said(const char *what, int ret, int want)
{
	if (ret != want)
		tap_note("%s: %s, wanted %s", what, err_name(ret),
			 err_name(want));
	return ret == want;
}

/* The call fails as it should and the victim is untouched: one point. */
static void harmless(struct witness *w, const char *what, unsigned long cmd,
		     void *arg, int want)
{
	int ret = command(cmd, arg);
	bool intact = witness_intact(w);

	if (!intact) {
		tap_note("%s: the victim was touched", what);
		witness_end(w);
		*w = witness_start(NULL, NULL);
	}
	tap_ok(said(what, ret, want) && intact, "%s: %s, intact", what,
	       err_name(want));
}

/* The call works: 0, the victim is dead, and its memory has been counted. */
static void deadly(const char *what, unsigned long cmd, void *arg)
{
	struct witness w = witness_start(NULL, NULL);
	struct mrelease_args args = kill_args(&w);
	uint32_t size = *(uint32_t *)arg;
	int ret;
	bool ok;

	memcpy(arg, &args, offsetof(struct mrelease_args, result));
	*(uint32_t *)arg = size;
	ret = command(cmd, arg);
	memcpy(&args, arg, sizeof(args));
	ok = said(what, ret, 0) && args.result.victims == 1 &&
	     args.result.anon_bytes >= 1 << 20 && args.size == size &&
	     !witness_intact(&w);
	tap_ok(ok, "%s: 0, killed and counted", what);
	witness_end(&w);
}

#define POINTS_SIZES 13
static void test_sizes(struct witness *w)
{
	static char big[SIZE_MAX_ABI + PAGE];
	struct mrelease_args args = kill_args(w);
	uint32_t *size = (uint32_t *)big;
	bool zero = true;
	size_t i;

	memcpy(big, &args, sizeof(args));
	*size = 0;
	harmless(w, "size 0", MRELEASE_IOC_RELEASE, big, -EINVAL);
	*size = 15;
	harmless(w, "size 15", MRELEASE_IOC_RELEASE, big, -EINVAL);
	*size = 16;
	harmless(w, "size of the input only", MRELEASE_IOC_RELEASE, big,
		 -EINVAL);
	*size = ARGS_SIZE_VER0 - 1;
	harmless(w, "one byte too short", MRELEASE_IOC_RELEASE, big, -EINVAL);
	*size = SIZE_MAX_ABI + 1;
	harmless(w, "one byte too long", MRELEASE_IOC_RELEASE, big, -E2BIG);
	*size = ~0U;
	harmless(w, "size 0xffffffff", MRELEASE_IOC_RELEASE, big, -E2BIG);

	*size = sizeof(args) + 1;
	big[sizeof(args)] = 1;
	harmless(w, "one byte of tail, not zero", MRELEASE_IOC_RELEASE, big,
		 -E2BIG);
	*size = SIZE_MAX_ABI;
	big[sizeof(args)] = 0;
	big[SIZE_MAX_ABI - 1] = 1;
	harmless(w, "last byte of the tail not zero", MRELEASE_IOC_RELEASE, big,
		 -E2BIG);
	big[SIZE_MAX_ABI - 1] = 0;

	*size = ARGS_SIZE_VER0;
	deadly("the first version", MRELEASE_IOC_RELEASE, big);
	memset(big, 0, sizeof(big));
	*size = sizeof(args) + 1;
	deadly("one byte of tail, zero", MRELEASE_IOC_RELEASE, big);
	memset(big, 0, sizeof(big));
	*size = SIZE_MAX_ABI;
	deadly("the largest size", MRELEASE_IOC_RELEASE, big);
	for (i = sizeof(args); i < sizeof(big); i++)
		zero &= !big[i];
	tap_ok(zero, "the tail stays zero");

	/* What the caller had in the result does not matter. */
	memset(big, GARBAGE, sizeof(big));
	*size = sizeof(args);
	deadly("garbage in the result", MRELEASE_IOC_RELEASE, big);
}

#define POINTS_GARBAGE 4
static void test_garbage(struct witness *w)
{
	struct mrelease_args args = kill_args(w);
	const struct mrelease_result zero = {};
	bool ok = true;
	size_t i;
	int ret;

	/* Refused: nothing to tell, but the garbage is gone. */
	memset(&args.result, GARBAGE, sizeof(args.result));
	args.flags = 1U << 31;
	harmless(w, "garbage and an unknown flag", MRELEASE_IOC_RELEASE, &args,
		 -EINVAL);
	tap_ok(!memcmp(&args.result, &zero, sizeof(zero)),
	       "the result of an unknown flag is zero");

	memset(&args.result, GARBAGE, sizeof(args.result));
	args.flags = 0;
	ret = command(MRELEASE_IOC_RELEASE, &args);
	args.result.elapsed_ns = 0;
	ok = said("a live process", ret, -EINVAL) &&
	     !memcmp(&args.result, &zero, sizeof(zero));
	tap_ok(ok, "the result of a refusal is zero but for the time");

	args.flags = MRELEASE_KILL;
	memset(&args.result, GARBAGE, sizeof(args.result));
	ret = command(MRELEASE_IOC_RELEASE, &args);
	for (i = 0; i < sizeof(args.result.reserved) / sizeof(__u64); i++)
		ok &= !args.result.reserved[i];
	ok = !ret && ok && !args.result.pad && args.result.elapsed_ns &&
	     args.result.elapsed_ns < 60000000000ULL;
	tap_ok(ok, "reserved fields of a result are zero, and it has the time");
	witness_end(w);
	*w = witness_start(NULL, NULL);
}

/* Put @args so that all but its first @bytes are beyond the edge. */
static void *straddle(const struct mrelease_args *args, size_t bytes)
{
	return memcpy(edge + PAGE - bytes, args, bytes);
}

#define POINTS_POINTERS 11
static void test_pointers(struct witness *w)
{
	struct mrelease_args args = kill_args(w);
	char *ro = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ro == MAP_FAILED)
		tap_bail("mmap");
	harmless(w, "NULL", MRELEASE_IOC_RELEASE, NULL, -EFAULT);
	harmless(w, "a page without access", MRELEASE_IOC_RELEASE, edge + PAGE,
		 -EFAULT);
	harmless(w, "a kernel address", MRELEASE_IOC_RELEASE,
		 (void *)(~0UL << 47), -EFAULT);
	harmless(w, "the last page of all", MRELEASE_IOC_RELEASE, (void *)-PAGE,
		 -EFAULT);
	memcpy(ro, &args, sizeof(args));
	if (mprotect(ro, PAGE, PROT_READ))
		tap_bail("mprotect");
	harmless(w, "a read-only page", MRELEASE_IOC_RELEASE, ro, -EFAULT);
	munmap(ro, PAGE);
	harmless(w, "an unmapped page", MRELEASE_IOC_RELEASE, ro, -EFAULT);

	harmless(w, "two bytes of the size", MRELEASE_IOC_RELEASE,
		 straddle(&args, 2), -EFAULT);
	harmless(w, "the size and no more", MRELEASE_IOC_RELEASE,
		 straddle(&args, 4), -EFAULT);
	harmless(w, "the input and no more", MRELEASE_IOC_RELEASE,
		 straddle(&args, offsetof(struct mrelease_args, result)),
		 -EFAULT);
	harmless(w, "all but the last byte", MRELEASE_IOC_RELEASE,
		 straddle(&args, sizeof(args) - 1), -EFAULT);
	/* Its tail would have to be read to know that it is zero. */
	args.size = sizeof(args) + 8;
	harmless(w, "a tail that is not there", MRELEASE_IOC_RELEASE,
		 straddle(&args, sizeof(args)), -EFAULT);
}

#define POINTS_COMMANDS 6
static void test_commands(struct witness *w)
{
	struct mrelease_args args = kill_args(w);
	char other[64] = { ARGS_SIZE_VER0 };
	static char big[SIZE_MAX_ABI];
	bool ok = true, wrong = true;
	unsigned int nr;

	/*
	 * A command that this build has is not tried: what its structure would
	 * make of these arguments is another test's business.
	 */
	for (nr = 2; nr < 256; nr++) {
		if (nr < 16 && (features & MRELEASE_FEAT_CMD(nr)))
			continue;
		ok &= said("unknown number",
			   command(_IOWR(MRELEASE_IOC_TYPE, nr,
					 struct mrelease_args),
				   &args),
			   -ENOTTY);
	}
	tap_ok(ok && witness_intact(w),
	       "each number that is no feature: ENOTTY, intact");
	for (nr = 0; nr < 2; nr++)
		wrong &= said("wrong type",
			      command(_IOWR(MRELEASE_IOC_TYPE + 1, nr,
					    struct mrelease_args),
				      &args),
			      -ENOTTY);
	tap_ok(wrong && witness_intact(w), "another type: ENOTTY, intact");
	tap_ok(said("0", command(0, &args), -ENOTTY) && witness_intact(w),
	       "command 0: ENOTTY, intact");

	/* The encoded size and direction say nothing. */
	memset(big, 0, sizeof(big));
	*(uint32_t *)big = sizeof(args);
	deadly("number of RELEASE, another size",
	       _IOWR(MRELEASE_IOC_TYPE, 1, other), big);
	memset(big, 0, sizeof(big));
	*(uint32_t *)big = sizeof(args);
	deadly("number of RELEASE, no size and direction",
	       _IO(MRELEASE_IOC_TYPE, 1), big);
	*(uint32_t *)big = sizeof(struct mrelease_info);
	tap_ok(said("INFO", command(_IO(MRELEASE_IOC_TYPE, 0), big), 0),
	       "number of INFO, no size and direction: 0");
}

static int info(uint32_t size, char *buf)
{
	*(uint32_t *)buf = size;
	return command(MRELEASE_IOC_INFO, buf);
}

#define POINTS_INFO 12
static void test_info(struct witness *w)
{
	struct mrelease_info first, again;
	static char big[SIZE_MAX_ABI + PAGE];
	uint64_t known;
	bool zero = true;
	size_t i;
	bool ok;

	ok = said("size 0", info(0, big), -EINVAL) &&
	     said("size 4", info(4, big), -EINVAL) &&
	     said("too short", info(INFO_SIZE_VER0 - 1, big), -EINVAL);
	tap_ok(ok, "INFO, too short: EINVAL");
	tap_ok(said("too long", info(SIZE_MAX_ABI + 1, big), -E2BIG),
	       "INFO, too long: E2BIG");
	big[sizeof(first)] = 1;
	tap_ok(said("tail", info(sizeof(first) + 1, big), -E2BIG),
	       "INFO, a tail that is not zero: E2BIG");
	memset(big, GARBAGE, sizeof(first));
	big[sizeof(first)] = 0;
	tap_ok(said("exact", info(INFO_SIZE_VER0, big), 0), "INFO: 0");
	memcpy(&first, big, sizeof(first));
	memset(big, 0, sizeof(big));
	tap_ok(said("long", info(SIZE_MAX_ABI, big), 0),
	       "INFO, a tail that is zero: 0");
	memcpy(&again, big, sizeof(again));
	for (i = sizeof(again); i < sizeof(big); i++)
		zero &= !big[i];
	ok = zero && again.size == SIZE_MAX_ABI &&
	     !memcmp(&first.abi_version, &again.abi_version,
		     sizeof(first) - sizeof(first.size));
	tap_ok(ok, "INFO says the same at every size, and nothing beyond");
	ok = said("NULL", command(MRELEASE_IOC_INFO, NULL), -EFAULT) &&
	     said("unmapped", command(MRELEASE_IOC_INFO, edge + PAGE),
		  -EFAULT) &&
	     said("straddling", info(sizeof(first), edge + PAGE - 64), -EFAULT);
	tap_ok(ok, "INFO, bad pointers: EFAULT");

	tap_ok(first.abi_version >= 1, "INFO: an ABI version");
	ok = memchr(first.primitive, 0, sizeof(first.primitive)) &&
	     first.primitive[0] &&
	     memchr(first.version, 0, sizeof(first.version)) &&
	     first.version[0];
	tap_ok(ok, "INFO: strings that end");
	for (zero = true, i = 0; i < 8; i++)
		zero &= !first.reserved[i];
	tap_ok(zero, "INFO: reserved fields are zero");

	known = MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED |
		MRELEASE_HUGETLB | MRELEASE_KILL_SHARERS | MRELEASE_TEARDOWN |
		0x1fULL << 32 | MRELEASE_FEAT_VISIBLE | MRELEASE_FEAT_TAKEOVER;
	features = first.features;
	ok = (features & MRELEASE_KILL) && (features & MRELEASE_FEAT_CMD(0)) &&
	     (features & MRELEASE_FEAT_CMD(1));
	tap_ok(ok, "INFO: itself, RELEASE and KILL are features");
	tap_ok(!(features & ~known) && witness_intact(w),
	       "INFO: no feature that the header has not");
	tap_note("features %#llx, ABI %u, version %s, by %s",
		 (unsigned long long)features, first.abi_version, first.version,
		 first.primitive);
}

int main(void)
{
	struct witness w;

	tap_plan(POINTS_INFO + POINTS_SIZES + POINTS_GARBAGE + POINTS_POINTERS +
		 POINTS_COMMANDS);
	dev = dev_open();
	edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + PAGE, PAGE, PROT_NONE))
		tap_bail("mmap");

	w = witness_start(NULL, NULL);
	test_info(&w);
	test_sizes(&w);
	test_garbage(&w);
	test_pointers(&w);
	test_commands(&w);
	witness_end(&w);
	return tap_done();
}

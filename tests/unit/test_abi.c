// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes, offsets and numbers of the ABI are the same in 64 and in 32 bit, and
 * never change.  Prints TAP itself: there is no 32-bit libcheck here.
 */
#include <stddef.h>
#include <stdio.h>

#include <linux/mrelease.h>

static unsigned int nr;
static unsigned int failed;

static void check(int good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++nr, what);
	failed += !good;
}

/* At compile time, and once more where it can be seen. */
#define same(what, number)                          \
	do {                                        \
		enum { good = (what) == (number) }; \
		_Static_assert(good, #what);        \
		check(good, #what " == " #number);  \
	} while (0)

#define offset(type, member, number) \
	same(offsetof(struct mrelease_##type, member), number)

static void result(void)
{
	same(sizeof(struct mrelease_result), 128);
	same(_Alignof(struct { struct mrelease_result r; }) <= 8, 1);
	offset(result, anon_bytes, 0);
	offset(result, file_bytes, 8);
	offset(result, shmem_bytes, 16);
	offset(result, swap_bytes, 24);
	offset(result, hugetlb_bytes, 32);
	offset(result, evicted_bytes, 40);
	offset(result, freed_bytes, 48);
	offset(result, left_bytes, 56);
	offset(result, elapsed_ns, 64);
	offset(result, left_reasons, 72);
	offset(result, notes, 76);
	offset(result, victims, 80);
	offset(result, pad, 84);
	offset(result, reserved, 88);
}

static void arguments(void)
{
	same(sizeof(struct mrelease_args), 144);
	offset(args, size, 0);
	offset(args, pidfd, 4);
	offset(args, flags, 8);
	offset(args, timeout_ms, 12);
	offset(args, result, 16);

	same(sizeof(struct mrelease_info), 128);
	offset(info, size, 0);
	offset(info, abi_version, 4);
	offset(info, features, 8);
	offset(info, primitive, 16);
	offset(info, version, 48);
	offset(info, reserved, 64);

	same(sizeof(struct mrelease_target), 144);
	offset(target, pidfd, 0);
	offset(target, error, 4);
	offset(target, pid, 8);
	offset(target, pad, 12);
	offset(target, result, 16);

	same(sizeof(struct mrelease_many_args), 160);
	offset(many_args, flags, 4);
	offset(many_args, timeout_ms, 8);
	offset(many_args, nr, 12);
	offset(many_args, targets, 16);
	offset(many_args, target_size, 24);
	offset(many_args, pad, 28);
	offset(many_args, total, 32);

	same(sizeof(struct mrelease_cgroup_args), 160);
	offset(cgroup_args, cgroup_fd, 4);
	offset(cgroup_args, flags, 8);
	offset(cgroup_args, timeout_ms, 12);
	offset(cgroup_args, nr, 16);
	offset(cgroup_args, target_size, 20);
	offset(cgroup_args, targets, 24);
	offset(cgroup_args, total, 32);

	same(sizeof(struct mrelease_arm_args), 56);
	offset(arm_args, pidfd, 4);
	offset(arm_args, flags, 8);
	offset(arm_args, fd_flags, 12);
	offset(arm_args, fd, 16);
	offset(arm_args, pad, 20);
	offset(arm_args, reserved, 24);
}

static void numbers(void)
{
	same(MRELEASE_ABI_VERSION, 1);
	same(MRELEASE_SI_CODE, 1);
	same(MRELEASE_IOC_INFO, 0xc080f500UL);
	same(MRELEASE_IOC_RELEASE, 0xc090f501UL);
	same(MRELEASE_IOC_RELEASE_MANY, 0xc0a0f502UL);
	same(MRELEASE_IOC_RELEASE_CGROUP, 0xc0a0f503UL);
	same(MRELEASE_IOC_ARM, 0xc038f504UL);

	same(MRELEASE_KILL, 0x01);
	same(MRELEASE_EVICT, 0x02);
	same(MRELEASE_SHARED, 0x04);
	same(MRELEASE_HUGETLB, 0x08);
	same(MRELEASE_KILL_SHARERS, 0x10);
	same(MRELEASE_TEARDOWN, 0x20);

	same(MRELEASE_LEFT_SHARED, 0x001);
	same(MRELEASE_LEFT_SHARED_MAP, 0x002);
	same(MRELEASE_LEFT_HUGETLB, 0x004);
	same(MRELEASE_LEFT_PFNMAP, 0x008);
	same(MRELEASE_LEFT_LOCKED, 0x010);
	same(MRELEASE_LEFT_NOTIFIER, 0x020);
	same(MRELEASE_LEFT_ROBUST, 0x040);
	same(MRELEASE_LEFT_TIMEOUT, 0x080);
	same(MRELEASE_LEFT_SIGNAL, 0x100);
	same(MRELEASE_LEFT_EXITING, 0x200);
	same(MRELEASE_LEFT_DUMP, 0x400);
	same(MRELEASE_LEFT_OTHER, 0x800);

	same(MRELEASE_NOTE_ESTIMATED, 1);
	same(MRELEASE_NOTE_JOINED, 2);
	same(MRELEASE_NOTE_NEW_MM, 4);
	same(MRELEASE_NOTE_SKIPPED, 8);

	same(MRELEASE_FEAT_FLAGS, 0xffffffffULL);
	same(MRELEASE_FEAT_CMD(0), 1ULL << 32);
	same(MRELEASE_FEAT_CMD(15), 1ULL << 47);
	same(MRELEASE_FEAT_VISIBLE, 1ULL << 48);
	same(MRELEASE_FEAT_TAKEOVER, 1ULL << 49);
}

int main(void)
{
	result();
	arguments();
	numbers();
	printf("1..%u\n", nr);
	return failed ? 1 : 0;
}

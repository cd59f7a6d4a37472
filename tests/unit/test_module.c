// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parts of the module that need no kernel: what may be asked for, how an
 * address space is divided, how counters become a result.  The module's own
 * files, compiled for user space.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "module/abi.c"
#include "module/account.c"
#include "module/cursor.h"
#include "module/landing.h"
#include "module/spare.h"

#define KIB(n) ((__u64)(n) << 10)
#define MIB(n) ((unsigned long)(n) << 20)
#define PAGE_4K 12

START_TEST(size_below_the_first_version_is_refused)
{
	ck_assert_int_eq(mr_abi_size_check(0, MR_ARGS_SIZE_VER0), -EINVAL);
	ck_assert_int_eq(mr_abi_size_check(MR_ARGS_SIZE_VER0 - 1,
					   MR_ARGS_SIZE_VER0),
			 -EINVAL);
	ck_assert_int_eq(
		mr_abi_size_check(MR_ARGS_SIZE_VER0, MR_ARGS_SIZE_VER0), 0);
}
END_TEST

START_TEST(size_of_a_newer_caller_is_accepted_up_to_a_limit)
{
	ck_assert_int_eq(
		mr_abi_size_check(MR_ARGS_SIZE_VER0 + 8, MR_ARGS_SIZE_VER0), 0);
	ck_assert_int_eq(mr_abi_size_check(MR_SIZE_MAX, MR_ARGS_SIZE_VER0), 0);
	ck_assert_int_eq(mr_abi_size_check(MR_SIZE_MAX + 1, MR_ARGS_SIZE_VER0),
			 -E2BIG);
	ck_assert_int_eq(mr_abi_size_check(~0U, MR_ARGS_SIZE_VER0), -E2BIG);
}
END_TEST

START_TEST(sizes_of_the_first_version_are_those_of_the_header)
{
	ck_assert_uint_eq(sizeof(struct mrelease_info), MR_INFO_SIZE_VER0);
	ck_assert_uint_eq(sizeof(struct mrelease_args), MR_ARGS_SIZE_VER0);
	ck_assert_uint_eq(sizeof(struct mrelease_arm_args), MR_ARM_SIZE_VER0);
	ck_assert_uint_eq(offsetof(struct mrelease_args, result), MR_ARGS_HEAD);
}
END_TEST

START_TEST(each_flag_that_is_not_usable_is_refused)
{
	for (int bit = 0; bit < 32; bit++) {
		__u32 flag = 1U << bit;

		ck_assert_int_eq(mr_abi_flags_check(flag, 0), -EINVAL);
		ck_assert_int_eq(mr_abi_flags_check(MRELEASE_KILL | flag,
						    MRELEASE_KILL),
				 flag == MRELEASE_KILL ? 0 : -EINVAL);
	}
	ck_assert_int_eq(mr_abi_flags_check(0, 0), 0);
}
END_TEST

START_TEST(kill_sharers_needs_kill)
{
	ck_assert_int_eq(mr_abi_flags_check(MRELEASE_KILL_SHARERS, ~0U),
			 -EINVAL);
	ck_assert_int_eq(
		mr_abi_flags_check(MRELEASE_KILL_SHARERS | MRELEASE_KILL, ~0U),
		0);
}
END_TEST

START_TEST(a_victim_fd_takes_only_what_there_is)
{
	const __u64 all = ~0ULL;
	struct mrelease_arm_args args;

	for (int bit = 0; bit < 32; bit++) {
		__u32 flag = 1U << bit;

		args = (struct mrelease_arm_args){ .flags = flag };
		ck_assert_int_eq(mr_abi_arm_check(&args, all),
				 flag == MRELEASE_TEARDOWN ? 0 : -EINVAL);
		ck_assert_int_eq(
			mr_abi_arm_check(&args, all & ~MRELEASE_FEAT_TAKEOVER),
			-EINVAL);
		args = (struct mrelease_arm_args){ .fd_flags = flag };
		ck_assert_int_eq(mr_abi_arm_check(&args, 0),
				 flag == O_NONBLOCK ? 0 : -EINVAL);
	}
	args = (struct mrelease_arm_args){ .pad = 1 };
	ck_assert_int_eq(mr_abi_arm_check(&args, all), -EINVAL);
	for (size_t i = 0; i < 4; i++) {
		args = (struct mrelease_arm_args){};
		args.reserved[i] = 1;
		ck_assert_int_eq(mr_abi_arm_check(&args, all), -EINVAL);
	}
	/* Output only. */
	args = (struct mrelease_arm_args){ .fd = -1 };
	ck_assert_int_eq(mr_abi_arm_check(&args, 0), 0);
}
END_TEST

/* A VMA, for a cursor that goes over a list of them from the top. */
struct range {
	unsigned long start;
	unsigned long end;
};

static const struct range *below(const struct range *vmas, int nr,
				 unsigned long pos)
{
	const struct range *found = NULL;

	for (int i = 0; i < nr; i++)
		if (vmas[i].start < pos)
			found = &vmas[i];
	return found;
}

START_TEST(pieces_cover_every_vma_once_from_the_top_down)
{
	static const struct range vmas[] = {
		{ 0x1000, 0x2000 },
		{ MIB(64) - 0x1000, MIB(64) + 0x1000 },
		{ MIB(100), MIB(700) + 0x3000 },
		{ MIB(900), MIB(901) },
		{ 0x7ffffffde000, 0x7ffffffff000 },
	};
	int nr = sizeof(vmas) / sizeof(vmas[0]);
	unsigned long covered = 0, mapped = 0, last = ~0UL;
	const struct range *vma;
	struct mr_cursor cursor;
	struct mr_piece piece;
	int pieces = 0;

	mr_cursor_init(&cursor);
	while ((vma = below(vmas, nr, cursor.pos))) {
		mr_cursor_take(&cursor, vma->end, &piece);
		ck_assert_msg(!mr_piece_empty(&piece),
			      "an empty piece would never end");
		ck_assert_uint_le(piece.end, last);
		ck_assert_uint_le(piece.end - piece.start, MR_PIECE_SIZE);
		ck_assert_uint_eq(piece.start % MR_PIECE_SIZE, 0);
		last = piece.start;
		for (int i = 0; i < nr; i++) {
			unsigned long lo = vmas[i].start > piece.start ?
						   vmas[i].start :
						   piece.start;
			unsigned long hi = vmas[i].end < piece.end ?
						   vmas[i].end :
						   piece.end;

			if (lo < hi)
				covered += hi - lo;
		}
		pieces++;
	}
	for (int i = 0; i < nr; i++)
		mapped += vmas[i].end - vmas[i].start;
	ck_assert_uint_eq(covered, mapped);
	/* [0,64) [64,128) … [640,704) [896,960) and the stack. */
	ck_assert_int_eq(pieces, 81);
}
END_TEST

START_TEST(a_piece_at_address_zero_ends_the_pass)
{
	struct mr_cursor cursor;
	struct mr_piece piece;

	mr_cursor_init(&cursor);
	mr_cursor_take(&cursor, 0x1000, &piece);
	ck_assert_uint_eq(piece.start, 0);
	ck_assert_uint_eq(piece.end, 0x1000);
	ck_assert_uint_eq(cursor.pos, 0);
}
END_TEST

START_TEST(result_is_the_difference_of_the_counters)
{
	struct mr_yield yield = {
		.before = { .anon = 100,
			    .file = 50,
			    .shmem = 20,
			    .swap = 7,
			    .hugetlb = 512 },
		.after = { .file = 10, .shmem = 20, .hugetlb = 512 },
		.tally.reasons = MRELEASE_LEFT_SHARED_MAP |
				 MRELEASE_LEFT_HUGETLB,
	};
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.anon_bytes, KIB(400));
	ck_assert_uint_eq(res.file_bytes, KIB(160));
	ck_assert_uint_eq(res.shmem_bytes, 0);
	ck_assert_uint_eq(res.swap_bytes, KIB(28));
	ck_assert_uint_eq(res.hugetlb_bytes, 0);
	ck_assert_uint_eq(res.evicted_bytes, 0);
	ck_assert_uint_eq(res.left_bytes, KIB(4 * (10 + 20 + 512)));
	ck_assert_uint_eq(res.left_reasons,
			  MRELEASE_LEFT_SHARED_MAP | MRELEASE_LEFT_HUGETLB);
	ck_assert_uint_eq(res.freed_bytes, KIB(400));
	ck_assert_uint_eq(res.notes, 0);
}
END_TEST

START_TEST(freed_is_what_had_no_other_user)
{
	struct mr_yield yield = {
		.before = { .anon = 100, .file = 64, .hugetlb = 512 },
		.tally = { .kept = 30, .evicted = 64 },
	};
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.evicted_bytes, KIB(256));
	ck_assert_uint_eq(res.freed_bytes, KIB(4 * (70 + 64 + 512)));
}
END_TEST

START_TEST(a_blind_pass_is_an_estimate)
{
	struct mr_yield yield = { .before = { .anon = 1 }, .tally.blind = 1 };
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.notes, MRELEASE_NOTE_ESTIMATED);

	yield.after = yield.before;
	memset(&res, 0, sizeof(res));
	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.notes, 0);
}
END_TEST

START_TEST(page_size_is_that_of_the_machine)
{
	struct mr_yield yield = { .before = { .anon = 2 } };
	struct mrelease_result res = {};

	mr_account(&yield, 16, &res);
	ck_assert_uint_eq(res.anon_bytes, KIB(128));
}
END_TEST

START_TEST(nothing_left_has_no_reason)
{
	struct mr_yield yield = { .before = { .anon = 3 },
				  .tally.reasons = ~0U };
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.left_bytes, 0);
	ck_assert_uint_eq(res.left_reasons, 0);
}
END_TEST

START_TEST(a_reason_that_left_nothing_is_not_told)
{
	struct mr_yield yield = {
		.before = { .anon = 1 },
		.after = { .anon = 1 },
		.tally.reasons = MRELEASE_LEFT_SHARED_MAP |
				 MRELEASE_LEFT_HUGETLB | MRELEASE_LEFT_TIMEOUT,
	};
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_TIMEOUT);
}
END_TEST

START_TEST(something_left_always_has_a_reason)
{
	struct mr_yield yield = { .before = { .anon = 1 },
				  .after = { .anon = 1 } };
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_OTHER);

	yield.tally.reasons = MRELEASE_LEFT_SHARED_MAP;
	memset(&res, 0, sizeof(res));
	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_OTHER);
}
END_TEST

START_TEST(counters_that_grew_or_went_below_zero_give_nothing)
{
	struct mr_yield yield = {
		.before = { .anon = 1, .file = -3 },
		.after = { .anon = 5, .file = -9 },
		.tally.kept = 3,
	};
	struct mrelease_result res = {};

	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.anon_bytes, 0);
	ck_assert_uint_eq(res.freed_bytes, 0);
	ck_assert_uint_eq(res.left_bytes, KIB(20));
}
END_TEST

START_TEST(several_address_spaces_add_up)
{
	struct mr_yield yield = {
		.before = { .anon = 1,
			    .file = 2,
			    .shmem = 3,
			    .swap = 4,
			    .hugetlb = 5 },
		.tally = { .evicted = 2 },
		.notes = MRELEASE_NOTE_JOINED,
	};
	struct mrelease_result res = { .elapsed_ns = 5, .victims = 1 };

	mr_account(&yield, PAGE_4K, &res);
	yield.after.anon = 1;
	mr_account(&yield, PAGE_4K, &res);
	ck_assert_uint_eq(res.anon_bytes, KIB(4));
	ck_assert_uint_eq(res.file_bytes, KIB(16));
	ck_assert_uint_eq(res.shmem_bytes, KIB(24));
	ck_assert_uint_eq(res.swap_bytes, KIB(32));
	ck_assert_uint_eq(res.hugetlb_bytes, KIB(40));
	ck_assert_uint_eq(res.evicted_bytes, KIB(16));
	ck_assert_uint_eq(res.freed_bytes, KIB(4 + 16 + 40));
	ck_assert_uint_eq(res.left_bytes, KIB(4));
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_OTHER);
	ck_assert_uint_eq(res.notes, MRELEASE_NOTE_JOINED);
	ck_assert_uint_eq(res.elapsed_ns, 5);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

#define SPARES 4

static bool spare(struct mr_spare *set, unsigned long start, unsigned long end)
{
	struct mr_piece range = { start, end };

	return mr_spare_add(set, &range);
}

START_TEST(spared_ranges_are_in_order_and_apart)
{
	struct mr_piece ranges[SPARES];
	struct mr_spare set = { .max = SPARES, .ranges = ranges };

	ck_assert(spare(&set, 50, 60));
	ck_assert(spare(&set, 10, 20));
	ck_assert(spare(&set, 30, 40));
	ck_assert_uint_eq(set.nr, 3);
	ck_assert_uint_eq(ranges[0].start, 10);
	ck_assert_uint_eq(ranges[1].start, 30);
	ck_assert_uint_eq(ranges[2].start, 50);
	/* The same again, a part, and what touches. */
	ck_assert(spare(&set, 30, 40));
	ck_assert(spare(&set, 12, 15));
	ck_assert(spare(&set, 20, 25));
	ck_assert(spare(&set, 28, 30));
	ck_assert_uint_eq(set.nr, 3);
	ck_assert_uint_eq(ranges[0].end, 25);
	ck_assert_uint_eq(ranges[1].start, 28);
	/* One that closes the gaps. */
	ck_assert(spare(&set, 25, 55));
	ck_assert_uint_eq(set.nr, 1);
	ck_assert_uint_eq(ranges[0].start, 10);
	ck_assert_uint_eq(ranges[0].end, 60);
}
END_TEST

START_TEST(no_room_for_another_range_is_told)
{
	struct mr_piece ranges[SPARES + 1] = { [SPARES] = { 7, 7 } };
	struct mr_spare set = { .max = SPARES, .ranges = ranges };
	unsigned long i;

	for (i = 0; i < SPARES; i++)
		ck_assert(spare(&set, 20 * i, 20 * i + 10));
	ck_assert(!spare(&set, 200, 210));
	ck_assert(!spare(&set, 12, 18));
	ck_assert_uint_eq(set.nr, SPARES);
	ck_assert_uint_eq(ranges[SPARES].start, 7);
	/* But for one that there is already, or that joins two. */
	ck_assert(spare(&set, 0, 10));
	ck_assert(spare(&set, 10, 20));
	ck_assert_uint_eq(set.nr, SPARES - 1);
	ck_assert(spare(&set, 200, 210));
}
END_TEST

START_TEST(the_lowest_spared_range_is_found)
{
	struct mr_piece ranges[SPARES];
	struct mr_spare set = { .max = SPARES, .ranges = ranges };

	ck_assert_ptr_null(mr_spare_find(&set, 0, ~0UL));
	ck_assert(spare(&set, 10, 20));
	ck_assert(spare(&set, 30, 40));
	ck_assert_ptr_eq(mr_spare_find(&set, 0, ~0UL), &ranges[0]);
	ck_assert_ptr_null(mr_spare_find(&set, 0, 10));
	ck_assert_ptr_eq(mr_spare_find(&set, 0, 11), &ranges[0]);
	ck_assert_ptr_eq(mr_spare_find(&set, 19, 25), &ranges[0]);
	ck_assert_ptr_null(mr_spare_find(&set, 20, 30));
	ck_assert_ptr_eq(mr_spare_find(&set, 20, 31), &ranges[1]);
	ck_assert_ptr_eq(mr_spare_find(&set, 35, 36), &ranges[1]);
	ck_assert_ptr_null(mr_spare_find(&set, 40, ~0UL));
}
END_TEST

/* As an assembler encodes them. */
START_TEST(only_a_landing_pad_may_be_called_by_pointer)
{
	ck_assert(mr_landing_pad(0xd503245f)); /* bti c */
	ck_assert(mr_landing_pad(0xd50324df)); /* bti jc */
	ck_assert(mr_landing_pad(0xd503233f)); /* paciasp */
	ck_assert(mr_landing_pad(0xd503237f)); /* pacibsp */
	ck_assert(!mr_landing_pad(0xd503241f)); /* bti */
	ck_assert(!mr_landing_pad(0xd503249f)); /* bti j */
	ck_assert(!mr_landing_pad(0xd503201f)); /* nop */
	ck_assert(!mr_landing_pad(0xd50323bf)); /* autiasp */
	ck_assert(!mr_landing_pad(0xa9bf7bfd)); /* stp x29, x30, [sp, #-16]! */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("module");
	SRunner *runner = srunner_create(suite);
	TCase *args = tcase_create("arguments");
	TCase *cursor = tcase_create("cursor");
	TCase *spares = tcase_create("spares");
	TCase *account = tcase_create("account");
	TCase *landing = tcase_create("landing");
	int failed;

	tcase_add_test(args, size_below_the_first_version_is_refused);
	tcase_add_test(args, size_of_a_newer_caller_is_accepted_up_to_a_limit);
	tcase_add_test(args,
		       sizes_of_the_first_version_are_those_of_the_header);
	tcase_add_test(args, each_flag_that_is_not_usable_is_refused);
	tcase_add_test(args, kill_sharers_needs_kill);
	tcase_add_test(args, a_victim_fd_takes_only_what_there_is);
	suite_add_tcase(suite, args);

	tcase_add_test(cursor, pieces_cover_every_vma_once_from_the_top_down);
	tcase_add_test(cursor, a_piece_at_address_zero_ends_the_pass);
	suite_add_tcase(suite, cursor);

	tcase_add_test(spares, spared_ranges_are_in_order_and_apart);
	tcase_add_test(spares, no_room_for_another_range_is_told);
	tcase_add_test(spares, the_lowest_spared_range_is_found);
	suite_add_tcase(suite, spares);

	tcase_add_test(account, result_is_the_difference_of_the_counters);
	tcase_add_test(account, freed_is_what_had_no_other_user);
	tcase_add_test(account, a_blind_pass_is_an_estimate);
	tcase_add_test(account, page_size_is_that_of_the_machine);
	tcase_add_test(account, nothing_left_has_no_reason);
	tcase_add_test(account, a_reason_that_left_nothing_is_not_told);
	tcase_add_test(account, something_left_always_has_a_reason);
	tcase_add_test(account,
		       counters_that_grew_or_went_below_zero_give_nothing);
	tcase_add_test(account, several_address_spaces_add_up);
	suite_add_tcase(suite, account);

	tcase_add_test(landing, only_a_landing_pad_may_be_called_by_pointer);
	suite_add_tcase(suite, landing);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

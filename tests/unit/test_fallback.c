// SPDX-License-Identifier: GPL-2.0-or-later
/* The back ends "syscall" and "signal", on a kernel that does as it is told. */
#include <mrelease.h>

#include "fake.h"
#include "unit.h"

#define PIDFD 777
#define KIB 1024ULL

static struct mrelease *h;
static struct mrelease_result res;
static int fds;

static void open_syscall(void)
{
	fake_reset();
	fds = unit_count_fds();
	memset(&res, 0xff, sizeof(res));
	h = mrelease_open(MRELEASE_BACKEND_SYSCALL);
	ck_assert_ptr_nonnull(h);
}

static void open_signal(void)
{
	open_syscall();
	mrelease_close(h);
	h = mrelease_open(MRELEASE_BACKEND_SIGNAL);
	ck_assert_ptr_nonnull(h);
}

static void teardown(void)
{
	mrelease_close(h);
	ck_assert_int_eq(unit_count_fds(), fds);
}

#define answers(...)                                       \
	do {                                               \
		static const int list[] = { __VA_ARGS__ }; \
		fake.mrelease_errs = list;                 \
		fake.nr_mrelease_errs = ARRAY_SIZE(list);  \
	} while (0)

static int kill_it(uint32_t timeout_ms)
{
	return mrelease_release(h, PIDFD, MRELEASE_KILL, timeout_ms, &res);
}

/* What /proc said before the victim was killed, and nothing after it. */
static void assert_all_came_back(void)
{
	ck_assert_uint_eq(res.anon_bytes, 2048 * KIB);
	ck_assert_uint_eq(res.file_bytes, 512 * KIB);
	ck_assert_uint_eq(res.shmem_bytes, 128 * KIB);
	ck_assert_uint_eq(res.swap_bytes, 256 * KIB);
	ck_assert_uint_eq(res.hugetlb_bytes, 0);
	ck_assert_uint_eq(res.evicted_bytes, 0);
	ck_assert_uint_eq(res.freed_bytes, 2048 * KIB);
	ck_assert_uint_eq(res.left_bytes, 0);
	ck_assert_uint_eq(res.left_reasons, 0);
	ck_assert_uint_eq(res.notes, MRELEASE_NOTE_ESTIMATED);
	ck_assert_uint_eq(res.pad, 0);
	ck_assert_uint_eq(res.reserved[4], 0);
}

static void assert_untouched(void)
{
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_eq(res.victims, 0);
	ck_assert_uint_eq(res.freed_bytes, 0);
}

START_TEST(syscall_kills_and_reaps)
{
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_uint_eq(res.victims, 1);
	assert_all_came_back();
}
END_TEST

START_TEST(syscall_reaps_without_killing)
{
	ck_assert_int_eq(mrelease_release(h, PIDFD, 0, 0, &res), 0);
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_eq(res.victims, 0);
	assert_all_came_back();
}
END_TEST

START_TEST(syscall_needs_no_result)
{
	ck_assert_int_eq(mrelease_release(h, PIDFD, MRELEASE_KILL, 0, NULL), 0);
	ck_assert_uint_eq(fake.kills, 1);
}
END_TEST

START_TEST(syscall_says_what_is_left)
{
	fake.after = "RssAnon:\t 4 kB\nRssFile:\t 512 kB\n"
		     "RssShmem:\t 128 kB\nVmSwap:\t 8 kB\n"
		     "HugetlbPages:\t 2048 kB\n";
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(res.anon_bytes, 2044 * KIB);
	ck_assert_uint_eq(res.file_bytes, 0);
	ck_assert_uint_eq(res.swap_bytes, 248 * KIB);
	ck_assert_uint_eq(res.hugetlb_bytes, 0);
	ck_assert_uint_eq(res.left_bytes, (4 + 512 + 128 + 8 + 2048) * KIB);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_EXITING);
}
END_TEST

START_TEST(syscall_waits_for_a_victim_that_was_faster)
{
	answers(ESRCH);
	fake.exit_at = fake.now + 300 * FAKE_MS;
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_uint_eq(res.elapsed_ns, 300 * FAKE_MS);
	assert_all_came_back();
}
END_TEST

START_TEST(syscall_wait_ends_at_the_time_limit)
{
	answers(ESRCH);
	assert_errno(kill_it(250), ETIMEDOUT);
	ck_assert_uint_eq(res.elapsed_ns, 250 * FAKE_MS);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_TIMEOUT);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

START_TEST(syscall_wait_without_a_limit_ends_after_ten_seconds)
{
	answers(ESRCH);
	assert_errno(kill_it(0), ETIMEDOUT);
	ck_assert_uint_eq(res.elapsed_ns,
			  MRELEASE_FALLBACK_TIMEOUT_MS * FAKE_MS);
}
END_TEST

START_TEST(syscall_esrch_without_a_kill_is_passed_on)
{
	answers(ESRCH);
	assert_errno(mrelease_release(h, PIDFD, 0, 0, &res), ESRCH);
	ck_assert_uint_eq(res.left_reasons, 0);
}
END_TEST

START_TEST(syscall_tries_again_after_eagain)
{
	answers(EAGAIN, EAGAIN, EAGAIN, 0);
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.mreleases, 4);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.sleeps, 3);
	ck_assert_uint_eq(fake.slept_ms, 1 + 2 + 4);
}
END_TEST

START_TEST(syscall_eagain_ends_at_the_time_limit)
{
	answers(EAGAIN);
	assert_errno(kill_it(100), ETIMEDOUT);
	ck_assert_uint_ge(res.elapsed_ns, 100 * FAKE_MS);
	ck_assert_uint_lt(res.elapsed_ns, 120 * FAKE_MS);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_TIMEOUT);
}
END_TEST

START_TEST(syscall_finds_sharers_after_the_kill)
{
	answers(EINVAL);
	fake.after = fake.before;
	assert_errno(kill_it(0), EINVAL);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_SHARED);
	ck_assert_uint_eq(res.victims, 1);
	ck_assert_uint_eq(res.freed_bytes, 0);
	ck_assert_uint_eq(res.left_bytes, 2944 * KIB);
}
END_TEST

START_TEST(syscall_finds_a_dump_after_the_kill)
{
	answers(EINVAL);
	fake.after = "CoreDumping:\t1\nRssAnon:\t4 kB\n";
	assert_errno(kill_it(0), EBUSY);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_DUMP);
}
END_TEST

START_TEST(syscall_einval_without_a_kill_is_passed_on)
{
	answers(EINVAL);
	assert_errno(mrelease_release(h, PIDFD, 0, 0, &res), EINVAL);
	ck_assert_uint_eq(res.left_reasons, 0);

	fake.after = "CoreDumping:\t1\nRssAnon:\t4 kB\n";
	assert_errno(mrelease_release(h, PIDFD, 0, 0, &res), EINVAL);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_DUMP);
}
END_TEST

START_TEST(syscall_eintr_is_passed_on)
{
	answers(EINTR);
	assert_errno(kill_it(0), EINTR);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_SIGNAL);
	ck_assert_uint_eq(fake.mreleases, 1);
}
END_TEST

START_TEST(signal_kills_and_waits)
{
	fake.exit_at = fake.now + 20 * FAKE_MS;
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.mreleases, 0);
	ck_assert_uint_eq(res.victims, 1);
	ck_assert_uint_eq(res.elapsed_ns, 20 * FAKE_MS);
	assert_all_came_back();
}
END_TEST

START_TEST(signal_wait_ends_at_the_time_limit)
{
	fake.after = fake.before;
	assert_errno(kill_it(40), ETIMEDOUT);
	ck_assert_uint_eq(res.elapsed_ns, 40 * FAKE_MS);
	ck_assert_uint_eq(res.left_bytes, 2944 * KIB);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_TIMEOUT);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

START_TEST(signal_wait_without_a_limit_ends_after_ten_seconds)
{
	assert_errno(kill_it(0), ETIMEDOUT);
	ck_assert_uint_eq(res.elapsed_ns,
			  MRELEASE_FALLBACK_TIMEOUT_MS * FAKE_MS);
}
END_TEST

START_TEST(signal_survives_the_longest_time_limit)
{
	fake.exit_at = fake.now + FAKE_MS;
	ck_assert_int_eq(kill_it(UINT32_MAX), 0);
}
END_TEST

START_TEST(signal_cannot_reap)
{
	assert_errno(mrelease_release(h, PIDFD, 0, 0, &res), EOPNOTSUPP);
	assert_untouched();
}
END_TEST

START_TEST(signal_passes_a_failing_wait_on)
{
	fake.poll_err = ENOMEM;
	assert_errno(kill_it(0), ENOMEM);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

/* The rest holds for both. */

START_TEST(other_flags_are_einval)
{
	int bit;

	for (bit = 1; bit < 32; bit++) {
		uint32_t flags = MRELEASE_KILL | 1U << bit;

		assert_errno(mrelease_release(h, PIDFD, flags, 0, &res),
			     EINVAL);
		assert_errno(mrelease_release(h, PIDFD, 1U << bit, 0, &res),
			     EINVAL);
	}
	assert_untouched();
}
END_TEST

static const int signal_errs[] = { EPERM, ESRCH, EINVAL, EBADF };

START_TEST(a_refused_kill_is_passed_on)
{
	fake.sigkill_err = signal_errs[_i];
	assert_errno(kill_it(0), signal_errs[_i]);
	assert_untouched();
	ck_assert_uint_eq(fake.mreleases, 0);
}
END_TEST

START_TEST(a_victim_that_is_gone_is_esrch)
{
	fake.signal0_err = ESRCH;
	assert_errno(kill_it(0), ESRCH);
	fake.signal0_err = 0;
	fake.exit_at = 0; /* a zombie */
	assert_errno(kill_it(0), ESRCH);
	assert_untouched();
}
END_TEST

START_TEST(the_judgement_of_signal_0_is_not_that_of_sigkill)
{
	fake.signal0_err = EPERM;
	fake.exit_at = fake.now + 1;
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.kills, 1);
}
END_TEST

START_TEST(what_is_not_a_pidfd_is_ebadf)
{
	fake.not_pidfd = true;
	assert_errno(kill_it(0), EBADF);
	assert_untouched();
}
END_TEST

START_TEST(init_kernel_threads_and_oneself_are_not_signalled)
{
	fake.fdinfo_pid = 1;
	fake.stat = "1 (init) S 0 1 1 0 -1 4194560 0\n";
	assert_errno(kill_it(0), EPERM);

	fake.fdinfo_pid = 42;
	fake.stat = "42 (kworker) 0) I 2 0 0 0 -1 69238880 0\n";
	assert_errno(kill_it(0), EPERM);

	fake.fdinfo_pid = getpid();
	fake.stat = "9 (self) S 1 9 9 0 -1 4194560 0\n";
	assert_errno(kill_it(0), EINVAL);
	assert_untouched();
}
END_TEST

START_TEST(a_core_dump_is_not_disturbed)
{
	fake.before = "CoreDumping:\t1\nRssAnon:\t2048 kB\n";
	assert_errno(kill_it(0), EBUSY);
	assert_untouched();
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_DUMP);
	ck_assert_uint_eq(res.left_bytes, 2048 * KIB);
}
END_TEST

static void assert_killed_without_numbers(void)
{
	fake.exit_at = fake.now + FAKE_MS;
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(res.victims, 1);
	ck_assert_uint_eq(res.freed_bytes, 0);
	ck_assert_uint_eq(res.left_bytes, 0);
	ck_assert_uint_eq(res.notes, MRELEASE_NOTE_ESTIMATED);
}

START_TEST(without_proc_it_kills_without_numbers)
{
	fake.no_proc = true;
	assert_killed_without_numbers();
}
END_TEST

START_TEST(a_victim_of_another_pid_namespace_has_no_numbers)
{
	fake.fdinfo_pid = 0;
	assert_killed_without_numbers();
}
END_TEST

START_TEST(a_victim_that_was_waited_for_has_no_numbers)
{
	fake.fdinfo_pid = -1;
	assert_killed_without_numbers();
}
END_TEST

START_TEST(files_of_a_reused_pid_are_not_believed)
{
	fake.recycled = true;
	fake.before = "CoreDumping:\t1\nRssAnon:\t2048 kB\n";
	assert_killed_without_numbers();
}
END_TEST

START_TEST(long_lines_do_not_hide_the_numbers)
{
	static char status[20000];

	memset(status, '7', 19000);
	memcpy(status, "Groups:", 7);
	strcpy(status + 19000, "\nRssAnon:\t2048 kB\n");
	fake.before = status;
	fake.exit_at = fake.now + FAKE_MS;
	ck_assert_int_eq(kill_it(0), 0);
	ck_assert_uint_eq(res.anon_bytes, 2048 * KIB);
}
END_TEST

START_TEST(kill_by_pid_works_too)
{
	fake.exit_at = fake.now + FAKE_MS;
	ck_assert_int_eq(mrelease_kill(h, 42, 0, 0, &res), 0);
	ck_assert_uint_eq(fake.kills, 1);
	assert_all_came_back();
	assert_errno(mrelease_kill(h, 43, 0, 0, &res), ESRCH);
}
END_TEST

static void add_common(struct TCase *tc)
{
	tcase_add_test(tc, other_flags_are_einval);
	tcase_add_loop_test(tc, a_refused_kill_is_passed_on, 0,
			    ARRAY_SIZE(signal_errs));
	tcase_add_test(tc, a_victim_that_is_gone_is_esrch);
	tcase_add_test(tc, the_judgement_of_signal_0_is_not_that_of_sigkill);
	tcase_add_test(tc, what_is_not_a_pidfd_is_ebadf);
	tcase_add_test(tc, init_kernel_threads_and_oneself_are_not_signalled);
	tcase_add_test(tc, a_core_dump_is_not_disturbed);
	tcase_add_test(tc, without_proc_it_kills_without_numbers);
	tcase_add_test(tc, a_victim_of_another_pid_namespace_has_no_numbers);
	tcase_add_test(tc, a_victim_that_was_waited_for_has_no_numbers);
	tcase_add_test(tc, files_of_a_reused_pid_are_not_believed);
	tcase_add_test(tc, long_lines_do_not_hide_the_numbers);
	tcase_add_test(tc, kill_by_pid_works_too);
}

int main(void)
{
	Suite *suite = suite_create("fallback");
	TCase *tc = tcase_create("syscall");

	tcase_add_checked_fixture(tc, open_syscall, teardown);
	tcase_add_test(tc, syscall_kills_and_reaps);
	tcase_add_test(tc, syscall_reaps_without_killing);
	tcase_add_test(tc, syscall_needs_no_result);
	tcase_add_test(tc, syscall_says_what_is_left);
	tcase_add_test(tc, syscall_waits_for_a_victim_that_was_faster);
	tcase_add_test(tc, syscall_wait_ends_at_the_time_limit);
	tcase_add_test(tc, syscall_wait_without_a_limit_ends_after_ten_seconds);
	tcase_add_test(tc, syscall_esrch_without_a_kill_is_passed_on);
	tcase_add_test(tc, syscall_tries_again_after_eagain);
	tcase_add_test(tc, syscall_eagain_ends_at_the_time_limit);
	tcase_add_test(tc, syscall_finds_sharers_after_the_kill);
	tcase_add_test(tc, syscall_finds_a_dump_after_the_kill);
	tcase_add_test(tc, syscall_einval_without_a_kill_is_passed_on);
	tcase_add_test(tc, syscall_eintr_is_passed_on);
	add_common(tc);
	suite_add_tcase(suite, tc);

	tc = tcase_create("signal");
	tcase_add_checked_fixture(tc, open_signal, teardown);
	tcase_add_test(tc, signal_kills_and_waits);
	tcase_add_test(tc, signal_wait_ends_at_the_time_limit);
	tcase_add_test(tc, signal_wait_without_a_limit_ends_after_ten_seconds);
	tcase_add_test(tc, signal_survives_the_longest_time_limit);
	tcase_add_test(tc, signal_cannot_reap);
	tcase_add_test(tc, signal_passes_a_failing_wait_on);
	add_common(tc);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

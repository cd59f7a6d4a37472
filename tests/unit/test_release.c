// SPDX-License-Identifier: GPL-2.0-or-later
/* mrelease_release() and mrelease_kill() by way of the device. */
#include <pthread.h>
#include <fcntl.h>

#include <mrelease.h>

#include "fake.h"
#include "unit.h"

#define PIDFD 777 /* only handed through */

static struct mrelease *h;
static int fds;

static void setup(void)
{
	fake_reset();
	h = mrelease_open(MRELEASE_BACKEND_DEVICE);
	ck_assert_ptr_nonnull(h);
	fake.ioctls = 0;
	fds = unit_count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds);
	mrelease_close(h);
}

START_TEST(the_arguments_arrive)
{
	static const struct mrelease_result zero;

	ck_assert_int_eq(mrelease_release(h, PIDFD,
					  MRELEASE_KILL | MRELEASE_EVICT, 1234,
					  NULL),
			 0);
	ck_assert_uint_eq(fake.ioctls, 1);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	ck_assert_uint_eq(fake.args.size, sizeof(struct mrelease_args));
	ck_assert_int_eq(fake.args.pidfd, PIDFD);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | MRELEASE_EVICT);
	ck_assert_uint_eq(fake.args.timeout_ms, 1234);
	ck_assert_mem_eq(&fake.args.result, &zero, sizeof(zero));
}
END_TEST

START_TEST(release_adds_no_kill)
{
	ck_assert_int_eq(mrelease_release(h, PIDFD, 0, 0, NULL), 0);
	ck_assert_uint_eq(fake.args.flags, 0);
}
END_TEST

START_TEST(unknown_flags_are_left_to_the_module)
{
	ck_assert_int_eq(mrelease_release(h, PIDFD, 1U << 31, 0, NULL), 0);
	ck_assert_uint_eq(fake.args.flags, 1U << 31);
}
END_TEST

START_TEST(the_result_comes_back)
{
	struct mrelease_result res;

	memset(&fake.victims[0].result, 0x5a, sizeof(res));
	memset(&res, 0xff, sizeof(res));
	ck_assert_int_eq(mrelease_release(h, PIDFD, 0, 0, &res), 0);
	ck_assert_mem_eq(&res, &fake.victims[0].result, sizeof(res));
}
END_TEST

static const int errs[] = { EBADF, ESRCH, EINVAL,    EPERM, EBUSY, EAGAIN,
			    EINTR, E2BIG, ETIMEDOUT, EBADE, EFAULT };

START_TEST(errors_come_back_with_what_was_done)
{
	struct mrelease_result res;

	fake.victims[0].err = errs[_i];
	fake.victims[0].result.anon_bytes = 4096;
	fake.victims[0].result.left_reasons = MRELEASE_LEFT_OTHER;
	assert_errno(mrelease_release(h, PIDFD, 0, 0, &res), errs[_i]);
	ck_assert_uint_eq(res.anon_bytes, 4096);
	ck_assert_uint_eq(res.left_reasons, MRELEASE_LEFT_OTHER);
	assert_errno(mrelease_release(h, PIDFD, 0, 0, NULL), errs[_i]);

	/* EAGAIN and EINTR are the caller's to judge. */
	ck_assert_uint_eq(fake.ioctls, 2);
}
END_TEST

START_TEST(a_null_handle_is_einval_and_zeroes_the_result)
{
	static const struct mrelease_result zero;
	struct mrelease_result res;

	memset(&res, 0xff, sizeof(res));
	assert_errno(mrelease_release(NULL, PIDFD, 0, 0, &res), EINVAL);
	ck_assert_mem_eq(&res, &zero, sizeof(zero));
	assert_errno(mrelease_release(NULL, PIDFD, 0, 0, NULL), EINVAL);

	memset(&res, 0xff, sizeof(res));
	assert_errno(mrelease_kill(NULL, 42, 0, 0, &res), EINVAL);
	ck_assert_mem_eq(&res, &zero, sizeof(zero));
	assert_errno(mrelease_kill(NULL, 42, 0, 0, NULL), EINVAL);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(a_negative_pidfd_is_ebadf)
{
	assert_errno(mrelease_release(h, -1, MRELEASE_KILL, 0, NULL), EBADF);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(kill_opens_and_closes_a_pidfd_and_adds_the_flag)
{
	struct mrelease_result res;

	fake.victims[0].result.victims = 1;
	ck_assert_int_eq(mrelease_kill(h, 42, MRELEASE_TEARDOWN, 55, &res), 0);
	ck_assert_int_eq(fake.args.pidfd, fake.victims[0].fd);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | MRELEASE_TEARDOWN);
	ck_assert_uint_eq(fake.args.timeout_ms, 55);
	ck_assert_uint_eq(res.victims, 1);
	assert_errno(fcntl(fake.victims[0].fd, F_GETFD), EBADF);
}
END_TEST

START_TEST(kill_keeps_the_errno_across_the_close)
{
	fake.victims[0].err = EBUSY;
	assert_errno(mrelease_kill(h, 42, 0, 0, NULL), EBUSY);
}
END_TEST

static const int open_errs[] = { ESRCH, EINVAL, ENOENT, EMFILE, ENFILE, ENOMEM };

START_TEST(kill_passes_errors_of_pidfd_open_on)
{
	static const struct mrelease_result zero;
	struct mrelease_result res;

	memset(&res, 0xff, sizeof(res));
	fake.pidfd_open_err = open_errs[_i];
	assert_errno(mrelease_kill(h, 42, 0, 0, &res), open_errs[_i]);
	ck_assert_mem_eq(&res, &zero, sizeof(zero));
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(kill_refuses_groups_and_itself)
{
	assert_errno(mrelease_kill(h, 0, 0, 0, NULL), EINVAL);
	assert_errno(mrelease_kill(h, -1, 0, 0, NULL), EINVAL);
	assert_errno(mrelease_kill(h, -42, 0, 0, NULL), EINVAL);
	fake_add(getpid(), "self");
	assert_errno(mrelease_kill(h, getpid(), 0, 0, NULL), EINVAL);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

#define NR_THREADS 8
#define NR_ROUNDS 500

static void *hammer(void *data)
{
	struct mrelease_result res;
	long bad = 0;
	int i;

	(void)data;
	for (i = 0; i < NR_ROUNDS; i++) {
		if (mrelease_release(h, PIDFD, 0, 0, &res) ||
		    res.anon_bytes != 4096)
			bad++;
		if (mrelease_backend(h) != MRELEASE_BACKEND_DEVICE)
			bad++;
	}
	return (void *)bad;
}

START_TEST(threads_share_a_handle)
{
	pthread_t threads[NR_THREADS];
	void *bad;
	int ret;
	int i;

	fake.victims[0].result.anon_bytes = 4096;
	for (i = 0; i < NR_THREADS; i++) {
		ret = pthread_create(&threads[i], NULL, hammer, NULL);
		ck_assert_int_eq(ret, 0);
	}
	for (i = 0; i < NR_THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
		ck_assert_ptr_null(bad);
	}
	ck_assert_uint_eq(fake.ioctls, NR_THREADS * NR_ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("release");
	TCase *tc = tcase_create("device");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_arguments_arrive);
	tcase_add_test(tc, release_adds_no_kill);
	tcase_add_test(tc, unknown_flags_are_left_to_the_module);
	tcase_add_test(tc, the_result_comes_back);
	tcase_add_loop_test(tc, errors_come_back_with_what_was_done, 0,
			    ARRAY_SIZE(errs));
	tcase_add_test(tc, a_null_handle_is_einval_and_zeroes_the_result);
	tcase_add_test(tc, a_negative_pidfd_is_ebadf);
	tcase_add_test(tc, kill_opens_and_closes_a_pidfd_and_adds_the_flag);
	tcase_add_test(tc, kill_keeps_the_errno_across_the_close);
	tcase_add_loop_test(tc, kill_passes_errors_of_pidfd_open_on, 0,
			    ARRAY_SIZE(open_errs));
	tcase_add_test(tc, kill_refuses_groups_and_itself);
	tcase_add_test(tc, threads_share_a_handle);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

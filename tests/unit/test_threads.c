// SPDX-License-Identifier: GPL-2.0-or-later
/* One victim, several threads: what the caller is told of what they were told. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <mrelease.h>

#include "fake.h"
#include "unit.h"

static struct mrelease *h;
static struct mrelease_result res;
static int pidfd;
static int fds;

static void begin(enum mrelease_backend backend)
{
	fake_reset();
	if (backend != MRELEASE_BACKEND_DEVICE)
		fake_unload();
	h = mrelease_open(backend);
	ck_assert_ptr_nonnull(h);
	pidfd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fake.ioctls = 0;
	fake.victims[0].result = (struct mrelease_result){
		.anon_bytes = 8192,
		.freed_bytes = 4096,
		.victims = 1,
	};
	memset(&res, 0xff, sizeof(res));
	fds = unit_count_fds();
}

static void setup_device(void)
{
	begin(MRELEASE_BACKEND_DEVICE);
}

static void setup_syscall(void)
{
	begin(MRELEASE_BACKEND_SYSCALL);
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds);
	close(pidfd);
	mrelease_close(h);
}

START_TEST(each_thread_makes_the_call)
{
	static const uint32_t threads[] = { 1, 2, 4, MRELEASE_THREADS_MAX };

	ck_assert_int_eq(mrelease_release_threads(
				 h, pidfd, MRELEASE_KILL | MRELEASE_EVICT, 1234,
				 threads[_i], &res),
			 0);
	ck_assert_uint_eq(fake.ioctls, threads[_i]);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	ck_assert_int_eq(fake.args.pidfd, pidfd);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | MRELEASE_EVICT);
	ck_assert_uint_eq(fake.args.timeout_ms, 1234);
	/* Each was told the same, and so is the caller, once. */
	ck_assert_uint_eq(res.anon_bytes, 8192);
	ck_assert_uint_eq(res.freed_bytes, 4096);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

START_TEST(who_comes_too_late_is_no_failure)
{
	/* The first one, whichever, has it all; the others are told this. */
	static const int errs[] = { ESRCH, ETIMEDOUT, 0 };

	fake.once = true;
	fake.later_err = errs[_i];
	ck_assert_int_eq(mrelease_release_threads(h, pidfd, MRELEASE_KILL, 0, 8,
						  &res),
			 0);
	ck_assert_uint_eq(fake.ioctls, 8);
	ck_assert_uint_eq(res.anon_bytes, 8192);
	ck_assert_uint_eq(res.freed_bytes, 4096);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

START_TEST(what_all_are_told_is_the_error)
{
	static const int errs[] = { EPERM, ESRCH, EINTR, EBUSY };

	fake.victims[0].err = errs[_i];
	ck_assert_int_eq(mrelease_release_threads(h, pidfd, MRELEASE_KILL, 0, 3,
						  &res),
			 -1);
	ck_assert_int_eq(errno, errs[_i]);
	ck_assert_uint_eq(res.anon_bytes, 8192);
}
END_TEST

START_TEST(of_those_who_failed_the_one_that_did_something_counts)
{
	fake.once = true;
	fake.victims[0].err = ETIMEDOUT;
	fake.later_err = ESRCH;
	ck_assert_int_eq(mrelease_release_threads(h, pidfd, MRELEASE_KILL, 1, 4,
						  &res),
			 -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_uint_eq(res.anon_bytes, 8192);
	ck_assert_uint_eq(res.victims, 1);
}
END_TEST

START_TEST(the_caller_stays_as_it_was)
{
	sigset_t before, after;
	int state;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(mrelease_release_threads(h, pidfd, MRELEASE_KILL, 0, 4,
						  NULL),
			 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(sigismember(&after, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&after, SIGTERM), 0);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	ck_assert_int_eq(state, PTHREAD_CANCEL_ENABLE);
}
END_TEST

START_TEST(mistakes_are_errors)
{
	static const uint32_t threads[] = { 0, MRELEASE_THREADS_MAX + 1,
					    UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		memset(&res, 0xff, sizeof(res));
		ck_assert_int_eq(mrelease_release_threads(h, pidfd,
							  MRELEASE_KILL, 0,
							  threads[i], &res),
				 -1);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_uint_eq(res.victims, 0);
	}
	ck_assert_int_eq(mrelease_release_threads(NULL, pidfd, MRELEASE_KILL, 0,
						  2, NULL),
			 -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(
		mrelease_release_threads(h, -1, MRELEASE_KILL, 0, 2, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(without_the_module_the_caller_does_it_alone)
{
	ck_assert_int_eq(mrelease_release_threads(h, pidfd, MRELEASE_KILL, 0, 8,
						  &res),
			 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.mreleases, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("threads");
	TCase *device = tcase_create("device");
	TCase *other = tcase_create("syscall");

	tcase_add_checked_fixture(device, setup_device, teardown);
	tcase_add_loop_test(device, each_thread_makes_the_call, 0, 4);
	tcase_add_loop_test(device, who_comes_too_late_is_no_failure, 0, 3);
	tcase_add_loop_test(device, what_all_are_told_is_the_error, 0, 4);
	tcase_add_test(device,
		       of_those_who_failed_the_one_that_did_something_counts);
	tcase_add_test(device, the_caller_stays_as_it_was);
	tcase_add_test(device, mistakes_are_errors);
	suite_add_tcase(s, device);

	tcase_add_checked_fixture(other, setup_syscall, teardown);
	tcase_add_test(other, without_the_module_the_caller_does_it_alone);
	tcase_add_test(other, mistakes_are_errors);
	suite_add_tcase(s, other);
	return unit_main(s);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* What the drop-in does with a call, against a kernel that is not there. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../userspace/preload/preload.h"
#include "fake.h"
#include "unit.h"

static int fds;
static int real_flags; /* what the kernel was asked with flags */
static int real_flags_err;

/* The call itself, which the fake kernel knows without flags only. */
int mr_preload_real_mrelease(int pidfd, unsigned int flags)
{
	(void)pidfd;
	real_flags = (int)flags;
	errno = real_flags_err;
	return -1;
}

static void set_env(const char *flags, const char *timeout, const char *pair)
{
	setenv("MRELEASE_PRELOAD_FLAGS", flags, 1);
	setenv("MRELEASE_PRELOAD_TIMEOUT", timeout, 1);
	setenv("MRELEASE_PRELOAD_PAIR", pair, 1);
}

/* Each test is a process of its own, so the drop-in starts afresh. */
static void setup(void)
{
	unsetenv("MRELEASE_PRELOAD_FLAGS");
	unsetenv("MRELEASE_PRELOAD_TIMEOUT");
	unsetenv("MRELEASE_PRELOAD_PAIR");
	unsetenv("MRELEASE_PRELOAD_VERBOSE");
	fake_reset();
	fake.info.features |= MRELEASE_EVICT | MRELEASE_TEARDOWN;
	fake.victims[0].result.victims = 1;
	real_flags_err = EINVAL;
	fds = unit_count_fds();
}

static void assert_by_device(uint32_t flags)
{
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	ck_assert_uint_eq(fake.args.size, sizeof(fake.args));
	ck_assert_uint_eq(fake.args.flags, flags);
	ck_assert_uint_eq(fake.mreleases, 0);
}

START_TEST(a_release_is_one_with_flags_0)
{
	mr_preload_start();
	errno = 77;
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_int_eq(errno, 77);
	assert_by_device(0);
	ck_assert_int_eq(fake.args.pidfd, 7);
	ck_assert_uint_eq(fake.args.timeout_ms, 0);
}
END_TEST

START_TEST(without_the_module_the_kernel_is_asked)
{
	static const int errs[] = { ENOSYS };

	fake_unload();
	errno = 77;
	mr_preload_start();
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(unit_count_fds(), fds);
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_uint_eq(fake.ioctls, 0);
	fake.mrelease_errs = errs;
	fake.nr_mrelease_errs = 1;
	assert_errno(mr_preload_mrelease(7, 0), ENOSYS);
	/* Nor does it look again and again. */
	ck_assert_uint_eq(fake.opens, 1);
}
END_TEST

START_TEST(before_its_start_the_kernel_is_asked)
{
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert(!mr_preload_kill_pidfd(7));
	ck_assert(!mr_preload_kill_pid(42));
}
END_TEST

/* What callers of process_mrelease(2) know goes through. */
static const int passed_on[] = { EBADF, EINTR, EINVAL, ESRCH };

START_TEST(errors_of_the_call_stay_what_they_are)
{
	mr_preload_start();
	fake.victims[0].err = passed_on[_i];
	assert_errno(mr_preload_mrelease(7, 0), passed_on[_i]);
	assert_by_device(0);
}
END_TEST

/* These say that the device did nothing, for a reason of its own. */
static const int its_own[] = { EPERM,  EAGAIN, ENOTTY, E2BIG,
			       EFAULT, ENODEV, EBADE,  EIO };

START_TEST(errors_of_the_device_lead_to_the_kernel)
{
	mr_preload_start();
	fake.victims[0].err = its_own[_i];
	errno = 77;
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_uint_eq(fake.mreleases, 1);
}
END_TEST

START_TEST(out_of_time_is_eagain)
{
	mr_preload_start();
	fake.victims[0].err = ETIMEDOUT;
	assert_errno(mr_preload_mrelease(7, 0), EAGAIN);
	ck_assert_uint_eq(fake.mreleases, 0);
}
END_TEST

/* Programs probe with (-1, 0); old kernels must look like new ones then. */
START_TEST(the_probe_finds_a_call)
{
	mr_preload_start();
	fake.probe_mrelease_err = ENOSYS;
	assert_errno(mr_preload_mrelease(-1, 0), EBADF);
	ck_assert_uint_eq(fake.mreleases, 0);
}
END_TEST

START_TEST(the_probe_finds_none_without_module_and_call)
{
	fake_unload();
	mr_preload_start();
	fake.probe_mrelease_err = ENOSYS;
	assert_errno(mr_preload_mrelease(-1, 0), ENOSYS);
}
END_TEST

START_TEST(flags_of_the_caller_are_for_the_kernel)
{
	mr_preload_start();
	fake.ioctls = 0;
	assert_errno(mr_preload_mrelease(7, 1), EINVAL);
	ck_assert_int_eq(real_flags, 1);
	real_flags_err = ENOSYS;
	assert_errno(mr_preload_mrelease(7, 2), EINVAL);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.kills, 0);
}
END_TEST

static const struct {
	const char *text;
	uint32_t flags;
} flag_words[] = {
	{ "", 0 },
	{ "evict", MRELEASE_EVICT },
	{ "evict,teardown", MRELEASE_EVICT | MRELEASE_TEARDOWN },
	{ " teardown, evict ,", MRELEASE_EVICT | MRELEASE_TEARDOWN },
	/* Never one that kills, whatever stands there. */
	{ "kill", 0 },
	{ "kill-sharers,kill,evict", MRELEASE_EVICT },
	{ "evicted,evic,EVICT,1,0xff", 0 },
	/* The module that is loaded has not got it. */
	{ "shared,evict", MRELEASE_EVICT },
};

START_TEST(the_environment_adds_flags)
{
	set_env(flag_words[_i].text, "250", "0");
	mr_preload_start();
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	assert_by_device(flag_words[_i].flags);
	ck_assert_uint_eq(fake.args.timeout_ms, 250);
}
END_TEST

static const struct {
	const char *text;
	const char *flags;
	uint32_t ms;
} timeouts[] = {
	{ "0", "evict", 0 },
	{ "5000", "", 5000 },
	{ "", "evict", 1000 },
	{ "", "", 0 },
	{ "1s", "evict", 1000 },
	{ "-1", "evict", 1000 },
	{ "4294967296", "", 0 },
	{ "4294967295", "", 4294967295U },
	{ "99999999999999999999", "", 0 },
};

START_TEST(the_environment_sets_the_limit)
{
	set_env(timeouts[_i].flags, timeouts[_i].text, "");
	mr_preload_start();
	mr_preload_mrelease(7, 0);
	ck_assert_uint_eq(fake.args.timeout_ms, timeouts[_i].ms);
}
END_TEST

START_TEST(no_kill_is_ours_without_the_switch)
{
	mr_preload_start();
	fake.ioctls = 0;
	ck_assert(!mr_preload_kill_pidfd(7));
	ck_assert(!mr_preload_kill_pid(42));
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_int_eq(fake.victims[0].fd, -1);
}
END_TEST

static const char *const not_on[] = { "0", "", "yes", "11", "true" };

START_TEST(the_switch_is_a_1)
{
	set_env("", "", not_on[_i]);
	mr_preload_start();
	ck_assert(!mr_preload_kill_pidfd(7));
}
END_TEST

START_TEST(a_pair_is_one_call)
{
	set_env("evict", "", "1");
	mr_preload_start();
	fds = unit_count_fds();
	errno = 77;
	ck_assert(mr_preload_kill_pidfd(7));
	ck_assert_int_eq(errno, 77);
	assert_by_device(MRELEASE_KILL | MRELEASE_EVICT);
	ck_assert_uint_eq(fake.args.timeout_ms, 1000);
	ck_assert_int_eq(fake.args.pidfd, 7);
	ck_assert(mr_preload_kill_pid(42));
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(fake.args.pidfd, fake.victims[0].fd);
	ck_assert_int_eq(unit_count_fds(), fds);
	/* Its second half still is one with flags 0, and kills nobody. */
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	assert_by_device(MRELEASE_EVICT);
}
END_TEST

START_TEST(who_was_not_signalled_is_signalled_as_asked)
{
	set_env("", "", "1");
	mr_preload_start();
	fake.victims[0].err = EINVAL;
	fake.victims[0].result.victims = 0;
	errno = 77;
	ck_assert(!mr_preload_kill_pidfd(7));
	ck_assert(!mr_preload_kill_pid(42));
	fake.pidfd_open_err = EMFILE;
	ck_assert(!mr_preload_kill_pid(42));
	ck_assert_int_eq(errno, 77);
	ck_assert(!mr_preload_kill_pidfd(-1));
}
END_TEST

START_TEST(who_was_signalled_is_not_signalled_again)
{
	set_env("", "", "1");
	mr_preload_start();
	fake.victims[0].err = ETIMEDOUT;
	ck_assert(mr_preload_kill_pidfd(7));
}
END_TEST

START_TEST(a_module_that_cannot_kill_pairs_nothing)
{
	set_env("", "", "1");
	fake.info.features &= ~(uint64_t)MRELEASE_KILL;
	mr_preload_start();
	ck_assert(!mr_preload_kill_pidfd(7));
	ck_assert_uint_eq(fake.args.flags, 0);
}
END_TEST

static int device_fd(void)
{
	struct stat st;
	int fd;

	for (fd = 1023; fd > 2; fd--) {
		if (!fstat(fd, &st) && S_ISCHR(st.st_mode))
			return fd;
	}
	return -1;
}

START_TEST(the_device_keeps_out_of_the_way)
{
	mr_preload_start();
	ck_assert_int_ge(device_fd(), 900);
	ck_assert_int_eq(unit_count_fds(), fds + 1);
	ck_assert(fcntl(device_fd(), F_GETFD) & FD_CLOEXEC);
}
END_TEST

START_TEST(a_device_that_was_closed_is_opened_again)
{
	mr_preload_start();
	close(device_fd());
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	assert_by_device(0);
	ck_assert_uint_eq(fake.opens, 2);
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.opens, 2);
	ck_assert_int_eq(unit_count_fds(), fds + 1);
}
END_TEST

START_TEST(a_number_that_was_used_again_is_left_alone)
{
	int other = memfd_create("other", 0);
	int fd;

	mr_preload_start();
	fd = device_fd();
	ck_assert_int_eq(dup2(other, fd), fd);
	fake.open_err = EACCES;
	fake.ioctls = 0;
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.mreleases, 1);
	/* Still open, and nobody else's. */
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	/* That was the only attempt. */
	fake.open_err = 0;
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.opens, 2);
	ck_assert_uint_eq(fake.mreleases, 2);
}
END_TEST

START_TEST(another_device_is_not_taken)
{
	mr_preload_start();
	fake.ino++;
	fake.ioctls = 0;
	fds = unit_count_fds();
	ck_assert_int_eq(mr_preload_mrelease(7, 0), 0);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_int_eq(unit_count_fds(), fds);
}
END_TEST

START_TEST(what_is_no_device_is_not_opened)
{
	fake.devpath = "../../devices/virtual/misc/other";
	mr_preload_start();
	ck_assert_int_eq(unit_count_fds(), fds);
	mr_preload_mrelease(7, 0);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.mreleases, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("preload");
	TCase *tc = tcase_create("preload");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_release_is_one_with_flags_0);
	tcase_add_test(tc, without_the_module_the_kernel_is_asked);
	tcase_add_test(tc, before_its_start_the_kernel_is_asked);
	tcase_add_loop_test(tc, errors_of_the_call_stay_what_they_are, 0,
			    ARRAY_SIZE(passed_on));
	tcase_add_loop_test(tc, errors_of_the_device_lead_to_the_kernel, 0,
			    ARRAY_SIZE(its_own));
	tcase_add_test(tc, out_of_time_is_eagain);
	tcase_add_test(tc, the_probe_finds_a_call);
	tcase_add_test(tc, the_probe_finds_none_without_module_and_call);
	tcase_add_test(tc, flags_of_the_caller_are_for_the_kernel);
	tcase_add_loop_test(tc, the_environment_adds_flags, 0,
			    ARRAY_SIZE(flag_words));
	tcase_add_loop_test(tc, the_environment_sets_the_limit, 0,
			    ARRAY_SIZE(timeouts));
	tcase_add_test(tc, no_kill_is_ours_without_the_switch);
	tcase_add_loop_test(tc, the_switch_is_a_1, 0, ARRAY_SIZE(not_on));
	tcase_add_test(tc, a_pair_is_one_call);
	tcase_add_test(tc, who_was_not_signalled_is_signalled_as_asked);
	tcase_add_test(tc, who_was_signalled_is_not_signalled_again);
	tcase_add_test(tc, a_module_that_cannot_kill_pairs_nothing);
	tcase_add_test(tc, the_device_keeps_out_of_the_way);
	tcase_add_test(tc, a_device_that_was_closed_is_opened_again);
	tcase_add_test(tc, a_number_that_was_used_again_is_left_alone);
	tcase_add_test(tc, another_device_is_not_taken);
	tcase_add_test(tc, what_is_no_device_is_not_opened);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

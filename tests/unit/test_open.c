// SPDX-License-Identifier: GPL-2.0-or-later
/* mrelease_open(): which back end, and what is taken for the device. */
#include <fcntl.h>

#include <mrelease.h>

#include "fake.h"
#include "unit.h"

static struct mrelease *h;
static int fds;

static void setup(void)
{
	fake_reset();
	fds = unit_count_fds();
}

static void teardown(void)
{
	mrelease_close(h);
	h = NULL;
	ck_assert_int_eq(unit_count_fds(), fds);
}

static void assert_opens(enum mrelease_backend want,
			 enum mrelease_backend expected)
{
	h = mrelease_open(want);
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(mrelease_backend(h), expected);
}

static void assert_fails(enum mrelease_backend want, int err)
{
	errno = 0;
	h = mrelease_open(want);
	ck_assert_ptr_null(h);
	ck_assert_int_eq(errno, err);
}

START_TEST(auto_prefers_the_device)
{
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_DEVICE);
}
END_TEST

START_TEST(auto_takes_the_syscall_without_a_device)
{
	fake_unload();
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_SYSCALL);
}
END_TEST

START_TEST(auto_takes_the_syscall_when_the_device_is_forbidden)
{
	fake.open_err = EACCES;
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_SYSCALL);
}
END_TEST

START_TEST(auto_takes_the_signal_without_the_syscall)
{
	fake_unload();
	fake.probe_mrelease_err = ENOSYS;
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_SIGNAL);
}
END_TEST

START_TEST(auto_fails_when_nothing_is_there)
{
	fake_unload();
	fake.probe_mrelease_err = ENOSYS;
	fake.probe_signal_err = ENOSYS;
	assert_fails(MRELEASE_BACKEND_AUTO, ENOSYS);
	fake.probe_signal_err = EPERM;
	assert_fails(MRELEASE_BACKEND_AUTO, ENOSYS);
}
END_TEST

static const int resources[] = { EMFILE, ENFILE, ENOMEM };

START_TEST(auto_does_not_fall_back_for_want_of_resources)
{
	fake.open_err = resources[_i];
	assert_fails(MRELEASE_BACKEND_AUTO, resources[_i]);
}
END_TEST

START_TEST(forced_back_ends_are_taken)
{
	assert_opens(_i, _i);
}
END_TEST

static const int open_errs[][2] = {
	{ ENOENT, ENOENT }, { EACCES, EACCES }, { EPERM, EPERM },
	{ ENXIO, ENODEV },  { ENODEV, ENODEV }, { EMFILE, EMFILE },
};

START_TEST(forced_device_says_why_it_cannot_be_opened)
{
	fake.open_err = open_errs[_i][0];
	assert_fails(MRELEASE_BACKEND_DEVICE, open_errs[_i][1]);
}
END_TEST

START_TEST(forced_syscall_fails_without_it)
{
	fake.probe_mrelease_err = ENOSYS;
	assert_fails(MRELEASE_BACKEND_SYSCALL, ENOSYS);
	fake.probe_mrelease_err = EPERM;
	assert_fails(MRELEASE_BACKEND_SYSCALL, EPERM);
}
END_TEST

START_TEST(forced_signal_fails_without_it)
{
	fake.probe_signal_err = ENOSYS;
	assert_fails(MRELEASE_BACKEND_SIGNAL, ENOSYS);
}
END_TEST

START_TEST(unknown_back_end_is_refused)
{
	assert_fails((enum mrelease_backend)4, EINVAL);
	assert_fails((enum mrelease_backend)255, EINVAL);
}
END_TEST

START_TEST(a_regular_file_is_not_the_device)
{
	fake.mode = S_IFREG | 0600;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(a_device_of_another_class_is_not_the_device)
{
	fake.subsystem = "../../../../class/tty";
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	fake.subsystem = "../../../../class/notmisc";
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(another_misc_device_is_not_the_device)
{
	fake.devpath = "../../devices/virtual/misc/hpet";
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	fake.devpath = "../../devices/virtual/misc/not-mrelease";
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	fake.devpath = "x";
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(a_link_that_was_cut_is_not_believed)
{
	static char longer[300];

	memset(longer, 'x', sizeof(longer) - 1);
	memcpy(longer + 256 - strlen("/class/misc"), "/class/misc",
	       strlen("/class/misc"));
	fake.subsystem = longer;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
}
END_TEST

START_TEST(without_sysfs_the_device_is_not_believed)
{
	fake.subsystem = NULL;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	fake.subsystem = "../../../../class/misc";
	fake.devpath = NULL;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(info_must_work)
{
	fake.info_err = ENOTTY;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
	fake.info_err = EPERM;
	assert_fails(MRELEASE_BACKEND_DEVICE, EPERM);
	fake.info_err = 0;
	fake.info.abi_version = 0;
	assert_fails(MRELEASE_BACKEND_DEVICE, ENODEV);
}
END_TEST

START_TEST(info_is_asked_with_its_size_and_zeroes)
{
	static const struct mrelease_info zero;

	assert_opens(MRELEASE_BACKEND_DEVICE, MRELEASE_BACKEND_DEVICE);
	ck_assert_uint_eq(fake.asked.size, sizeof(struct mrelease_info));
	fake.asked.size = 0;
	ck_assert_mem_eq(&fake.asked, &zero, sizeof(zero));
}
END_TEST

START_TEST(info_of_the_device_is_passed_on)
{
	struct mrelease_info info;

	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_DEVICE);
	ck_assert_int_eq(mrelease_get_info(h, &info), 0);
	ck_assert_uint_eq(info.abi_version, MRELEASE_ABI_VERSION);
	ck_assert_uint_eq(info.size, sizeof(info));
	ck_assert_str_eq(info.primitive, "zap_page_range_single");
	ck_assert_str_eq(info.version, "9.8.7");
	ck_assert_uint_eq(info.features, fake.info.features);
	ck_assert_uint_eq(mrelease_features(h), fake.info.features);
}
END_TEST

START_TEST(info_strings_are_terminated)
{
	struct mrelease_info info;

	memset(fake.info.primitive, 'p', sizeof(fake.info.primitive));
	memset(fake.info.version, 'v', sizeof(fake.info.version));
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_DEVICE);
	ck_assert_int_eq(mrelease_get_info(h, &info), 0);
	ck_assert_uint_eq(strlen(info.primitive), sizeof(info.primitive) - 1);
	ck_assert_uint_eq(strlen(info.version), sizeof(info.version) - 1);
}
END_TEST

START_TEST(info_of_the_others_names_the_call_and_kill_only)
{
	static const char *const calls[] = {
		[MRELEASE_BACKEND_SYSCALL] = "process_mrelease",
		[MRELEASE_BACKEND_SIGNAL] = "pidfd_send_signal",
	};
	struct mrelease_info info;

	assert_opens(_i, _i);
	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(mrelease_get_info(h, &info), 0);
	ck_assert_uint_eq(info.abi_version, 0);
	ck_assert_str_eq(info.version, "");
	ck_assert_str_eq(info.primitive, calls[_i]);
	ck_assert_uint_eq(info.features, MRELEASE_KILL);
	ck_assert_uint_eq(info.reserved[7], 0);
	ck_assert_uint_eq(mrelease_features(h), MRELEASE_KILL);
	assert_errno(mrelease_fd(h), ENODEV);
}
END_TEST

START_TEST(the_descriptor_is_the_devices_and_close_on_exec)
{
	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_DEVICE);
	ck_assert_int_ge(mrelease_fd(h), 0);
	ck_assert_int_eq(fcntl(mrelease_fd(h), F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(null_is_einval)
{
	struct mrelease_info info;

	errno = 0;
	ck_assert_int_eq(mrelease_backend(NULL), MRELEASE_BACKEND_AUTO);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_uint_eq(mrelease_features(NULL), 0);
	ck_assert_int_eq(errno, EINVAL);
	assert_errno(mrelease_fd(NULL), EINVAL);
	assert_errno(mrelease_get_info(NULL, &info), EINVAL);

	assert_opens(MRELEASE_BACKEND_AUTO, MRELEASE_BACKEND_DEVICE);
	assert_errno(mrelease_get_info(h, NULL), EINVAL);
}
END_TEST

START_TEST(close_takes_null_and_leaves_errno)
{
	errno = EXDEV;
	mrelease_close(NULL);
	ck_assert_int_eq(errno, EXDEV);

	h = mrelease_open(MRELEASE_BACKEND_AUTO);
	errno = EXDEV;
	mrelease_close(h);
	h = NULL;
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open");
	TCase *tc = tcase_create("open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, auto_prefers_the_device);
	tcase_add_test(tc, auto_takes_the_syscall_without_a_device);
	tcase_add_test(tc, auto_takes_the_syscall_when_the_device_is_forbidden);
	tcase_add_test(tc, auto_takes_the_signal_without_the_syscall);
	tcase_add_test(tc, auto_fails_when_nothing_is_there);
	tcase_add_loop_test(tc, auto_does_not_fall_back_for_want_of_resources,
			    0, ARRAY_SIZE(resources));
	tcase_add_loop_test(tc, forced_back_ends_are_taken,
			    MRELEASE_BACKEND_DEVICE,
			    MRELEASE_BACKEND_SIGNAL + 1);
	tcase_add_loop_test(tc, forced_device_says_why_it_cannot_be_opened, 0,
			    ARRAY_SIZE(open_errs));
	tcase_add_test(tc, forced_syscall_fails_without_it);
	tcase_add_test(tc, forced_signal_fails_without_it);
	tcase_add_test(tc, unknown_back_end_is_refused);
	tcase_add_test(tc, a_regular_file_is_not_the_device);
	tcase_add_test(tc, a_device_of_another_class_is_not_the_device);
	tcase_add_test(tc, another_misc_device_is_not_the_device);
	tcase_add_test(tc, a_link_that_was_cut_is_not_believed);
	tcase_add_test(tc, without_sysfs_the_device_is_not_believed);
	tcase_add_test(tc, info_must_work);
	tcase_add_test(tc, info_is_asked_with_its_size_and_zeroes);
	tcase_add_test(tc, info_of_the_device_is_passed_on);
	tcase_add_test(tc, info_strings_are_terminated);
	tcase_add_loop_test(tc, info_of_the_others_names_the_call_and_kill_only,
			    MRELEASE_BACKEND_SYSCALL,
			    MRELEASE_BACKEND_SIGNAL + 1);
	tcase_add_test(tc, the_descriptor_is_the_devices_and_close_on_exec);
	tcase_add_test(tc, null_is_einval);
	tcase_add_test(tc, close_takes_null_and_leaves_errno);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Victim fds: by the device, and by what stands in for it. */
#include <fcntl.h>
#include <unistd.h>

#include <mrelease.h>

#include "fake.h"
#include "unit.h"

static struct mrelease *h;
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

START_TEST(the_device_makes_it)
{
	int fd = mrelease_arm(h, pidfd, MRELEASE_TEARDOWN);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_ARM);
	ck_assert_uint_eq(fake.arm_args.size, sizeof(struct mrelease_arm_args));
	ck_assert_int_eq(fake.arm_args.pidfd, pidfd);
	ck_assert_uint_eq(fake.arm_args.flags, MRELEASE_TEARDOWN);
	ck_assert_uint_eq(fake.arm_args.fd_flags, 0);
	ck_assert_uint_eq(fake.arm_args.pad, 0);
	close(fd);
}
END_TEST

START_TEST(the_device_says_no)
{
	static const int errs[] = { EBADF,  ESRCH,  EINVAL, EPERM,
				    EMFILE, ENOMEM, ENOTTY };

	fake.arm_err = errs[_i];
	ck_assert_int_eq(mrelease_arm(h, pidfd, 0), -1);
	ck_assert_int_eq(errno, errs[_i]);
}
END_TEST

START_TEST(a_release_goes_to_the_victim_fd)
{
	int fd = mrelease_arm(h, pidfd, 0);
	struct mrelease_result res;

	memset(&res, 0xff, sizeof(res));
	fake.victims[0].result.freed_bytes = 4096;
	ck_assert_int_eq(mrelease_release_armed(h, fd,
						MRELEASE_KILL | MRELEASE_EVICT,
						1234, &res),
			 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	ck_assert_int_eq(fake.ioctl_fd, fd);
	ck_assert_int_eq(fake.args.pidfd, -1);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | MRELEASE_EVICT);
	ck_assert_uint_eq(fake.args.timeout_ms, 1234);
	ck_assert_uint_eq(res.freed_bytes, 4096);
	close(fd);
}
END_TEST

START_TEST(a_release_that_fails_tells_what_was_done)
{
	struct mrelease_result res;

	fake.victims[0].err = ETIMEDOUT;
	fake.victims[0].result.left_bytes = 4096;
	ck_assert_int_eq(mrelease_release_armed(h, pidfd, 0, 1, &res), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_uint_eq(res.left_bytes, 4096);
	ck_assert_int_eq(mrelease_release_armed(h, pidfd, 0, 1, NULL), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

START_TEST(without_the_module_it_is_a_copy_of_the_pidfd)
{
	int fd = mrelease_arm(h, pidfd, 0);
	struct mrelease_result res;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fd, pidfd);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_int_eq(mrelease_release_armed(h, fd, MRELEASE_KILL, 0, &res),
			 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_uint_eq(res.victims, 1);
	close(fd);
}
END_TEST

START_TEST(without_the_module_nothing_is_taken_over)
{
	ck_assert_int_eq(mrelease_arm(h, pidfd, MRELEASE_TEARDOWN), -1);
	ck_assert_int_eq(errno, EINVAL);
	fake.not_pidfd = true;
	ck_assert_int_eq(mrelease_arm(h, pidfd, 0), -1);
	ck_assert_int_eq(errno, EBADF);
	fake.not_pidfd = false;
	fake.exit_at = fake.now;
	ck_assert_int_eq(mrelease_arm(h, pidfd, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(waiting_ends_with_the_process_or_the_limit)
{
	uint64_t start = fake.now;

	fake.exit_at = start + 500 * FAKE_MS;
	ck_assert_int_eq(mrelease_wait_armed(h, pidfd, 100), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_uint_eq(fake.now, start + 100 * FAKE_MS);
	ck_assert_int_eq(mrelease_wait_armed(h, pidfd, 1000), 0);
	ck_assert_uint_eq(fake.now, fake.exit_at);

	/* 0 is no limit: longer than one poll(2) can be. */
	fake.exit_at = fake.now + 3 * (uint64_t)UINT32_MAX * FAKE_MS;
	ck_assert_int_eq(mrelease_wait_armed(h, pidfd, 0), 0);
	ck_assert_uint_eq(fake.now, fake.exit_at);

	fake.poll_err = EBADF;
	ck_assert_int_eq(mrelease_wait_armed(h, pidfd, 0), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(no_handle_or_no_descriptor_is_an_error)
{
	struct mrelease_result res;

	ck_assert_int_eq(mrelease_arm(NULL, pidfd, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(mrelease_arm(h, -1, 0), -1);
	ck_assert_int_eq(errno, EBADF);
	memset(&res, 0xff, sizeof(res));
	ck_assert_int_eq(mrelease_release_armed(NULL, pidfd, 0, 0, &res), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(res.victims, 0);
	ck_assert_int_eq(mrelease_release_armed(h, -1, 0, 0, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(mrelease_wait_armed(NULL, pidfd, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(mrelease_wait_armed(h, -1, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arm");
	TCase *device = tcase_create("device");
	TCase *other = tcase_create("syscall");

	tcase_add_checked_fixture(device, setup_device, teardown);
	tcase_add_test(device, the_device_makes_it);
	tcase_add_loop_test(device, the_device_says_no, 0, 7);
	tcase_add_test(device, a_release_goes_to_the_victim_fd);
	tcase_add_test(device, a_release_that_fails_tells_what_was_done);
	tcase_add_test(device, waiting_ends_with_the_process_or_the_limit);
	tcase_add_test(device, no_handle_or_no_descriptor_is_an_error);
	suite_add_tcase(s, device);

	tcase_add_checked_fixture(other, setup_syscall, teardown);
	tcase_add_test(other, without_the_module_it_is_a_copy_of_the_pidfd);
	tcase_add_test(other, without_the_module_nothing_is_taken_over);
	tcase_add_test(other, waiting_ends_with_the_process_or_the_limit);
	tcase_add_test(other, no_handle_or_no_descriptor_is_an_error);
	suite_add_tcase(s, other);
	return unit_main(s);
}

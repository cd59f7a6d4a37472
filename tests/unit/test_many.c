// SPDX-License-Identifier: GPL-2.0-or-later
/* mrelease_release_many() and mrelease_release_cgroup(). */
#include <fcntl.h>
#include <sys/stat.h>

#include <mrelease.h>

#include "fake.h"
#include "unit.h"

#define ROOM 4

static struct mrelease_target targets[ROOM];
static struct mrelease_result total;
static struct mrelease *h;
static uint32_t nr;
static int dir;
static int fds;

static void setup_backend(enum mrelease_backend backend, uint64_t features)
{
	char path[] = "/tmp/mrelease-unit-XXXXXX";

	fake_reset();
	fake.info.features |= features;
	h = mrelease_open(backend);
	ck_assert_ptr_nonnull(h);
	memset(targets, 0xff, sizeof(targets));
	memset(&total, 0xff, sizeof(total));
	nr = ROOM;
	/* A cgroup has nothing below it but what a test makes. */
	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(rmdir(path), 0);
	fds = unit_count_fds();
}

static void setup_device(void)
{
	setup_backend(MRELEASE_BACKEND_DEVICE,
		      MRELEASE_FEAT_CMD(2) | MRELEASE_FEAT_CMD(3));
}

static void setup_old_device(void)
{
	setup_backend(MRELEASE_BACKEND_DEVICE, 0);
}

static void setup_syscall(void)
{
	setup_backend(MRELEASE_BACKEND_SYSCALL, 0);
}

static void setup_signal(void)
{
	setup_backend(MRELEASE_BACKEND_SIGNAL, 0);
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds);
	mrelease_close(h);
	close(dir);
}

static int many(uint32_t count, uint32_t flags)
{
	return mrelease_release_many(h, targets, count, flags, 500, &total);
}

static int cgroup(uint32_t flags)
{
	return mrelease_release_cgroup(h, dir, targets, &nr, flags, 500,
				       &total);
}

/* Three processes with a pidfd each, which are numbers only. */
static void three(void)
{
	uint32_t i;

	fake_add(43, "second");
	fake_add(44, "third");
	for (i = 0; i < 3; i++) {
		fake.victims[i].fd = 700 + (int)i;
		fake.victims[i].result.anon_bytes = 4096 * (i + 1);
		fake.victims[i].result.victims = 1;
		targets[i].pidfd = 700 + (int)i;
	}
}

START_TEST(the_arguments_arrive)
{
	three();
	ck_assert_int_eq(many(3, MRELEASE_KILL | MRELEASE_EVICT), 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_MANY);
	ck_assert_uint_eq(fake.many.size, sizeof(struct mrelease_many_args));
	ck_assert_uint_eq(fake.many.flags, MRELEASE_KILL | MRELEASE_EVICT);
	ck_assert_uint_eq(fake.many.timeout_ms, 500);
	ck_assert_uint_eq(fake.many.nr, 3);
	ck_assert_uint_eq(fake.many.target_size,
			  sizeof(struct mrelease_target));
	ck_assert_uint_eq(fake.many.pad, 0);
	ck_assert_int_eq(targets[2].pid, 44);
	ck_assert_uint_eq(targets[2].result.anon_bytes, 3 * 4096);
	ck_assert_uint_eq(total.anon_bytes, 6 * 4096);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

START_TEST(elements_fail_one_by_one)
{
	three();
	fake.victims[1].err = EPERM;
	targets[2].pidfd = -1;
	ck_assert_int_eq(many(3, MRELEASE_KILL), 0);
	ck_assert_int_eq(targets[0].error, 0);
	ck_assert_int_eq(targets[1].error, -EPERM);
	ck_assert_int_eq(targets[2].error, -EBADF);
}
END_TEST

START_TEST(the_call_fails_when_the_module_says_so)
{
	three();
	fake.many_err = ETIMEDOUT;
	assert_errno(many(3, MRELEASE_KILL), ETIMEDOUT);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

START_TEST(senseless_arguments)
{
	assert_errno(mrelease_release_many(NULL, targets, 1, MRELEASE_KILL, 0,
					   NULL),
		     EINVAL);
	assert_errno(mrelease_release_many(h, NULL, 1, MRELEASE_KILL, 0, NULL),
		     EINVAL);
	assert_errno(mrelease_release_many(h, targets, MRELEASE_MANY_MAX + 1,
					   MRELEASE_KILL, 0, NULL),
		     E2BIG);
	ck_assert_int_eq(
		mrelease_release_many(h, NULL, 0, MRELEASE_KILL, 0, &total), 0);
	ck_assert_uint_eq(total.victims, 0);
	assert_errno(mrelease_release_cgroup(NULL, dir, NULL, NULL,
					     MRELEASE_KILL, 0, NULL),
		     EINVAL);
	assert_errno(mrelease_release_cgroup(h, -1, NULL, NULL, MRELEASE_KILL,
					     0, NULL),
		     EBADF);
	assert_errno(cgroup(0), EINVAL);
	ck_assert_uint_eq(fake.kills, 0);
}
END_TEST

START_TEST(an_old_module_does_one_after_the_other)
{
	three();
	fake.victims[1].err = EPERM;
	fake.victims[1].result.victims = 0;
	fake.ioctls = 0;
	ck_assert_int_eq(many(3, MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.ioctls, 3);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	ck_assert_int_eq(targets[1].error, -EPERM);
	ck_assert_uint_eq(total.victims, 2);
	ck_assert_uint_gt(fake.args.timeout_ms, 0);
}
END_TEST

START_TEST(all_are_killed_before_the_first_is_released)
{
	three();
	/* Else all of them would be 42. */
	fake.no_proc = true;
	/* The first process_mrelease(2) finds all of them killed. */
	static const int errs[] = { EAGAIN, 0 };
	fake.mrelease_errs = errs;
	fake.nr_mrelease_errs = 2;
	ck_assert_int_eq(many(3, MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.kills, 3);
	ck_assert_uint_eq(fake.mreleases, 4);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

START_TEST(one_that_hangs_is_etimedout)
{
	static const int errs[] = { 0, EAGAIN };

	three();
	fake.no_proc = true;
	fake.mrelease_errs = errs;
	fake.nr_mrelease_errs = 2;
	assert_errno(many(3, MRELEASE_KILL), ETIMEDOUT);
	ck_assert_int_eq(targets[0].error, 0);
	ck_assert_int_eq(targets[1].error, -ETIMEDOUT);
	ck_assert_int_eq(targets[2].error, -ETIMEDOUT);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

START_TEST(named_twice_is_released_once)
{
	/* All pidfds are 42. */
	targets[0].pidfd = 700;
	targets[1].pidfd = 701;
	ck_assert_int_eq(many(2, MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_int_eq(targets[0].pid, 42);
	ck_assert_int_eq(targets[1].pid, 42);
	ck_assert_uint_eq(targets[1].result.notes & MRELEASE_NOTE_JOINED,
			  MRELEASE_NOTE_JOINED);
	ck_assert_uint_eq(targets[1].result.anon_bytes, 2048 * 1024);
	ck_assert_uint_eq(total.anon_bytes, 2048 * 1024);
	ck_assert_uint_eq(total.victims, 1);
}
END_TEST

START_TEST(flags_are_refused_before_anybody_is_killed)
{
	three();
	assert_errno(many(3, MRELEASE_KILL | MRELEASE_EVICT), EINVAL);
	assert_errno(cgroup(MRELEASE_KILL | MRELEASE_EVICT), EINVAL);
	ck_assert_uint_eq(fake.kills, 0);
}
END_TEST

START_TEST(signal_waits_for_all)
{
	three();
	fake.no_proc = true;
	assert_errno(many(3, 0), EOPNOTSUPP);
	fake.exit_at = fake.now + 100 * FAKE_MS;
	ck_assert_int_eq(many(3, MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.kills, 3);
	ck_assert_uint_eq(fake.mreleases, 0);
}
END_TEST

START_TEST(a_cgroup_by_the_module)
{
	three();
	ck_assert_int_eq(cgroup(MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_CGROUP);
	ck_assert_int_eq(fake.cgroup.cgroup_fd, dir);
	ck_assert_uint_eq(fake.cgroup.nr, ROOM);
	ck_assert_uint_eq(fake.cgroup.timeout_ms, 500);
	ck_assert_uint_eq(nr, 3);
	ck_assert_int_eq(targets[2].pid, 44);
	ck_assert_int_eq(targets[2].pidfd, -1);
	ck_assert_int_eq(targets[3].pid, 0);
	ck_assert_uint_eq(total.victims, 3);
	ck_assert_uint_eq(fake.procs_reads, 0);
}
END_TEST

START_TEST(a_cgroup_without_an_array)
{
	three();
	ck_assert_int_eq(mrelease_release_cgroup(h, dir, NULL, NULL,
						 MRELEASE_KILL, 0, NULL),
			 0);
	ck_assert_uint_eq(fake.cgroup.nr, 0);
	ck_assert_uint_eq(fake.cgroup.targets, 0);
}
END_TEST

static const int cgroup_errs[] = { EPERM,  ETIMEDOUT,  EINTR,
				   EINVAL, EOPNOTSUPP, ENOENT };

START_TEST(errors_of_the_module_are_passed_on)
{
	three();
	fake.cgroup_err = cgroup_errs[_i];
	assert_errno(cgroup(MRELEASE_KILL), cgroup_errs[_i]);
	ck_assert_uint_eq(fake.procs_reads, 0);
	ck_assert_uint_eq(nr, cgroup_errs[_i] == EPERM ? 3 : 0);
}
END_TEST

START_TEST(a_cgroup_of_version_1)
{
	three();
	fake.cgroup_err = EBADF;
	ck_assert_int_eq(cgroup(MRELEASE_KILL | MRELEASE_SHARED), 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_MANY);
	ck_assert_uint_eq(fake.many.flags, MRELEASE_KILL | MRELEASE_SHARED);
	ck_assert_uint_eq(nr, 3);
	ck_assert_int_eq(targets[0].pid, 42);
	ck_assert_int_eq(targets[2].pid, 44);
	ck_assert_int_eq(targets[2].pidfd, -1);
	ck_assert_uint_eq(total.victims, 3);
	ck_assert_uint_eq(total.anon_bytes, 6 * 4096);
	/* The list, again behind the pidfds, and once more when all are dead. */
	ck_assert_uint_eq(fake.procs_reads, 3);
}
END_TEST

START_TEST(one_that_refuses_holds_up_nobody)
{
	three();
	fake.cgroup_err = EBADF;
	fake.victims[1].err = EPERM;
	fake.victims[1].result.victims = 0;
	assert_errno(cgroup(MRELEASE_KILL), EPERM);
	ck_assert_uint_eq(nr, 3);
	ck_assert_int_eq(targets[0].error, 0);
	ck_assert_int_eq(targets[1].error, -EPERM);
	ck_assert_int_eq(targets[2].error, 0);
	ck_assert_uint_eq(total.victims, 2);
}
END_TEST

START_TEST(the_caller_inside)
{
	three();
	fake.cgroup_err = EBADF;
	fake.inside = true;
	assert_errno(cgroup(MRELEASE_KILL), EINVAL);
	ck_assert_uint_eq(fake.many.nr, 0);
	ck_assert_uint_eq(nr, 0);
}
END_TEST

START_TEST(numbers_in_any_file_are_no_cgroup)
{
	three();
	fake.cgroup_err = EBADF;
	fake.no_cgroup = true;
	assert_errno(cgroup(MRELEASE_KILL), EBADF);
	ck_assert_uint_eq(fake.procs_reads, 0);
}
END_TEST

START_TEST(a_threaded_one)
{
	fake.cgroup_err = EBADF;
	fake.procs_err = EOPNOTSUPP;
	assert_errno(cgroup(MRELEASE_KILL), EOPNOTSUPP);
	fake.procs_err = ENOENT;
	assert_errno(cgroup(MRELEASE_KILL), EBADF);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	three();
	fake.cgroup_err = EBADF;
	nr = 1;
	ck_assert_int_eq(cgroup(MRELEASE_KILL), 0);
	ck_assert_uint_eq(nr, 3);
	ck_assert_int_eq(targets[0].pid, 42);
	ck_assert_int_ne(targets[1].pid, 43);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

START_TEST(out_of_descriptors_is_no_success)
{
	three();
	fake.cgroup_err = EBADF;
	fake.pidfd_open_err = EMFILE;
	assert_errno(cgroup(MRELEASE_KILL), EMFILE);
	ck_assert_uint_eq(nr, 0);
}
END_TEST

START_TEST(a_cgroup_without_the_module)
{
	three();
	fake.no_proc = true;
	/* They do not leave it, as far as is told, and are not found twice. */
	ck_assert_int_eq(cgroup(MRELEASE_KILL), 0);
	ck_assert_uint_eq(fake.kills, 3);
	ck_assert_uint_eq(nr, 3);
	ck_assert_uint_eq(total.victims, 3);
}
END_TEST

static void add_case(struct Suite *suite, struct TCase *tc, void (*setup)(void))
{
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("many");
	TCase *tc = tcase_create("device");

	add_case(suite, tc, setup_device);
	tcase_add_test(tc, the_arguments_arrive);
	tcase_add_test(tc, elements_fail_one_by_one);
	tcase_add_test(tc, the_call_fails_when_the_module_says_so);
	tcase_add_test(tc, senseless_arguments);
	tcase_add_test(tc, a_cgroup_by_the_module);
	tcase_add_test(tc, a_cgroup_without_an_array);
	tcase_add_loop_test(tc, errors_of_the_module_are_passed_on, 0,
			    ARRAY_SIZE(cgroup_errs));
	tcase_add_test(tc, a_cgroup_of_version_1);
	tcase_add_test(tc, one_that_refuses_holds_up_nobody);
	tcase_add_test(tc, the_caller_inside);
	tcase_add_test(tc, numbers_in_any_file_are_no_cgroup);
	tcase_add_test(tc, a_threaded_one);
	tcase_add_test(tc, more_than_there_is_room_for);
	tcase_add_test(tc, out_of_descriptors_is_no_success);

	tc = tcase_create("old_device");
	add_case(suite, tc, setup_old_device);
	tcase_add_test(tc, an_old_module_does_one_after_the_other);

	tc = tcase_create("syscall");
	add_case(suite, tc, setup_syscall);
	tcase_add_test(tc, all_are_killed_before_the_first_is_released);
	tcase_add_test(tc, one_that_hangs_is_etimedout);
	tcase_add_test(tc, named_twice_is_released_once);
	tcase_add_test(tc, flags_are_refused_before_anybody_is_killed);
	tcase_add_test(tc, a_cgroup_without_the_module);

	tc = tcase_create("signal");
	add_case(suite, tc, setup_signal);
	tcase_add_test(tc, signal_waits_for_all);
	return unit_main(suite);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Several processes at once, and cgroups. */
#include <sys/stat.h>

#include "capture.h"
#include "fake.h"

#define MIB (1024 * 1024ULL)

static struct captured c;
static char dir[64];
static int fds;

static void setup(void)
{
	size_t i;

	fake_reset();
	fake.info.features |= MRELEASE_SHARED | MRELEASE_FEAT_CMD(2) |
			      MRELEASE_FEAT_CMD(3);
	fake.victims[0].comm = "first\n";
	fake_add(43, "second\n");
	fake_add(44, "third\n");
	for (i = 0; i < 3; i++) {
		fake.victims[i].result.anon_bytes = (i + 1) * MIB;
		fake.victims[i].result.victims = 1;
	}
	strcpy(dir, "/tmp/mrelease-cgroup.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	fds = unit_count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(unit_count_fds(), fds);
}

START_TEST(several_are_killed_together)
{
	run_tool(&c, "kill", "--shared", "--timeout", "2s", "42", "43", "44");
	ck_assert_int_eq(c.status, 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_MANY);
	ck_assert_uint_eq(fake.many.nr, 3);
	ck_assert_uint_eq(fake.many.flags, MRELEASE_KILL | MRELEASE_SHARED);
	ck_assert_uint_eq(fake.many.timeout_ms, 2000);
	assert_contains(c.out, "     43 second            2.0M");
	assert_contains(c.out, "  total                   6.0M");
	ck_assert_str_eq(c.err, "");
}
END_TEST

START_TEST(one_alone_is_not)
{
	run_tool(&c, "kill", "43");
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	run_tool(&c, "reap", "42", "43");
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
}
END_TEST

START_TEST(an_old_module_takes_one_after_the_other)
{
	fake.info.features &= ~MRELEASE_FEAT_CMD(2);
	run_tool(&c, "kill", "42", "43");
	ck_assert_int_eq(c.status, 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
}
END_TEST

START_TEST(who_is_gone_or_refuses_holds_up_nobody)
{
	fake.victims[1].err = EPERM;
	fake.victims[1].result.victims = 0;
	run_tool(&c, "kill", "7", "42", "43", "44");
	ck_assert_int_eq(c.status, 1);
	ck_assert_uint_eq(fake.many.nr, 3);
	assert_contains(c.err, "pid 7: no such process\n");
	assert_contains(c.err, "pid 43: not permitted");
	assert_contains(c.out, "     42 first             1.0M");
	assert_contains(c.out, "     44 third             3.0M");
	ck_assert_ptr_null(strstr(c.out, "43 second"));
}
END_TEST

START_TEST(a_call_that_fails_is_told_of_each)
{
	fake.many_err = ENOMEM;
	run_tool(&c, "kill", "42", "43");
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, "pid 42: out of memory");
	assert_contains(c.err, "pid 43: out of memory");
}
END_TEST

START_TEST(a_cgroup)
{
	run_tool(&c, "cgroup", "--shared", "--timeout", "500", dir);
	ck_assert_int_eq(c.status, 0);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_CGROUP);
	ck_assert_uint_eq(fake.cgroup.flags, MRELEASE_KILL | MRELEASE_SHARED);
	ck_assert_uint_eq(fake.cgroup.timeout_ms, 500);
	ck_assert_uint_eq(fake.cgroup.nr, MRELEASE_CGROUP_MAX);
	assert_contains(c.out, "     42 first             1.0M");
	assert_contains(c.out, "     44 third             3.0M");
	assert_contains(c.out, "  total                   6.0M");
	ck_assert_str_eq(c.err, "");
}
END_TEST

START_TEST(a_cgroup_as_json)
{
	fake.cgroup_err = EPERM;
	fake.victims[2].err = EPERM;
	fake.victims[2].result.victims = 0;
	run_tool(&c, "cgroup", "--json", dir);
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.out, "  \"command\": \"cgroup\",\n");
	assert_contains(c.out, "      \"pid\": 43,\n"
			       "      \"name\": \"second\",\n"
			       "      \"ok\": true,\n");
	assert_contains(c.out, "        \"name\": \"EPERM\",\n");
	assert_contains(c.err, "pid 44: not permitted");
	assert_contains(c.err, ": not all of its processes were killed\n");
}
END_TEST

START_TEST(an_empty_cgroup)
{
	fake.nr_victims = 0;
	run_tool(&c, "cgroup", dir);
	ck_assert_int_eq(c.status, 0);
	assert_contains(c.out, "Nobody is in /tmp/mrelease-cgroup.");
	run_tool(&c, "cgroup", "--json", dir);
	ck_assert_int_eq(c.status, 0);
	assert_contains(c.out, "  \"results\": []\n");
}
END_TEST

static const struct {
	int err;
	const char *text;
} errs[] = {
	{ EINVAL, "this command itself is inside" },
	{ EOPNOTSUPP, "it is threaded" },
	{ ENOENT, "there is no such cgroup any more" },
	{ ETIMEDOUT, "the time ran out" },
	{ EPERM, "not all of its processes were killed" },
	{ ENOMEM, "out of memory" },
};

START_TEST(errors_in_words)
{
	fake.cgroup_err = errs[_i].err;
	run_tool(&c, "cgroup", dir);
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, errs[_i].text);
	assert_contains(c.err, dir);
}
END_TEST

START_TEST(what_is_no_cgroup)
{
	fake.no_cgroup = true;
	run_tool(&c, "cgroup", dir);
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, "not a cgroup; give a directory below");
	run_tool(&c, "cgroup", "/nowhere/at/all");
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, "/nowhere/at/all: there is no such cgroup");
	run_tool(&c, "cgroup", "/dev/null");
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, "/dev/null: not a cgroup");
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

/* As seccomp or a security module may say it: nobody has been asked to die yet. */
START_TEST(who_may_not_look)
{
	fake.procs_err = EPERM;
	run_tool(&c, "cgroup", dir);
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.err, "this user may not look into it");
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(who_would_it_be)
{
	run_tool(&c, "cgroup", "--dry-run", dir);
	ck_assert_int_eq(c.status, 0);
	assert_contains(c.out, "     43 second ");
	assert_contains(c.out, "Nothing was done (--dry-run).");
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.kills, 0);
	run_tool(&c, "cgroup", "--dry-run", "--json", dir);
	assert_contains(c.out, "  \"command\": \"cgroup\",\n");
}
END_TEST

START_TEST(wrong_usage)
{
	run_tool(&c, "cgroup");
	ck_assert_int_eq(c.status, 2);
	assert_contains(c.err, "no directory of a cgroup given");
	run_tool(&c, "cgroup", dir, "/tmp");
	ck_assert_int_eq(c.status, 2);
	assert_contains(c.err, "cgroup takes one directory, and not '/tmp'");
	run_tool(&c, "cgroup", "--name", "x", dir);
	ck_assert_int_eq(c.status, 2);
	assert_contains(c.err, "no use for --name");
	run_tool(&c, "cgroup", "--oom-score", dir);
	ck_assert_int_eq(c.status, 2);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

START_TEST(without_the_module)
{
	fake_unload();
	run_tool(&c, "cgroup", "--no-fallback", dir);
	ck_assert_int_eq(c.status, 3);
	run_tool(&c, "cgroup", "--shared", dir);
	ck_assert_int_eq(c.status, 3);
	ck_assert_uint_eq(fake.kills, 0);
	fake.no_proc = true;
	run_tool(&c, "cgroup", dir);
	ck_assert_int_eq(c.status, 0);
	ck_assert_uint_eq(fake.kills, 3);
	assert_contains(c.out, "Done by process_mrelease(2)");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, several_are_killed_together);
	tcase_add_test(tc, one_alone_is_not);
	tcase_add_test(tc, an_old_module_takes_one_after_the_other);
	tcase_add_test(tc, who_is_gone_or_refuses_holds_up_nobody);
	tcase_add_test(tc, a_call_that_fails_is_told_of_each);
	tcase_add_test(tc, a_cgroup);
	tcase_add_test(tc, a_cgroup_as_json);
	tcase_add_test(tc, an_empty_cgroup);
	tcase_add_loop_test(tc, errors_in_words, 0, ARRAY_SIZE(errs));
	tcase_add_test(tc, what_is_no_cgroup);
	tcase_add_test(tc, who_may_not_look);
	tcase_add_test(tc, who_would_it_be);
	tcase_add_test(tc, wrong_usage);
	tcase_add_test(tc, without_the_module);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

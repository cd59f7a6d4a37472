// SPDX-License-Identifier: GPL-2.0-or-later
/* bench, on the kernel that this runs on: it has only children of its own to kill. */
#include <sys/wait.h>

#include "capture.h"

static struct captured c;
static int fds;

static void setup(void)
{
	fds = unit_count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds);
	/* None is left, not even a zombie. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(it_measures_all_that_is_there)
{
	run_tool(&c, "bench", "--size", "8M", "--rounds", "3");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_str_eq(c.err, "");
	assert_contains(c.out, "Processes with 8.0M each, 3 rounds");
	assert_contains(c.out, "\nSIGKILL and wait ");
	assert_contains(c.out, "     1.00 ");
	assert_contains(c.out, "\nprocess_mrelease(2) ");
	assert_contains(c.out, "\nkernel module mrelease ");
}
END_TEST

/* The number behind the first @key. */
static unsigned long long number(const char *key)
{
	const char *at = strstr(c.out, key);

	ck_assert_msg(at, "no %s in \"%s\"", key, c.out);
	return strtoull(at + strlen(key), NULL, 10);
}

START_TEST(it_tells_programs)
{
	run_tool(&c, "bench", "--json", "--size", "8M", "--rounds", "3");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(number("\"size_bytes\": "), 8 << 20);
	ck_assert_uint_eq(number("\"rounds\": "), 3);
	assert_contains(c.out, "\"backend\": \"signal\"");
	ck_assert_uint_gt(number("\"least_ns\": "), 0);
	ck_assert_uint_le(number("\"least_ns\": "), number("\"median_ns\": "));
	ck_assert_uint_le(number("\"median_ns\": "), number("\"most_ns\": "));
}
END_TEST

START_TEST(it_does_not_take_the_memory_that_others_need)
{
	run_tool(&c, "bench", "--size", "1000000G");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.out, "");
	assert_contains(c.err, "nothing was done");
}
END_TEST

static const struct {
	const char *args[4];
	const char *message;
} wrong[] = {
	{ { "bench", "--size", "8" }, "'8' is not a size" },
	{ { "bench", "--size", "0M" }, "'0M' is not a size" },
	{ { "bench", "--size", "8MB" }, "'8MB' is not a size" },
	{ { "bench", "--size", "99999999999999G" }, "is not a size" },
	{ { "bench", "--rounds", "0" }, "'0' is not a number of rounds" },
	{ { "bench", "--rounds", "101" }, "'101' is not a number of rounds" },
	{ { "bench", "42" }, "bench takes no '42'" },
	{ { "bench", "--evict" }, "no use for --evict" },
	{ { "bench", "--name", "x" }, "no use for --name" },
	{ { "bench", "--dry-run" }, "no use for --dry-run" },
	{ { "bench", "--no-fallback" }, "no use for --no-fallback" },
	{ { "bench", "--backend", "signal" }, "no use for --backend" },
	{ { "info", "--size", "8M" }, "--size is for bench" },
	{ { "info", "--rounds", "8" }, "--rounds is for bench" },
};

START_TEST(what_it_cannot_do_is_wrong_usage)
{
	capture(&c, wrong[_i].args);
	ck_assert_int_eq(c.status, EXIT_USAGE);
	ck_assert_str_eq(c.out, "");
	assert_contains(c.err, wrong[_i].message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_bench");
	TCase *tc = tcase_create("bench");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_measures_all_that_is_there);
	tcase_add_test(tc, it_tells_programs);
	tcase_add_test(tc, it_does_not_take_the_memory_that_others_need);
	tcase_add_loop_test(tc, what_it_cannot_do_is_wrong_usage, 0,
			    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* `info --openmetrics`, of counters in a few files; judged by a parser of others. */
#include <sys/stat.h>

#include "capture.h"
#include "fake.h"

#define STATISTICS "/sys/class/misc/mrelease/statistics"

static struct captured c;
static char root[64];

static const char *const files[] = {
	"released",	  "timeouts",
	"interrupted",	  "failed",
	"kills",	  "joined",
	"freed_bytes",	  "evicted_bytes",
	"left_bytes",	  "refused_arguments",
	"refused_off",	  "refused_pidfd",
	"refused_gone",	  "refused_alive",
	"refused_shared", "refused_dump",
	"refused_scope",  "refused_permission",
	"refused_full",
};

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s/%s", root, dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Each counter has another value: 1001, 1002 and so on. */
static void setup(void)
{
	char text[1024] = "", line[64];
	size_t i;

	fake_reset();
	strcpy(root, "/tmp/mrelease-root.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	cli_root = root;
	snprintf(text, sizeof(text),
		 "mkdir -p %s" STATISTICS " %s/sys/module/mrelease/parameters",
		 root, root);
	ck_assert_int_eq(system(text), 0);
	put("/sys/module/mrelease/parameters", "enabled", "Y\n");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(line, sizeof(line), "%zu\n", 1001 + i);
		put(STATISTICS, files[i], line);
	}
	put(STATISTICS, "elapsed_ns", "12345678901\n");
	put(STATISTICS, "latency_us", "16 0\n32 3\n16777216 5\ninf 7\n");
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* What the parser makes of it; it must have no complaint. */
static void parse(char *buf, size_t size)
{
	char path[128], command[256];
	size_t n;
	FILE *f;

	put("", "out", c.out);
	snprintf(path, sizeof(path), "%s/out", root);
	snprintf(command, sizeof(command), "./parse_metrics %s 2>&1", path);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	n = pclose(f);
	ck_assert_msg(n == 0, "%s", buf);
}

START_TEST(a_parser_reads_every_counter)
{
	static char text[16384];
	char line[128];
	size_t i;

	run_tool(&c, "info", "--openmetrics");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.err, "");
	parse(text, sizeof(text));

	/* Type, unit, sample, labels, value. */
	assert_contains(text, "gauge - mrelease_device_usable - 1\n");
	assert_contains(text, "gauge - mrelease_enabled - 1\n");
	assert_contains(
		text,
		"counter - mrelease_releases_total result=released 1001\n"
		"counter - mrelease_releases_total result=timeout 1002\n"
		"counter - mrelease_releases_total result=interrupted 1003\n"
		"counter - mrelease_releases_total result=failed 1004\n");
	assert_contains(text, "counter - mrelease_kills_total - 1005\n");
	assert_contains(text, "counter - mrelease_joined_total - 1006\n");
	assert_contains(text,
			"counter bytes mrelease_freed_bytes_total - 1007\n");
	assert_contains(text,
			"counter bytes mrelease_evicted_bytes_total - 1008\n");
	assert_contains(text,
			"counter bytes mrelease_left_bytes_total - 1009\n");
	for (i = 9; i < ARRAY_SIZE(files); i++) {
		snprintf(line, sizeof(line),
			 "counter - mrelease_refusals_total reason=%s %zu\n",
			 files[i] + strlen("refused_"), 1001 + i);
		assert_contains(text, line);
	}
	assert_contains(
		text,
		"histogram seconds mrelease_release_seconds_bucket le=1.6e-05 0\n"
		"histogram seconds mrelease_release_seconds_bucket le=3.2e-05 3\n"
		"histogram seconds mrelease_release_seconds_bucket le=16.777216 5\n"
		"histogram seconds mrelease_release_seconds_bucket le=+Inf 7\n"
		"histogram seconds mrelease_release_seconds_sum - 12.345678901\n"
		"histogram seconds mrelease_release_seconds_count - 7\n");
}
END_TEST

/* A counter that another version has not is no sample with 0. */
START_TEST(what_is_not_there_is_left_out)
{
	static char text[16384];
	char path[256];

	snprintf(path, sizeof(path), "%s" STATISTICS "/kills", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s" STATISTICS "/refused_off", root);
	unlink(path);
	run_tool(&c, "info", "--openmetrics");
	ck_assert_int_eq(c.status, 0);
	parse(text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "mrelease_kills"));
	ck_assert_ptr_null(strstr(text, "reason=off"));
	assert_contains(text, "mrelease_joined_total - 1006\n");
}
END_TEST

START_TEST(without_the_module_that_is_what_it_says)
{
	static char text[16384];

	teardown();
	ck_assert_int_eq(mkdir(root, 0700), 0);
	fake_unload();
	run_tool(&c, "info", "--openmetrics");
	ck_assert_int_eq(c.status, 0);
	parse(text, sizeof(text));
	assert_contains(text, "gauge - mrelease_device_usable - 0\n");
	assert_contains(text, ",backend=syscall,");
	ck_assert_ptr_null(strstr(text, "_total"));
	ck_assert_ptr_null(strstr(text, "mrelease_enabled"));

	run_tool(&c, "info", "--openmetrics", "--no-fallback");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	ck_assert_str_eq(c.out, "");
}
END_TEST

/* Half of it would pass for all of it. */
START_TEST(an_unreadable_counter_leaves_nothing)
{
	char path[256];

	snprintf(path, sizeof(path), "%s" STATISTICS "/kills", root);
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	run_tool(&c, "info", "--openmetrics");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.out, "");
	assert_contains(c.err, "counters: ");
}
END_TEST

START_TEST(labels_are_escaped)
{
	static char text[16384];

	strcpy(fake.info.primitive, "a\"b\\c\nx");
	run_tool(&c, "info", "--openmetrics");
	assert_contains(c.out, "primitive=\"a\\\"b\\\\c\\nx\"");
	parse(text, sizeof(text));
	assert_contains(text, "primitive='a\"b\\\\c\\nx'");
}
END_TEST

START_TEST(it_is_for_info_and_no_json)
{
	run_tool(&c, "info", "--openmetrics", "--json");
	ck_assert_int_eq(c.status, EXIT_USAGE);
	run_tool(&c, "kill", "--openmetrics", "42");
	ck_assert_int_eq(c.status, EXIT_USAGE);
	ck_assert_int_eq(fake.ioctls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_parser_reads_every_counter);
	tcase_add_test(tc, what_is_not_there_is_left_out);
	tcase_add_test(tc, without_the_module_that_is_what_it_says);
	tcase_add_test(tc, an_unreadable_counter_leaves_nothing);
	tcase_add_test(tc, labels_are_escaped);
	tcase_add_test(tc, it_is_for_info_and_no_json);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

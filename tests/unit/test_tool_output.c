// SPDX-License-Identifier: GPL-2.0-or-later
/* The table and the JSON, letter by letter. */
#include <sys/wait.h>

#include "../../userspace/cli/json.h"
#include "capture.h"
#include "fake.h"

#define MIB (1024 * 1024ULL)

static struct captured c;

static const struct mrelease_result large = {
	.anon_bytes = 512 * MIB,
	.file_bytes = 6 * MIB + 512 * 1024,
	.shmem_bytes = 4096,
	.swap_bytes = 1023 * MIB,
	.hugetlb_bytes = 2 * MIB,
	.evicted_bytes = 3 * MIB,
	.freed_bytes = 515 * MIB,
	.left_bytes = 12288,
	.elapsed_ns = 41700000,
	.left_reasons = MRELEASE_LEFT_SHARED_MAP | MRELEASE_LEFT_ROBUST,
	.victims = 1,
};

static void setup(void)
{
	fake_reset();
	fake.info.features |= MRELEASE_EVICT | MRELEASE_HUGETLB;
	fake.victims[0].comm = "postgres\n";
	fake.victims[0].result = large;
}

START_TEST(the_table_of_one)
{
	static const char expected[] =
		"    PID NAME              ANON   FILE  SHMEM   SWAP  FREED"
		"   LEFT   TIME WHY\n"
		"     42 postgres          512M   6.5M   4.0K  1023M   515M"
		"  12.0K 41.7ms shared-map,robust\n";

	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
	ck_assert_str_eq(c.err, "");
}
END_TEST

START_TEST(columns_come_with_their_flags)
{
	static const char expected[] =
		"    PID NAME              ANON   FILE  SHMEM   SWAP   HUGE"
		" EVICTED  FREED   LEFT   TIME WHY\n"
		"     42 postgres          512M   6.5M   4.0K  1023M   2.0M"
		"    3.0M   515M  12.0K 41.7ms +2\n";

	run_tool(&c, "kill", "--evict", "--hugetlb", "42");
	ck_assert_str_eq(c.out, expected);
}
END_TEST

START_TEST(the_table_of_many_has_a_total)
{
	static const char expected[] =
		"    PID NAME              ANON   FILE  SHMEM   SWAP  FREED"
		"   LEFT   TIME WHY\n"
		"     42 postgres          512M   6.5M   4.0K  1023M   515M"
		"  12.0K 41.7ms shared-map,robust\n"
		"4194304 a?name?of?15?ch   512M      0      0      0   512M"
		"      0  999us\n"
		"  total                   1.0G   6.5M   4.0K  1023M   1.0G"
		"  12.0K 42.6ms shared-map,robust\n";

	fake_add(4194304, "a name of 15 ch\n");
	fake.victims[1].result.anon_bytes = 512 * MIB;
	fake.victims[1].result.freed_bytes = 512 * MIB;
	fake.victims[1].result.elapsed_ns = 999999;
	fake.victims[1].result.victims = 1;
	run_tool(&c, "kill", "42", "4194304");
	ck_assert_str_eq(c.out, expected);
}
END_TEST

START_TEST(an_estimate_is_marked_and_the_back_end_told)
{
	static const char expected[] =
		"    PID NAME              ANON   FILE  SHMEM   SWAP   HUGE"
		"  FREED   LEFT   TIME WHY\n"
		"     42 postgres          2.0M   512K   128K   256K      0"
		"  ~2.0M      0    0us\n"
		"~ is an estimate, and may be too high.\n"
		"Done by process_mrelease(2), not by the module: "
		"/dev/mrelease does not exist; load the module with "
		"modprobe mrelease.\n";

	fake_unload();
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
}
END_TEST

START_TEST(no_table_row_is_wider_than_100_columns)
{
	struct fake_victim *v = &fake.victims[0];
	const char *line;

	v->pid = 4194304;
	v->comm = "kworker/u16:3-events_unbound_longer\n";
	memset(&v->result, 0xff, sizeof(v->result));
	v->result.notes = MRELEASE_NOTE_ESTIMATED;
	run_tool(&c, "kill", "4194304");
	for (line = c.out; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
	run_tool(&c, "kill", "--evict", "--hugetlb", "4194304");
	for (line = c.out; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
	assert_contains(c.out, "+31");
}
END_TEST

START_TEST(a_refused_victim_has_no_row)
{
	static const char expected[] = "";

	fake.victims[0].err = EPERM;
	memset(&fake.victims[0].result, 0, sizeof(large));
	fake.victims[0].result.left_bytes = 4096;
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, 1);
	ck_assert_str_eq(c.out, expected);
	assert_contains(c.err, "mrelease: pid 42: not permitted: kill(2)");
}
END_TEST

START_TEST(a_victim_that_took_too_long_has_a_row)
{
	fake.victims[0].err = ETIMEDOUT;
	fake.victims[0].result.left_reasons = MRELEASE_LEFT_TIMEOUT;
	run_tool(&c, "kill", "--timeout", "1s", "42");
	ck_assert_int_eq(c.status, 1);
	assert_contains(c.out, " timeout\n");
	assert_contains(c.err,
			"mrelease: pid 42: killed, but the time ran out");
}
END_TEST

START_TEST(names_cannot_move_the_cursor)
{
	fake.victims[0].comm = "\033[2J\t\r\n\x7f\xc3\xa4\n";
	run_tool(&c, "kill", "42");
	assert_contains(c.out, "     42 ?[2J??????      ");
	ck_assert_ptr_null(strchr(c.out, '\033'));
}
END_TEST

static const char document[] = "{\n"
			       "  \"version\": \"" MRELEASE_VERSION "\",\n"
			       "  \"backend\": \"device\",\n"
			       "  \"command\": \"kill\",\n"
			       "  \"flags\": [\n"
			       "    \"kill\",\n"
			       "    \"evict\"\n"
			       "  ],\n"
			       "  \"results\": [\n"
			       "    {\n"
			       "      \"pid\": 42,\n"
			       "      \"name\": \"postgres\",\n"
			       "      \"ok\": true,\n"
			       "      \"error\": null,\n"
			       "      \"anon_bytes\": 536870912,\n"
			       "      \"file_bytes\": 6815744,\n"
			       "      \"shmem_bytes\": 4096,\n"
			       "      \"swap_bytes\": 1072693248,\n"
			       "      \"hugetlb_bytes\": 2097152,\n"
			       "      \"evicted_bytes\": 3145728,\n"
			       "      \"freed_bytes\": 540016640,\n"
			       "      \"left_bytes\": 12288,\n"
			       "      \"elapsed_ns\": 41700000,\n"
			       "      \"victims\": 1,\n"
			       "      \"left_reasons\": [\n"
			       "        \"shared-map\",\n"
			       "        \"robust\"\n"
			       "      ],\n"
			       "      \"notes\": []\n"
			       "    },\n"
			       "    {\n"
			       "      \"pid\": 7,\n"
			       "      \"name\": \"?\",\n"
			       "      \"ok\": false,\n"
			       "      \"error\": {\n"
			       "        \"errno\": 3,\n"
			       "        \"name\": \"ESRCH\",\n"
			       "        \"text\": \"no such process\"\n"
			       "      },\n"
			       "      \"anon_bytes\": 0,\n"
			       "      \"file_bytes\": 0,\n"
			       "      \"shmem_bytes\": 0,\n"
			       "      \"swap_bytes\": 0,\n"
			       "      \"hugetlb_bytes\": 0,\n"
			       "      \"evicted_bytes\": 0,\n"
			       "      \"freed_bytes\": 0,\n"
			       "      \"left_bytes\": 0,\n"
			       "      \"elapsed_ns\": 0,\n"
			       "      \"victims\": 0,\n"
			       "      \"left_reasons\": [],\n"
			       "      \"notes\": []\n"
			       "    }\n"
			       "  ]\n"
			       "}\n";

START_TEST(the_json_document)
{
	run_tool(&c, "kill", "--json", "--evict", "42", "7");
	ck_assert_int_eq(c.status, 1);
	ck_assert_str_eq(c.out, document);
	ck_assert_str_eq(c.err, "mrelease: pid 7: no such process\n");
}
END_TEST

START_TEST(unknown_bits_are_shown_by_number)
{
	fake.victims[0].result.left_reasons = 1U << 30;
	fake.victims[0].result.notes = 1U << 31;
	run_tool(&c, "kill", "--json", "42");
	assert_contains(c.out, "\"bit30\"");
	assert_contains(c.out, "\"bit31\"");
	run_tool(&c, "kill", "42");
	assert_contains(c.out, " bit30\n");
}
END_TEST

START_TEST(info_of_the_module)
{
	static const char expected[] =
		"back end     device (kernel module mrelease)\n"
		"device       /dev/mrelease, module version 9.8.7, "
		"ABI version 1\n"
		"library      version " MRELEASE_VERSION "\n"
		"primitive    zap_page_range_single\n"
		"flags        kill evict hugetlb\n"
		"not here     shared kill-sharers teardown\n"
		"commands     info release\n"
		"freed pages  show in MemFree when a release returns\n";

	cli_root = "/nowhere";
	run_tool(&c, "info");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
}
END_TEST

START_TEST(info_without_the_module)
{
	static const char expected[] =
		"back end     syscall (process_mrelease(2))\n"
		"device       not usable: /dev/mrelease does not exist; "
		"load the module with modprobe mrelease\n"
		"library      version " MRELEASE_VERSION "\n"
		"primitive    process_mrelease\n"
		"flags        kill\n"
		"not here     evict shared hugetlb kill-sharers teardown\n"
		"problem      the module is not installed for this kernel (";

	cli_root = "/nowhere";
	fake_unload();
	run_tool(&c, "info");
	ck_assert_int_eq(c.status, 0);
	ck_assert_int_eq(strncmp(c.out, expected, strlen(expected)), 0);

	fake_reset();
	run_tool(&c, "info", "--backend", "signal");
	assert_contains(c.out, "device       there, but not used\n");
	fake.open_err = EACCES;
	run_tool(&c, "info");
	assert_contains(c.out, "no permission to open /dev/mrelease");
}
END_TEST

START_TEST(info_in_json)
{
	static const char expected[] =
		"{\n"
		"  \"version\": \"" MRELEASE_VERSION "\",\n"
		"  \"backend\": \"device\",\n"
		"  \"device\": {\n"
		"    \"path\": \"/dev/mrelease\",\n"
		"    \"usable\": true,\n"
		"    \"version\": \"9.8.7\",\n"
		"    \"abi_version\": 1\n"
		"  },\n"
		"  \"primitive\": \"zap_page_range_single\",\n"
		"  \"features\": 281487861612555,\n"
		"  \"flags\": [\n"
		"    \"kill\",\n"
		"    \"evict\",\n"
		"    \"hugetlb\"\n"
		"  ],\n"
		"  \"commands\": [\n"
		"    \"info\",\n"
		"    \"release\"\n"
		"  ],\n"
		"  \"visible\": true,\n"
		"  \"advice\": []\n"
		"}\n";

	cli_root = "/nowhere";
	run_tool(&c, "info", "--json");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
}
END_TEST

/* The text of a JSON string, between its quotes. */
static void assert_json_string(const char *value, const char *expected)
{
	char buf[256];
	FILE *file = tmpfile();
	struct json json;
	size_t len;

	json_begin(&json, file);
	json_string(&json, "s", value);
	json_end(&json);
	rewind(file);
	len = fread(buf, 1, sizeof(buf) - 1, file);
	buf[len] = '\0';
	fclose(file);

	ck_assert_str_eq(strstr(buf, "\"s\": ") + 5, expected);
}

START_TEST(json_strings_are_escaped)
{
	assert_json_string("a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n}\n");
	assert_json_string("\x01\n\x1f\x7f",
			   "\"\\u0001\\u000a\\u001f\\u007f\"\n}\n");
	assert_json_string("", "\"\"\n}\n");
}
END_TEST

START_TEST(json_strings_are_utf8)
{
	assert_json_string("\xc3\xa4", "\"\xc3\xa4\"\n}\n");
	assert_json_string("\xe2\x82\xac", "\"\xe2\x82\xac\"\n}\n");
	assert_json_string("\xf0\x9f\x90\xa7", "\"\xf0\x9f\x90\xa7\"\n}\n");

	/* cut, overlong, surrogate, too large, no beginning */
	assert_json_string("\xc3", "\"\\ufffd\"\n}\n");
	assert_json_string("\xe2\x82", "\"\\ufffd\\ufffd\"\n}\n");
	assert_json_string("\xc0\xaf", "\"\\ufffd\\ufffd\"\n}\n");
	assert_json_string("\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"\n}\n");
	assert_json_string("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n}\n");
	assert_json_string("\xf4\x90\x80\x80",
			   "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n}\n");
	assert_json_string("\xff\x61", "\"\\ufffda\"\n}\n");
}
END_TEST

static const struct {
	uint64_t value;
	const char *text;
} sizes[] = {
	{ 0, "0" },
	{ 1, "1B" },
	{ 1023, "1023B" },
	{ 1024, "1.0K" },
	{ 4096, "4.0K" },
	{ 1024 * 100 - 1, "99.9K" },
	{ 1024 * 100, "100K" },
	{ MIB - 1, "1023K" },
	{ MIB, "1.0M" },
	{ 13543407616ULL, "12.6G" },
	{ UINT64_MAX, "15.9E" },
};

START_TEST(sizes_for_people)
{
	char buf[32];

	format_bytes(buf, sizeof(buf), sizes[_i].value);
	ck_assert_str_eq(buf, sizes[_i].text);
}
END_TEST

static const struct {
	uint64_t value;
	const char *text;
} durations[] = {
	{ 0, "0us" },
	{ 999999, "999us" },
	{ 1000000, "1.0ms" },
	{ 99999999, "99.9ms" },
	{ 100000000, "100ms" },
	{ 999999999, "999ms" },
	{ 1000000000, "1.0s" },
	{ 61500000000, "61.5s" },
	{ 1000000000000, "1000s" },
	{ UINT64_MAX, "99999s" },
};

START_TEST(times_for_people)
{
	char buf[32];

	format_time(buf, sizeof(buf), durations[_i].value);
	ck_assert_str_eq(buf, durations[_i].text);
}
END_TEST

START_TEST(names_are_joined_as_far_as_they_fit)
{
	char buf[64];
	uint32_t bits = MRELEASE_LEFT_SHARED_MAP | MRELEASE_LEFT_ROBUST |
			MRELEASE_LEFT_OTHER;

	names_join(buf, sizeof(buf), bits, mrelease_left_name);
	ck_assert_str_eq(buf, "shared-map,robust,other");
	names_join(buf, 24, bits, mrelease_left_name);
	ck_assert_str_eq(buf, "shared-map,robust,other");
	names_join(buf, 23, bits, mrelease_left_name);
	ck_assert_str_eq(buf, "shared-map,robust+1");
	names_join(buf, 16, bits, mrelease_left_name);
	ck_assert_str_eq(buf, "shared-map+2");
	names_join(buf, 5, bits, mrelease_left_name);
	ck_assert_str_eq(buf, "+3");
	ck_assert_uint_eq(names_join(buf, 1, bits, mrelease_left_name), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_uint_eq(names_join(buf, sizeof(buf), 0, mrelease_left_name),
			  0);
}
END_TEST

START_TEST(python_reads_the_json)
{
	static const char *const names[] = { "plain\n", "a\"b\\\n",
					     "\x01\x02\xff\n", "\xc3\xa4\n" };
	FILE *pipe;
	size_t i;

	if (system("command -v python3 >/dev/null 2>&1")) {
		unit_skip(__func__, "python3 is not installed");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		fake.victims[0].comm = names[i];
		run_tool(&c, "kill", "--json", "42", "7");
		pipe = popen("python3 -m json.tool >/dev/null", "w");
		ck_assert_ptr_nonnull(pipe);
		fputs(c.out, pipe);
		ck_assert_int_eq(pclose(pipe), 0);
	}
	run_tool(&c, "info", "--json");
	pipe = popen("python3 -m json.tool >/dev/null", "w");
	ck_assert_ptr_nonnull(pipe);
	fputs(c.out, pipe);
	ck_assert_int_eq(pclose(pipe), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *tc = tcase_create("output");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_table_of_one);
	tcase_add_test(tc, columns_come_with_their_flags);
	tcase_add_test(tc, the_table_of_many_has_a_total);
	tcase_add_test(tc, an_estimate_is_marked_and_the_back_end_told);
	tcase_add_test(tc, no_table_row_is_wider_than_100_columns);
	tcase_add_test(tc, a_refused_victim_has_no_row);
	tcase_add_test(tc, a_victim_that_took_too_long_has_a_row);
	tcase_add_test(tc, names_cannot_move_the_cursor);
	tcase_add_test(tc, the_json_document);
	tcase_add_test(tc, unknown_bits_are_shown_by_number);
	tcase_add_test(tc, info_of_the_module);
	tcase_add_test(tc, info_without_the_module);
	tcase_add_test(tc, info_in_json);
	tcase_add_test(tc, json_strings_are_escaped);
	tcase_add_test(tc, json_strings_are_utf8);
	tcase_add_loop_test(tc, sizes_for_people, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, times_for_people, 0, ARRAY_SIZE(durations));
	tcase_add_test(tc, names_are_joined_as_far_as_they_fit);
	tcase_add_test(tc, python_reads_the_json);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

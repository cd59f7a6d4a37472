// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes --name and --oom-score mean, in a /proc of our own. */
#include <sys/stat.h>

#include "capture.h"
#include "fake.h"

#define KTHREAD 0x00200000UL

static struct captured c;
static char root[64];
static int fds;

static void put(pid_t pid, const char *file, const char *text, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%d/%s", root, (int)pid, file);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void put_stat(pid_t pid, const char *comm, char state,
		     unsigned long flags)
{
	char text[256];

	snprintf(text, sizeof(text), "%d (%s) %c 1 1 1 0 -1 %lu 0 0\n",
		 (int)pid, comm, state, flags);
	put(pid, "stat", text, strlen(text));
}

/* In /proc, and to be opened. */
static struct fake_victim *add(pid_t pid, const char *comm, int oom_score)
{
	char text[256];

	snprintf(text, sizeof(text), "%s/proc/%d", root, (int)pid);
	ck_assert_int_eq(mkdir(text, 0700), 0);
	snprintf(text, sizeof(text), "%s\n", comm);
	put(pid, "comm", text, strlen(text));
	snprintf(text, sizeof(text), "%d\n", oom_score);
	put(pid, "oom_score", text, strlen(text));
	put(pid, "cmdline", "", 0);
	put_stat(pid, comm, 'S', 0x400000);
	return fake_add(pid, comm);
}

static void setup(void)
{
	char path[128];

	fake_reset();
	fake.nr_victims = 0;
	strcpy(root, "/tmp/mrelease-proc.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/proc", root);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/proc/sys", root);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	cli_root = root;
	fds = unit_count_fds();
}

static void teardown(void)
{
	char command[128];

	ck_assert_int_eq(unit_count_fds(), fds);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* The numbers that the table shows, in its order. */
static void assert_pids(const char *expected)
{
	char pids[256] = "";
	const char *line = strchr(c.out, '\n');
	int pid;

	while (line && sscanf(line + 1, "%d", &pid) == 1) {
		snprintf(pids + strlen(pids), sizeof(pids) - strlen(pids),
			 "%s%d", *pids ? " " : "", pid);
		line = strchr(line + 1, '\n');
	}
	ck_assert_str_eq(pids, expected);
}

START_TEST(a_name_is_a_regular_expression)
{
	add(100, "postgres", 10);
	add(200, "postmaster", 10);
	add(300, "bash", 10);
	run_tool(&c, "kill", "--dry-run", "--name", "post");
	ck_assert_int_eq(c.status, 0);
	assert_pids("100 200");
	run_tool(&c, "kill", "--dry-run", "--name", "^(bash|postgr.*)$");
	assert_pids("100 300");
	run_tool(&c, "kill", "--dry-run", "--name=s$");
	assert_pids("100");
}
END_TEST

START_TEST(exact_is_the_whole_name)
{
	add(100, "sh", 10);
	add(200, "bash", 10);
	add(300, "sshd", 10);
	run_tool(&c, "kill", "--dry-run", "--name", "sh");
	assert_pids("100 200 300");
	run_tool(&c, "kill", "--dry-run", "--exact", "--name", "sh");
	assert_pids("100");
	run_tool(&c, "kill", "--dry-run", "--exact", "--name", "s+hd?");
	assert_pids("100 300");
}
END_TEST

START_TEST(full_is_the_command_line)
{
	static const char line[] = "/usr/bin/java\0-jar\0app server.jar\0";

	add(100, "java", 10);
	put(100, "cmdline", line, sizeof(line) - 1);
	add(200, "jar", 10);
	run_tool(&c, "kill", "--dry-run", "--name", "server.jar");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	run_tool(&c, "kill", "--dry-run", "--full", "--name",
		 "-jar app server.jar$");
	assert_pids("100");
	/* Without a command line the name is all there is. */
	run_tool(&c, "kill", "--dry-run", "--full", "--name", "jar");
	assert_pids("100 200");
}
END_TEST

START_TEST(nobody_is_status_1)
{
	add(100, "postgres", 10);
	run_tool(&c, "kill", "--name", "mysql");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.out, "");
	ck_assert_str_eq(c.err, "mrelease: no process matches 'mysql'\n");
	run_tool(&c, "kill", "--name", "a-name-of-16-chr");
	assert_contains(c.err, "cut after 15 characters, --full looks");
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_ne(fake.request, MRELEASE_IOC_RELEASE);
}
END_TEST

START_TEST(no_proc_is_no_selection)
{
	cli_root = "/nowhere";
	run_tool(&c, "kill", "--name", "x");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "cannot read /proc; nothing was done");
}
END_TEST

START_TEST(those_who_cannot_be_meant_do_not_match)
{
	add(1, "systemd", 10);
	add(getpid(), "systemd", 10);
	add(100, "systemd", 10);
	put_stat(100, "systemd", 'S', KTHREAD);
	add(200, "systemd", 10);
	put_stat(200, "systemd", 'Z', 0);
	run_tool(&c, "kill", "--dry-run", "--name", "systemd");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	add(300, "systemd", 10);
	put_stat(300, "systemd) Z 1 (", 'D', 0);
	run_tool(&c, "kill", "--dry-run", "--name", "systemd");
	assert_pids("300");
}
END_TEST

START_TEST(those_who_are_gone_do_not_match)
{
	char path[128];

	add(100, "old", 10);
	fake.nr_victims = 0; /* ESRCH */
	run_tool(&c, "kill", "--dry-run", "--name", "old");
	ck_assert_int_eq(c.status, EXIT_FAILED);

	/* It exited behind the pidfd: its number may be another's by now. */
	fake_add(100, "old");
	fake.exit_at = 0;
	run_tool(&c, "kill", "--dry-run", "--name", "old");
	ck_assert_int_eq(c.status, EXIT_FAILED);

	fake.exit_at = FAKE_NEVER;
	snprintf(path, sizeof(path), "%s/proc/100/stat", root);
	ck_assert_int_eq(unlink(path), 0);
	run_tool(&c, "kill", "--dry-run", "--name", "old");
	ck_assert_int_eq(c.status, EXIT_FAILED);
}
END_TEST

START_TEST(the_highest_score_is_the_one)
{
	add(100, "small", 10);
	add(200, "large", 700);
	add(300, "larger", 900);
	add(400, "as large", 900);
	add(500, "other", 3);
	run_tool(&c, "kill", "--dry-run", "--oom-score");
	ck_assert_int_eq(c.status, 0);
	assert_pids("300");
	run_tool(&c, "kill", "--dry-run", "--oom-score", "--name", "^(o|s)");
	assert_pids("100");
}
END_TEST

START_TEST(a_score_of_0_is_protected)
{
	add(100, "sshd", 0);
	run_tool(&c, "kill", "--dry-run", "--oom-score");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "no process has an OOM score");
	run_tool(&c, "kill", "--dry-run", "--oom-score", "--name", "sshd");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	run_tool(&c, "kill", "--dry-run", "--name", "sshd");
	assert_pids("100");
}
END_TEST

START_TEST(a_dry_run_does_nothing)
{
	static const char expected[] =
		"    PID NAME            SCORE   ANON   FILE  SHMEM   SWAP   HUGE\n"
		"     42 a?b               333   2.0M   512K   128K   256K      0\n"
		"Nothing was done (--dry-run).\n";

	fake.fdinfo_pid = 42;
	add(42, "a\tb", 333);
	run_tool(&c, "kill", "--dry-run", "--name", "b$");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
	run_tool(&c, "kill", "--dry-run", "42");
	ck_assert_str_eq(c.out, expected);
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_eq(fake.opens, 0);
	run_tool(&c, "reap", "--dry-run", "42", "43");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.err, "mrelease: pid 43: no such process\n");
}
END_TEST

START_TEST(a_dry_run_in_json)
{
	static const char expected[] = "{\n"
				       "  \"version\": \"" MRELEASE_VERSION
				       "\",\n"
				       "  \"command\": \"reap\",\n"
				       "  \"dry_run\": true,\n"
				       "  \"results\": [\n"
				       "    {\n"
				       "      \"pid\": 42,\n"
				       "      \"name\": \"x\",\n"
				       "      \"oom_score\": 333,\n"
				       "      \"known\": true,\n"
				       "      \"anon_bytes\": 2097152,\n"
				       "      \"file_bytes\": 524288,\n"
				       "      \"shmem_bytes\": 131072,\n"
				       "      \"swap_bytes\": 262144,\n"
				       "      \"hugetlb_bytes\": 0\n"
				       "    }\n"
				       "  ]\n"
				       "}\n";

	add(42, "x", 333);
	run_tool(&c, "reap", "--dry-run", "--json", "--name", "x");
	ck_assert_int_eq(c.status, 0);
	ck_assert_str_eq(c.out, expected);
}
END_TEST

START_TEST(those_who_match_are_released)
{
	add(100, "victim", 10);
	add(200, "bystander", 10);
	add(300, "victim", 10);
	run_tool(&c, "kill", "--name", "victim");
	ck_assert_int_eq(c.status, 0);
	ck_assert_uint_eq(fake.ioctls, 3); /* INFO and two releases */
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL);
	ck_assert_int_eq(fake.victims[1].fd, -1);
	run_tool(&c, "kill", "--oom-score", "--name", "bystander");
	ck_assert_int_eq(c.status, 0);
	ck_assert_int_ne(fake.victims[1].fd, -1);
}
END_TEST

/* Wrong usage: nothing was done. */
static const struct {
	const char *args[6];
	const char *message;
} wrong[] = {
	{ { "kill", "--name", "x", "42" }, "either PIDs or --name" },
	{ { "kill", "--oom-score", "42" }, "either PIDs or --oom-score" },
	{ { "kill", "--name", "" }, "an empty --name would be every process" },
	{ { "kill", "--name", "(" }, "'(' is not a regular expression: " },
	{ { "kill", "--name", "x", "--name", "[" }, "'[' is not a regular" },
	{ { "kill", "--full", "42" }, "--full says how --name is meant" },
	{ { "kill", "--exact", "--oom-score" }, "there is no --name" },
	{ { "kill", "--dry-run" }, "no PID given, nor --name" },
	{ { "info", "--name", "x" }, "there is no use for --name" },
	{ { "info", "--oom-score" }, "there is no use for --oom-score" },
	{ { "info", "--dry-run" }, "there is no use for --dry-run" },
	{ { "kill", "--name" }, "option '--name' needs a value" },
};

START_TEST(wrong_selections_are_wrong_usage)
{
	add(42, "x", 10);
	capture(&c, wrong[_i].args);
	ck_assert_int_eq(c.status, EXIT_USAGE);
	ck_assert_str_eq(c.out, "");
	assert_contains(c.err, wrong[_i].message);
	ck_assert_uint_eq(fake.ioctls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("select");
	TCase *tc = tcase_create("select");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_name_is_a_regular_expression);
	tcase_add_test(tc, exact_is_the_whole_name);
	tcase_add_test(tc, full_is_the_command_line);
	tcase_add_test(tc, nobody_is_status_1);
	tcase_add_test(tc, no_proc_is_no_selection);
	tcase_add_test(tc, those_who_cannot_be_meant_do_not_match);
	tcase_add_test(tc, those_who_are_gone_do_not_match);
	tcase_add_test(tc, the_highest_score_is_the_one);
	tcase_add_test(tc, a_score_of_0_is_protected);
	tcase_add_test(tc, a_dry_run_does_nothing);
	tcase_add_test(tc, a_dry_run_in_json);
	tcase_add_test(tc, those_who_match_are_released);
	tcase_add_loop_test(tc, wrong_selections_are_wrong_usage, 0,
			    ARRAY_SIZE(wrong));
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

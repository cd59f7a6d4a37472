// SPDX-License-Identifier: GPL-2.0-or-later
/* What the tool takes for an order, and what it exits with. */
#include "capture.h"
#include "fake.h"

static struct captured c;
static int fds;

static void setup(void)
{
	fake_reset();
	fake.info.features |= MRELEASE_EVICT | MRELEASE_SHARED |
			      MRELEASE_HUGETLB | MRELEASE_KILL_SHARERS |
			      MRELEASE_TEARDOWN;
	fds = unit_count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds);
}

/* Wrong usage: said on standard error, and nothing was done. */
static void assert_usage(const char *message)
{
	ck_assert_int_eq(c.status, EXIT_USAGE);
	ck_assert_str_eq(c.out, "");
	assert_contains(c.err, message);
	assert_contains(c.err, "Try 'mrelease --help'.\n");
	ck_assert_uint_eq(fake.ioctls, 0);
	ck_assert_uint_eq(fake.kills, 0);
}

START_TEST(no_command_is_wrong_usage)
{
	capture(&c, (const char *const[]){ NULL });
	assert_usage("mrelease: no command given");
	run_tool(&c, "--json");
	assert_usage("no command given");
}
END_TEST

START_TEST(an_unknown_command_is_wrong_usage)
{
	run_tool(&c, "destroy", "42");
	assert_usage("unknown command 'destroy'");
}
END_TEST

START_TEST(an_unknown_option_is_wrong_usage)
{
	run_tool(&c, "kill", "--bogus", "42");
	assert_usage("unknown option '--bogus'");
	run_tool(&c, "kill", "-9", "42");
	assert_usage("unknown option '-9'");
	run_tool(&c, "kill", "--json=yes", "42");
	assert_usage("--json=yes");
}
END_TEST

START_TEST(a_missing_value_is_wrong_usage)
{
	run_tool(&c, "kill", "42", "--timeout");
	assert_usage("option '--timeout' needs a value");
}
END_TEST

START_TEST(a_pid_is_needed)
{
	run_tool(&c, "kill");
	assert_usage("no PID given");
	run_tool(&c, "reap", "--json");
	assert_usage("no PID given");
}
END_TEST

static const char *const bad_pids[] = {
	"",	"0",	"00",	      "042",	    "42x",
	"x42",	"4 2",	" 42",	      "42 ",	    "+42",
	"1e3",	"0x2a", "2147483648", "4294967338", "18446744073709551658",
	"42\n", "self",
};

START_TEST(a_pid_is_digits_within_range)
{
	run_tool(&c, "kill", "42", "--", bad_pids[_i]);
	assert_usage("is not a PID; nothing was done");
	run_tool(&c, "kill", "--", bad_pids[_i], "42");
	assert_usage("is not a PID; nothing was done");
}
END_TEST

START_TEST(a_negative_pid_is_refused)
{
	run_tool(&c, "kill", "--", "-1");
	assert_usage("'-1' is not a PID");
}
END_TEST

START_TEST(the_largest_pid_is_taken)
{
	run_tool(&c, "kill", "2147483647");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.err, "mrelease: pid 2147483647: no such process\n");
}
END_TEST

START_TEST(a_pid_given_twice_is_released_once)
{
	run_tool(&c, "kill", "42", "42", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.ioctls, 2); /* INFO and RELEASE */
}
END_TEST

START_TEST(kill_kills_and_reap_does_not)
{
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL);
	run_tool(&c, "reap", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.args.flags, 0);
}
END_TEST

static const struct {
	const char *option;
	uint32_t flag;
} flags[] = {
	{ "--evict", MRELEASE_EVICT },
	{ "--shared", MRELEASE_SHARED },
	{ "--hugetlb", MRELEASE_HUGETLB },
	{ "--kill-sharers", MRELEASE_KILL_SHARERS },
	{ "--teardown", MRELEASE_TEARDOWN },
};

START_TEST(each_flag_has_an_option)
{
	run_tool(&c, "kill", flags[_i].option, "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | flags[_i].flag);

	/* Before the command and behind the pid as well. */
	run_tool(&c, flags[_i].option, "kill", "42");
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | flags[_i].flag);
	run_tool(&c, "kill", "42", flags[_i].option);
	ck_assert_uint_eq(fake.args.flags, MRELEASE_KILL | flags[_i].flag);
}
END_TEST

START_TEST(a_flag_that_the_module_has_not_is_named)
{
	fake.info.features = MRELEASE_KILL;
	run_tool(&c, "kill", flags[_i].option, "42");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, flags[_i].option);
	assert_contains(c.err, "version 9.8.7");
	assert_contains(c.err, "nothing was done");
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_INFO);
}
END_TEST

START_TEST(a_flag_without_the_module_does_nothing)
{
	fake_unload();
	run_tool(&c, "kill", flags[_i].option, "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, flags[_i].option);
	assert_contains(c.err, "modprobe mrelease");
	ck_assert_str_eq(c.out, "");
	ck_assert_uint_eq(fake.kills, 0);
}
END_TEST

START_TEST(reap_takes_no_kill_sharers)
{
	run_tool(&c, "reap", "--kill-sharers", "42");
	assert_usage("reap kills nobody");
}
END_TEST

static const struct {
	const char *text;
	uint32_t ms;
} times[] = {
	{ "0", 0 },
	{ "500", 500 },
	{ "500ms", 500 },
	{ "2s", 2000 },
	{ "4294967295", UINT32_MAX },
	{ "4294967s", 4294967000U },
};

START_TEST(times_have_units)
{
	run_tool(&c, "kill", "--timeout", times[_i].text, "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.args.timeout_ms, times[_i].ms);
}
END_TEST

static const char *const bad_times[] = {
	"",    "s",	     "ms",	 "-1",
	"+1",  "1.5s",	     "2m",	 "2S",
	"2 s", "4294967296", "4294968s", "2sx",
	"010", "0x10",	     "1e3",	 "18446744073709551617",
};

START_TEST(other_times_are_wrong_usage)
{
	run_tool(&c, "kill", "--timeout", bad_times[_i], "42");
	assert_usage("is not a time");
}
END_TEST

START_TEST(each_victim_can_have_several_threads)
{
	fake.info.features |= MRELEASE_FEAT_CMD(2);
	fake_add(43, "other");
	run_tool(&c, "kill", "--threads", "4", "42", "43");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
	/* What the module is, and what it did. */
	ck_assert_uint_eq(fake.ioctls, 1 + 2 * 4);

	fake.ioctls = 0;
	run_tool(&c, "kill", "--threads", "1", "42", "43");
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE_MANY);
	ck_assert_uint_eq(fake.ioctls, 1 + 1);
}
END_TEST

static const char *const bad_threads[] = {
	"", "0", "65", "-1", "+2", "2x", " 2", "04", "18446744073709551617",
};

START_TEST(other_numbers_of_threads_are_wrong_usage)
{
	run_tool(&c, "kill", "--threads", bad_threads[_i], "42");
	assert_usage("is not a number of threads");
}
END_TEST

START_TEST(a_back_end_can_be_forced)
{
	fake.exit_at = fake.now + FAKE_MS;
	run_tool(&c, "kill", "--backend", "device", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.kills, 0);
	run_tool(&c, "kill", "--backend=syscall", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.mreleases, 1);

	fake.exit_at = fake.now + FAKE_MS;
	run_tool(&c, "kill", "--backend", "signal", "42");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_uint_eq(fake.mreleases, 1);
	ck_assert_uint_eq(fake.kills, 2);
	run_tool(&c, "kill", "--backend", "auto", "42");
	ck_assert_uint_eq(fake.kills, 2);
}
END_TEST

START_TEST(an_unknown_back_end_is_wrong_usage)
{
	run_tool(&c, "kill", "--backend", "magic", "42");
	assert_usage("'magic' is not a back end");
}
END_TEST

START_TEST(contradictions_are_wrong_usage)
{
	run_tool(&c, "kill", "--no-fallback", "--backend", "signal", "42");
	assert_usage("--no-fallback and --backend signal");
	run_tool(&c, "kill", "--evict", "--backend", "syscall", "42");
	assert_usage("--evict needs the module");
	run_tool(&c, "reap", "--backend", "signal", "42");
	assert_usage("--backend signal can only kill");
	run_tool(&c, "info", "--evict");
	assert_usage("no use for --evict");
	run_tool(&c, "info", "--timeout", "1s");
	assert_usage("no use for --timeout");
	run_tool(&c, "info", "--threads", "2");
	assert_usage("--threads is for kill and reap");
	run_tool(&c, "cgroup", "--threads", "2", "/sys/fs/cgroup/a");
	assert_usage("--threads is for kill and reap");
	run_tool(&c, "info", "42");
	assert_usage("info takes no '42'");
}
END_TEST

START_TEST(without_fallback_a_missing_device_is_exit_3)
{
	fake_unload();
	run_tool(&c, "kill", "--no-fallback", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, "nothing was done: /dev/mrelease does not exist"
			       "; load the module with modprobe mrelease");
	run_tool(&c, "kill", "--backend", "device", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	run_tool(&c, "info", "--no-fallback");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	ck_assert_str_eq(c.out, "");

	fake.open_err = EACCES;
	run_tool(&c, "kill", "--no-fallback", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, "run as root");

	fake.open_err = EPERM;
	run_tool(&c, "kill", "--no-fallback", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, "device cgroup");
	ck_assert_uint_eq(fake.kills, 0);
}
END_TEST

START_TEST(nothing_at_all_is_exit_3)
{
	fake_unload();
	fake.probe_mrelease_err = ENOSYS;
	fake.probe_signal_err = ENOSYS;
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	run_tool(&c, "kill", "--backend", "syscall", "42");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, "has not got the system call");
}
END_TEST

START_TEST(running_out_of_descriptors_is_exit_1)
{
	fake.open_err = EMFILE;
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "ulimit -n");
}
END_TEST

START_TEST(one_failure_is_exit_1_and_does_not_stop_the_rest)
{
	fake_add(43, "other");
	run_tool(&c, "kill", "7", "42", "8", "43");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_uint_eq(fake.ioctls, 3);
	ck_assert_str_eq(c.err, "mrelease: pid 7: no such process\n"
				"mrelease: pid 8: no such process\n");
}
END_TEST

START_TEST(a_thread_is_told_from_a_process)
{
	fake.pidfd_open_err = EINVAL;
	run_tool(&c, "kill", "42");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "a thread, not a process");
	fake.pidfd_open_err = ENOENT;
	run_tool(&c, "kill", "42");
	assert_contains(c.err, "a thread, not a process");
	fake.pidfd_open_err = EMFILE;
	run_tool(&c, "kill", "42");
	assert_contains(c.err, "too many open files");
}
END_TEST

START_TEST(reap_of_a_live_process_points_to_kill)
{
	fake.victims[0].err = EINVAL;
	run_tool(&c, "reap", "42");
	ck_assert_int_eq(c.status, EXIT_FAILED);
	ck_assert_str_eq(c.err, "mrelease: pid 42: it is not being killed; "
				"use mrelease kill\n");
	ck_assert_str_eq(c.out, "");

	fake.victims[0].result.left_reasons = MRELEASE_LEFT_SHARED;
	run_tool(&c, "reap", "42");
	assert_contains(c.err, "shares its memory");
}
END_TEST

START_TEST(it_does_not_release_itself)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", getpid());
	fake_add(getpid(), "mrelease")->err = EINVAL;
	run_tool(&c, "kill", self);
	ck_assert_int_eq(c.status, EXIT_FAILED);
	assert_contains(c.err, "that is this very command");
}
END_TEST

START_TEST(help_and_version_go_to_standard_output)
{
	run_tool(&c, "--help");
	ck_assert_int_eq(c.status, EXIT_DONE);
	assert_contains(c.out, "Usage: mrelease kill");
	ck_assert_str_eq(c.err, "");
	run_tool(&c, "kill", "-h", "nonsense");
	ck_assert_int_eq(c.status, EXIT_DONE);

	run_tool(&c, "--version");
	ck_assert_int_eq(c.status, EXIT_DONE);
	ck_assert_str_eq(c.out, "mrelease " MRELEASE_VERSION "\n");
	run_tool(&c, "-V");
	ck_assert_str_eq(c.out, "mrelease " MRELEASE_VERSION "\n");
}
END_TEST

START_TEST(help_names_each_option_and_fits)
{
	static const char *const names[] = {
		"--evict",	  "--shared",	     "--hugetlb",
		"--kill-sharers", "--teardown",	     "--timeout",
		"--backend",	  "--no-fallback",   "--json",
		"--help",	  "--version",	     "Exit status",
		"mrelease reap",  "mrelease info",   "--name",
		"--full",	  "--exact",	     "--oom-score",
		"--dry-run",	  "mrelease cgroup", "--threads",
	};
	const char *line;
	size_t i;

	run_tool(&c, "--help");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_contains(c.out, names[i]);
	for (line = c.out; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 80);
}
END_TEST

START_TEST(output_that_does_not_arrive_is_a_failure)
{
	int saved = dup(STDOUT_FILENO);
	int full = open("/dev/full", O_WRONLY);
	char *argv[4] = { "mrelease", "kill", "42", NULL };
	int status;

	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	status = tool_main(3, argv);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(full);
	clearerr(stdout);
	ck_assert_int_eq(status, EXIT_FAILED);
	ck_assert_uint_eq(fake.request, MRELEASE_IOC_RELEASE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, no_command_is_wrong_usage);
	tcase_add_test(tc, an_unknown_command_is_wrong_usage);
	tcase_add_test(tc, an_unknown_option_is_wrong_usage);
	tcase_add_test(tc, a_missing_value_is_wrong_usage);
	tcase_add_test(tc, a_pid_is_needed);
	tcase_add_loop_test(tc, a_pid_is_digits_within_range, 0,
			    ARRAY_SIZE(bad_pids));
	tcase_add_test(tc, a_negative_pid_is_refused);
	tcase_add_test(tc, the_largest_pid_is_taken);
	tcase_add_test(tc, a_pid_given_twice_is_released_once);
	tcase_add_test(tc, kill_kills_and_reap_does_not);
	tcase_add_loop_test(tc, each_flag_has_an_option, 0, ARRAY_SIZE(flags));
	tcase_add_loop_test(tc, a_flag_that_the_module_has_not_is_named, 0,
			    ARRAY_SIZE(flags));
	tcase_add_loop_test(tc, a_flag_without_the_module_does_nothing, 0,
			    ARRAY_SIZE(flags));
	tcase_add_test(tc, reap_takes_no_kill_sharers);
	tcase_add_loop_test(tc, times_have_units, 0, ARRAY_SIZE(times));
	tcase_add_loop_test(tc, other_times_are_wrong_usage, 0,
			    ARRAY_SIZE(bad_times));
	tcase_add_test(tc, each_victim_can_have_several_threads);
	tcase_add_loop_test(tc, other_numbers_of_threads_are_wrong_usage, 0,
			    ARRAY_SIZE(bad_threads));
	tcase_add_test(tc, a_back_end_can_be_forced);
	tcase_add_test(tc, an_unknown_back_end_is_wrong_usage);
	tcase_add_test(tc, contradictions_are_wrong_usage);
	tcase_add_test(tc, without_fallback_a_missing_device_is_exit_3);
	tcase_add_test(tc, nothing_at_all_is_exit_3);
	tcase_add_test(tc, running_out_of_descriptors_is_exit_1);
	tcase_add_test(tc, one_failure_is_exit_1_and_does_not_stop_the_rest);
	tcase_add_test(tc, a_thread_is_told_from_a_process);
	tcase_add_test(tc, reap_of_a_live_process_points_to_kill);
	tcase_add_test(tc, it_does_not_release_itself);
	tcase_add_test(tc, help_and_version_go_to_standard_output);
	tcase_add_test(tc, help_names_each_option_and_fits);
	tcase_add_test(tc, output_that_does_not_arrive_is_a_failure);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

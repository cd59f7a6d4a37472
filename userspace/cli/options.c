// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
	OPT_EVICT = 256,
	OPT_SHARED,
	OPT_HUGETLB,
	OPT_KILL_SHARERS,
	OPT_TEARDOWN,
	OPT_TIMEOUT,
	OPT_THREADS,
	OPT_BACKEND,
	OPT_NO_FALLBACK,
	OPT_JSON,
	OPT_OPENMETRICS,
	OPT_NAME,
	OPT_FULL,
	OPT_EXACT,
	OPT_OOM_SCORE,
	OPT_DRY_RUN,
	OPT_SIZE,
	OPT_ROUNDS,
};

static const struct option long_options[] = {
	{ "evict", no_argument, NULL, OPT_EVICT },
	{ "shared", no_argument, NULL, OPT_SHARED },
	{ "hugetlb", no_argument, NULL, OPT_HUGETLB },
	{ "kill-sharers", no_argument, NULL, OPT_KILL_SHARERS },
	{ "teardown", no_argument, NULL, OPT_TEARDOWN },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "no-fallback", no_argument, NULL, OPT_NO_FALLBACK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "openmetrics", no_argument, NULL, OPT_OPENMETRICS },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "oom-score", no_argument, NULL, OPT_OOM_SCORE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int usage_hint(void)
{
	fputs("Try 'mrelease --help'.\n", stderr);
	return EXIT_USAGE;
}

/* Digits and nothing else: no sign, no space, no octal, nothing after them. */
static bool parse_number(const char *text, size_t len, uint64_t max,
			 uint64_t *value)
{
	size_t i;

	if (!len || (len > 1 && text[0] == '0'))
		return false;

	*value = 0;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (text[i] - '0');
		if (*value > max)
			return false;
	}
	return true;
}

static bool parse_timeout(const char *text, uint32_t *ms)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	uint64_t factor;
	uint64_t value;

	if (!*unit || !strcmp(unit, "ms"))
		factor = 1;
	else if (!strcmp(unit, "s"))
		factor = 1000;
	else
		return false;

	if (!parse_number(text, digits, UINT32_MAX / factor, &value))
		return false;
	*ms = (uint32_t)(value * factor);
	return true;
}

/* 100M, 2G; what is not written with a unit could be meant as anything. */
static bool parse_size(const char *text, uint64_t *size)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	unsigned int shift;

	if (!strcmp(unit, "M"))
		shift = 20;
	else if (!strcmp(unit, "G"))
		shift = 30;
	else
		return false;
	if (!parse_number(text, digits, SIZE_MAX >> shift, size) || !*size)
		return false;
	*size <<= shift;
	return true;
}

static bool parse_rounds(const char *text, unsigned int *rounds)
{
	uint64_t value;

	if (!parse_number(text, strlen(text), BENCH_ROUNDS_MAX, &value) ||
	    !value)
		return false;
	*rounds = (unsigned int)value;
	return true;
}

static bool parse_threads(const char *text, uint32_t *threads)
{
	uint64_t value;

	if (!parse_number(text, strlen(text), MRELEASE_THREADS_MAX, &value) ||
	    !value)
		return false;
	*threads = (uint32_t)value;
	return true;
}

static bool parse_backend(const char *text, enum mrelease_backend *backend)
{
	enum mrelease_backend i;

	for (i = MRELEASE_BACKEND_AUTO; i <= MRELEASE_BACKEND_SIGNAL; i++) {
		if (!strcmp(text, mrelease_backend_name(i))) {
			*backend = i;
			return true;
		}
	}
	return false;
}

static bool parse_command(const char *text, enum command *command)
{
	if (!strcmp(text, "kill"))
		*command = COMMAND_KILL;
	else if (!strcmp(text, "reap"))
		*command = COMMAND_REAP;
	else if (!strcmp(text, "cgroup"))
		*command = COMMAND_CGROUP;
	else if (!strcmp(text, "info"))
		*command = COMMAND_INFO;
	else if (!strcmp(text, "bench"))
		*command = COMMAND_BENCH;
	else
		return false;
	return true;
}

const char *opts_command(const struct options *opts)
{
	switch (opts->command) {
	case COMMAND_KILL:
		return "kill";
	case COMMAND_REAP:
		return "reap";
	case COMMAND_CGROUP:
		return "cgroup";
	case COMMAND_INFO:
		return "info";
	case COMMAND_BENCH:
		return "bench";
	}
	return "?";
}

static bool add_pid(struct options *opts, pid_t pid)
{
	size_t i;

	/* Named twice is meant once: the second time it would be gone. */
	for (i = 0; i < opts->nr_pids; i++) {
		if (opts->pids[i] == pid)
			return false;
	}
	opts->pids[opts->nr_pids++] = pid;
	return true;
}

static int parse_pids(struct options *opts, int argc, char **argv)
{
	uint64_t pid;
	int i;

	if (argc && (opts->name || opts->oom_score)) {
		complain("either PIDs or %s, not both; nothing was done",
			 opts->name ? "--name" : "--oom-score");
		return usage_hint();
	}
	if (opts->name || opts->oom_score)
		return -1;
	if (!argc) {
		complain("no PID given, nor --name or --oom-score");
		return usage_hint();
	}

	opts->pids = calloc(argc, sizeof(*opts->pids));
	if (!opts->pids) {
		complain("out of memory; nothing was done");
		return EXIT_FAILED;
	}

	for (i = 0; i < argc; i++) {
		if (!parse_number(argv[i], strlen(argv[i]), INT_MAX, &pid) ||
		    !pid) {
			complain("'%s' is not a PID; nothing was done",
				 argv[i]);
			return usage_hint();
		}
		add_pid(opts, (pid_t)pid);
	}
	return -1;
}

static int parse_dir(struct options *opts, int argc, char **argv)
{
	if (argc == 1) {
		opts->dir = argv[0];
		return -1;
	}
	if (argc)
		complain(
			"cgroup takes one directory, and not '%s'; nothing was done",
			argv[1]);
	else
		complain("no directory of a cgroup given");
	return usage_hint();
}

/* What selects processes, and for whom. */
static int check_selection(const struct options *opts)
{
	const char *option = NULL;

	if (opts->command == COMMAND_INFO || opts->command == COMMAND_BENCH) {
		if (opts->name)
			option = "name";
		else if (opts->oom_score)
			option = "oom-score";
		else if (opts->dry_run)
			option = "dry-run";
		if (option) {
			complain("%s, so there is no use for --%s",
				 opts->command == COMMAND_INFO ?
					 "info releases nothing" :
					 "bench kills its own children only",
				 option);
			return usage_hint();
		}
	}
	if (opts->command == COMMAND_CGROUP &&
	    (opts->name || opts->oom_score)) {
		complain(
			"all of a cgroup is killed, so there is no use for --%s",
			opts->name ? "name" : "oom-score");
		return usage_hint();
	}
	if (opts->threads && opts->command != COMMAND_KILL &&
	    opts->command != COMMAND_REAP) {
		complain("--threads is for kill and reap; nothing was done");
		return usage_hint();
	}
	if ((opts->full || opts->exact) && !opts->name) {
		complain("--%s says how --name is meant; there is no --name",
			 opts->full ? "full" : "exact");
		return usage_hint();
	}
	return -1;
}

/* bench takes all back ends as they are, and nobody else is measured. */
static int check_bench(const struct options *opts)
{
	uint32_t extra = opts->flags & ~MRELEASE_KILL;
	const char *option = NULL;

	if (opts->command != COMMAND_BENCH) {
		if (!opts->size && !opts->rounds)
			return -1;
		complain("--%s is for bench", opts->size ? "size" : "rounds");
		return usage_hint();
	}
	if (extra)
		option = mrelease_flag_name(extra & -extra);
	else if (opts->no_fallback)
		option = "no-fallback";
	else if (opts->backend != MRELEASE_BACKEND_AUTO)
		option = "backend";
	if (!option)
		return -1;
	complain("bench compares plain releases by all back ends, so there is "
		 "no use for --%s",
		 option);
	return usage_hint();
}

/* Options that contradict each other are found before anybody is killed. */
static int check_options(const struct options *opts)
{
	uint32_t extra = opts->flags & ~MRELEASE_KILL;
	const char *backend = mrelease_backend_name(opts->backend);

	if (opts->no_fallback && opts->backend > MRELEASE_BACKEND_DEVICE) {
		complain("--no-fallback and --backend %s contradict each other",
			 backend);
		return usage_hint();
	}
	if (opts->openmetrics &&
	    (opts->json || opts->command != COMMAND_INFO)) {
		complain("--openmetrics is for info, and without --json");
		return usage_hint();
	}
	if (check_selection(opts) >= 0 || check_bench(opts) >= 0)
		return EXIT_USAGE;
	if (opts->command == COMMAND_INFO) {
		if (!extra && !opts->timeout_ms)
			return -1;
		complain("info releases nothing, so there is no use for --%s",
			 extra ? mrelease_flag_name(extra & -extra) :
				 "timeout");
		return usage_hint();
	}
	if (opts->command == COMMAND_REAP && (extra & MRELEASE_KILL_SHARERS)) {
		complain("reap kills nobody; --kill-sharers goes with kill");
		return usage_hint();
	}
	if (opts->command == COMMAND_REAP &&
	    opts->backend == MRELEASE_BACKEND_SIGNAL) {
		complain("--backend signal can only kill; reap needs another");
		return usage_hint();
	}
	if (extra && opts->backend > MRELEASE_BACKEND_DEVICE) {
		complain("--%s needs the module, so not with --backend %s",
			 mrelease_flag_name(extra & -extra), backend);
		return usage_hint();
	}
	return -1;
}

static int parse_name(struct options *opts, const char *text)
{
	char why[128];
	int err;

	if (!*text) {
		complain(
			"an empty --name would be every process; nothing was done");
		return usage_hint();
	}
	if (opts->name)
		regfree(&opts->regex);
	opts->name = NULL;
	err = regcomp(&opts->regex, text, REG_EXTENDED);
	if (err) {
		regerror(err, &opts->regex, why, sizeof(why));
		complain(
			"'%s' is not a regular expression: %s; nothing was done",
			text, why);
		return usage_hint();
	}
	opts->name = text;
	return -1;
}

static int parse_option(struct options *opts, int opt)
{
	switch (opt) {
	case OPT_EVICT:
		opts->flags |= MRELEASE_EVICT;
		return -1;
	case OPT_SHARED:
		opts->flags |= MRELEASE_SHARED;
		return -1;
	case OPT_HUGETLB:
		opts->flags |= MRELEASE_HUGETLB;
		return -1;
	case OPT_KILL_SHARERS:
		opts->flags |= MRELEASE_KILL_SHARERS;
		return -1;
	case OPT_TEARDOWN:
		opts->flags |= MRELEASE_TEARDOWN;
		return -1;
	case OPT_NO_FALLBACK:
		opts->no_fallback = true;
		return -1;
	case OPT_JSON:
		opts->json = true;
		return -1;
	case OPT_OPENMETRICS:
		opts->openmetrics = true;
		return -1;
	case OPT_NAME:
		return parse_name(opts, optarg);
	case OPT_FULL:
		opts->full = true;
		return -1;
	case OPT_EXACT:
		opts->exact = true;
		return -1;
	case OPT_OOM_SCORE:
		opts->oom_score = true;
		return -1;
	case OPT_DRY_RUN:
		opts->dry_run = true;
		return -1;
	case OPT_SIZE:
		if (parse_size(optarg, &opts->size))
			return -1;
		complain("'%s' is not a size; write 100M or 2G", optarg);
		return usage_hint();
	case OPT_ROUNDS:
		if (parse_rounds(optarg, &opts->rounds))
			return -1;
		complain("'%s' is not a number of rounds from 1 to %d", optarg,
			 BENCH_ROUNDS_MAX);
		return usage_hint();
	case OPT_TIMEOUT:
		if (parse_timeout(optarg, &opts->timeout_ms))
			return -1;
		complain("'%s' is not a time; write 500, 500ms or 2s", optarg);
		return usage_hint();
	case OPT_THREADS:
		if (parse_threads(optarg, &opts->threads))
			return -1;
		complain("'%s' is not a number of threads; 1 to %d", optarg,
			 MRELEASE_THREADS_MAX);
		return usage_hint();
	case OPT_BACKEND:
		if (parse_backend(optarg, &opts->backend))
			return -1;
		complain("'%s' is not a back end; there are device, syscall, "
			 "signal and auto",
			 optarg);
		return usage_hint();
	case 'h':
		help_print(stdout);
		return EXIT_DONE;
	case 'V':
		printf("mrelease %s\n", mrelease_version());
		return EXIT_DONE;
	}
	return usage_hint();
}

int options_parse(int argc, char **argv, struct options *opts)
{
	int status;
	int opt;

	memset(opts, 0, sizeof(*opts));
	opts->backend = MRELEASE_BACKEND_AUTO;

	/* Zero starts glibc's getopt afresh, however often we are called. */
	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":hV", long_options, NULL)) >=
	       0) {
		if (opt == '?')
			complain("unknown option '%s'", argv[optind - 1]);
		else if (opt == ':')
			complain("option '%s' needs a value", argv[optind - 1]);
		status = parse_option(opts, opt);
		if (status >= 0)
			return status;
	}

	if (optind >= argc) {
		complain("no command given: kill, reap, cgroup, info or bench");
		return usage_hint();
	}
	if (!parse_command(argv[optind], &opts->command)) {
		complain("unknown command '%s'", argv[optind]);
		return usage_hint();
	}
	optind++;

	if (opts->command == COMMAND_KILL || opts->command == COMMAND_CGROUP)
		opts->flags |= MRELEASE_KILL;
	status = check_options(opts);
	if (status >= 0)
		return status;

	if (opts->command == COMMAND_CGROUP)
		return parse_dir(opts, argc - optind, argv + optind);
	if (opts->command == COMMAND_KILL || opts->command == COMMAND_REAP)
		return parse_pids(opts, argc - optind, argv + optind);
	if (optind < argc) {
		complain("%s takes no '%s'", opts_command(opts), argv[optind]);
		return usage_hint();
	}
	return -1;
}

void options_free(struct options *opts)
{
	if (opts->name)
		regfree(&opts->regex);
	opts->name = NULL;
	free(opts->pids);
	opts->pids = NULL;
	opts->nr_pids = 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all test programs here have in common. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The call fails with -1 and this errno. */
#define assert_errno(call, code)                    \
	do {                                        \
		errno = 0;                          \
		ck_assert_int_eq((long)(call), -1); \
		ck_assert_int_eq(errno, (code));    \
	} while (0)

/* libcheck knows no skipped tests; tests/unit/run turns this into one. */
static inline void unit_skip(const char *test, const char *reason)
{
	/* libcheck appends _fn to the name of the function. */
	printf("# SKIP %.*s %s\n", (int)strlen(test) - 3, test, reason);
	fflush(stdout);
}

static inline int unit_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static inline int unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* UNIT_H */

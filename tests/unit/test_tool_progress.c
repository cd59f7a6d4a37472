// SPDX-License-Identifier: GPL-2.0-or-later
/* What is shown on a terminal while a release takes its time, and when nothing is. */
#include <pty.h>
#include <time.h>

#include "../../userspace/cli/progress.h"
#include "capture.h"

static struct victim victims[2];
static struct selection sel = { .victims = victims };
static struct options opts;
static char text[1024];

static void setup(void)
{
	memset(&opts, 0, sizeof(opts));
	victims[0].pid = getpid();
	/* No process has this one. */
	victims[1].pid = 0x7fffffff;
	sel.nr = 2;
}

static bool progress_shown(struct progress *p)
{
	bool shown;

	pthread_mutex_lock(&p->lock);
	shown = p->shown;
	pthread_mutex_unlock(&p->lock);
	return shown;
}

/* Standard error is a terminal for @ms, then what it got is in text. */
static void on_terminal(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	const struct timespec step = { 0, 100000000 };
	int saved = dup(STDERR_FILENO);
	int master, slave, tries;
	struct progress p;
	size_t len = 0;
	ssize_t got;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	dup2(slave, STDERR_FILENO);
	progress_begin(&p, &opts, &sel);
	nanosleep(&ts, NULL);
	/* On a busy machine the other thread may come late. */
	for (tries = 0; ms > 2000 && tries < 300 && !progress_shown(&p);
	     tries++)
		nanosleep(&step, NULL);
	progress_end(&p);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	while ((got = read(master, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(slave);
	close(master);
}

START_TEST(a_long_release_says_what_is_left)
{
	on_terminal(2500);
	assert_contains(text, "\rmrelease: ");
	assert_contains(text, "s: 1 of 2 processes still have ");
	/* The line is gone in the end. */
	ck_assert_uint_ge(strlen(text), 4);
	ck_assert_str_eq(text + strlen(text) - 4, "\r\033[K");
}
END_TEST

START_TEST(a_short_one_says_nothing)
{
	time_t begin = time(NULL);

	on_terminal(0);
	/* It was short only if nobody held us up. */
	if (time(NULL) == begin)
		ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(nor_does_one_for_programs)
{
	opts.json = true;
	on_terminal(1500);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(nor_one_whose_errors_go_into_a_file)
{
	struct timespec ts = { 1, 500000000 };
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	struct progress p;

	ck_assert_ptr_nonnull(file);
	dup2(fileno(file), STDERR_FILENO);
	progress_begin(&p, &opts, &sel);
	nanosleep(&ts, NULL);
	progress_end(&p);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	capture_read(file, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_progress");
	TCase *tc = tcase_create("progress");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_long_release_says_what_is_left);
	tcase_add_test(tc, a_short_one_says_nothing);
	tcase_add_test(tc, nor_does_one_for_programs);
	tcase_add_test(tc, nor_one_whose_errors_go_into_a_file);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

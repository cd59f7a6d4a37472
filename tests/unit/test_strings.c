// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and error texts. */
#include <mrelease.h>

#include "unit.h"

typedef const char *(*name_fn)(uint32_t bit);

static void assert_names(name_fn name, unsigned int nr, const char *first,
			 const char *last)
{
	unsigned int i, j;

	for (i = 0; i < 32; i++) {
		errno = 0;
		if (i >= nr) {
			ck_assert_ptr_null(name(1U << i));
			ck_assert_int_eq(errno, EINVAL);
			continue;
		}
		ck_assert_ptr_nonnull(name(1U << i));
		for (j = 0; j < i; j++)
			ck_assert_str_ne(name(1U << i), name(1U << j));
	}
	ck_assert_str_eq(name(1), first);
	ck_assert_str_eq(name(1U << (nr - 1)), last);

	errno = 0;
	ck_assert_ptr_null(name(0));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(name(3));
}

START_TEST(each_flag_has_a_name)
{
	assert_names(mrelease_flag_name, 6, "kill", "teardown");
	ck_assert_str_eq(mrelease_flag_name(MRELEASE_EVICT), "evict");
	ck_assert_str_eq(mrelease_flag_name(MRELEASE_SHARED), "shared");
	ck_assert_str_eq(mrelease_flag_name(MRELEASE_HUGETLB), "hugetlb");
	ck_assert_str_eq(mrelease_flag_name(MRELEASE_KILL_SHARERS),
			 "kill-sharers");
}
END_TEST

START_TEST(each_reason_has_a_name)
{
	assert_names(mrelease_left_name, 12, "shared", "other");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_SHARED_MAP),
			 "shared-map");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_HUGETLB), "hugetlb");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_PFNMAP), "pfnmap");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_LOCKED), "locked");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_NOTIFIER),
			 "notifier");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_ROBUST), "robust");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_TIMEOUT), "timeout");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_SIGNAL), "signal");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_EXITING), "exiting");
	ck_assert_str_eq(mrelease_left_name(MRELEASE_LEFT_DUMP), "dump");
}
END_TEST

START_TEST(each_note_has_a_name)
{
	assert_names(mrelease_note_name, 4, "estimated", "skipped");
	ck_assert_str_eq(mrelease_note_name(MRELEASE_NOTE_JOINED), "joined");
	ck_assert_str_eq(mrelease_note_name(MRELEASE_NOTE_NEW_MM), "new-mm");
}
END_TEST

START_TEST(each_back_end_has_a_name)
{
	ck_assert_str_eq(mrelease_backend_name(MRELEASE_BACKEND_AUTO), "auto");
	ck_assert_str_eq(mrelease_backend_name(MRELEASE_BACKEND_DEVICE),
			 "device");
	ck_assert_str_eq(mrelease_backend_name(MRELEASE_BACKEND_SYSCALL),
			 "syscall");
	ck_assert_str_eq(mrelease_backend_name(MRELEASE_BACKEND_SIGNAL),
			 "signal");
	errno = 0;
	ck_assert_ptr_null(mrelease_backend_name((enum mrelease_backend)4));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(each_error_has_a_text_of_its_own)
{
	static const int errs[] = {
		0,	EPERM,	ENOENT, ESRCH,	   EINTR, E2BIG,  EBADF,
		EAGAIN, ENOMEM, EACCES, EFAULT,	   EBUSY, ENODEV, EINVAL,
		ENFILE, EMFILE, ENOTTY, ETIMEDOUT, EBADE, ENOSYS, EOPNOTSUPP
	};
	const char *unexpected = mrelease_strerror(EXDEV, NULL);
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		const char *text = mrelease_strerror(errs[i], NULL);

		ck_assert_str_ne(text, unexpected);
		for (j = 0; j < i; j++)
			ck_assert_str_ne(text,
					 mrelease_strerror(errs[j], NULL));
		ck_assert_ptr_null(strchr(text, '\n'));
		ck_assert_int_ne(text[strlen(text) - 1], '.');

		/* Every failure comes with a remedy behind a semicolon. */
		if (errs[i] && errs[i] != EINVAL)
			ck_assert_ptr_nonnull(strstr(text, "; "));
	}
}
END_TEST

static const char *text_of(int err, uint32_t left, uint32_t victims)
{
	struct mrelease_result res = { .left_reasons = left,
				       .victims = victims };

	return mrelease_strerror(err, &res);
}

static void assert_says(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in \"%s\"", part, text);
}

START_TEST(the_result_makes_the_text_exact)
{
	assert_says(text_of(EINVAL, MRELEASE_LEFT_SHARED, 0), "kill-sharers");
	assert_says(text_of(EINVAL, MRELEASE_LEFT_SHARED, 1), "killed, but");
	assert_says(text_of(EINVAL, MRELEASE_LEFT_DUMP, 0), "core");
	assert_says(text_of(EPERM, MRELEASE_LEFT_SHARED, 1), "survived");
	assert_says(text_of(EPERM, MRELEASE_LEFT_SHARED, 0), "nothing");
	assert_says(text_of(EPERM, 0, 1), "signalled");
	assert_says(text_of(EPERM, 0, 0), "kill(2)");
	assert_says(text_of(ETIMEDOUT, 0, 1), "killed");
	ck_assert_ptr_null(strstr(text_of(ETIMEDOUT, 0, 0), "killed"));
}
END_TEST

START_TEST(the_version_is_that_of_the_file)
{
	ck_assert_str_eq(mrelease_version(), MRELEASE_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strings");
	TCase *tc = tcase_create("strings");

	tcase_add_test(tc, each_flag_has_a_name);
	tcase_add_test(tc, each_reason_has_a_name);
	tcase_add_test(tc, each_note_has_a_name);
	tcase_add_test(tc, each_back_end_has_a_name);
	tcase_add_test(tc, each_error_has_a_text_of_its_own);
	tcase_add_test(tc, the_result_makes_the_text_exact);
	tcase_add_test(tc, the_version_is_that_of_the_file);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

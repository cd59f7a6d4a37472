/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Test Anything Protocol, in the form of the kernel's selftests.  A test program
 * says its plan first, so that one that ends early is seen.
 */
#ifndef _TAP_H
#define _TAP_H

#include <stdbool.h>

void tap_plan(int points);

/* One point; returns ok.  The description must not depend on the outcome. */
bool tap_ok(bool ok, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A point that cannot be had on this kernel, and why. */
void tap_skip(const char *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A comment: figures, tables. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The set-up failed (errno is printed): the program ends, as a failure. */
void tap_bail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Exit status of the program. */
int tap_done(void);

#endif /* _TAP_H */

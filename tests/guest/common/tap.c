// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test Anything Protocol, see tap.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static int planned;
static int done;
static int failed;

void tap_plan(int points)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	planned = points;
	printf("1..%d\n", points);
}

bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	done++;
	failed += !ok;
	printf("%s %d - ", ok ? "ok" : "not ok", done);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return ok;
}

void tap_skip(const char *why, const char *fmt, ...)
{
	va_list ap;

	printf("ok %d - ", ++done);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" # SKIP %s\n", why);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void tap_bail(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(err));
	fflush(stdout);
	_Exit(1);
}

int tap_done(void)
{
	if (done != planned)
		printf("# planned %d points, ran %d\n", planned, done);
	fflush(stdout);
	return failed || done != planned;
}

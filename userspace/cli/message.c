// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>

#include "cli.h"

void complain(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("mrelease: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reports of KCSAN in the kernel's log.  It tells of every data race in the kernel, and
 * a kernel has many of its own that nobody minds; a test is to blame for those with a
 * function of the module on either stack.
 *
 * A report is a line "BUG: KCSAN: ..." and those after it, to one of "=" alone.
 */
#include <stdio.h>
#include <string.h>

#include "runner.h"

static char report[8192];
static size_t used;
static bool inside, ours;
static unsigned int others;

static void keep(const char *text)
{
	int n = snprintf(report + used, sizeof(report) - used, "%s\n", text);

	/* Of one that is too long the rest is in the console's log. */
	if (n > 0 && used + n < sizeof(report))
		used += n;
}

static void show(void)
{
	char *line, *rest = report;

	while ((line = strsep(&rest, "\n")) && *line)
		diag("kernel log: %s", line);
}

bool race_begins(const char *text)
{
	if (!strstr(text, "BUG: KCSAN:"))
		return false;
	inside = true;
	used = 0;
	ours = false;
	keep(text);
	return true;
}

bool race_ends(const char *text)
{
	if (!inside)
		return false;
	keep(text);
	/* As "mr_reap_mm+0x12/0x34 [mrelease]". */
	if (strstr(text, "[mrelease]"))
		ours = true;
	if (strncmp(text, "=====", 5))
		return false;
	inside = false;
	if (ours)
		show();
	else
		others++;
	return ours;
}

unsigned int race_others(void)
{
	unsigned int n = others;

	others = 0;
	return n;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read the TAP of one program line by line and put it into the stream of the whole run.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

void tap_init(struct tap *tap, const char *program)
{
	memset(tap, 0, sizeof(*tap));
	tap->program = program;
	tap->planned = -1;
}

static void tap_point(struct tap *tap, bool ok, char *rest)
{
	/* The number is ours to give; " - " is optional in TAP. */
	while (*rest == ' ')
		rest++;
	while (isdigit((unsigned char)*rest))
		rest++;
	while (*rest == ' ')
		rest++;
	if (rest[0] == '-' && rest[1] == ' ')
		rest += 2;
	tap->seen++;
	tap->failed += !ok;
	point(ok, tap->program, "%s", rest);
}

static void tap_line(struct tap *tap, char *line)
{
	if (!strncmp(line, "ok", 2) && (line[2] == ' ' || !line[2])) {
		tap_point(tap, true, line + 2);
	} else if (!strncmp(line, "not ok", 6) &&
		   (line[6] == ' ' || !line[6])) {
		tap_point(tap, false, line + 6);
	} else if (!strncmp(line, "1..", 3) &&
		   isdigit((unsigned char)line[3])) {
		char *end;

		tap->planned = strtol(line + 3, &end, 10);
		if (tap->planned == 0 && strcasestr(end, "skip")) {
			tap->skipped = true;
			point(true, tap->program, "all of it%s", end);
		}
	} else if (!strncmp(line, "Bail out!", 9)) {
		tap->bailed = true;
		/* As a comment: to TAP it would mean the end of the whole run. */
		diag("%s: %s", tap->program, line);
	} else if (line[0] == '#') {
		printf("%s\n", line);
	} else if (line[0]) {
		diag("%s", line);
	}
}

void tap_feed(struct tap *tap, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool full = tap->len == sizeof(tap->line) - 1;

		if (buf[i] == '\n' || full) {
			tap->line[tap->len] = '\0';
			tap_line(tap, tap->line);
			tap->len = 0;
		}
		if (buf[i] != '\n')
			tap->line[tap->len++] = buf[i] ? buf[i] : '?';
	}
}

/* A last line that was never ended. */
void tap_end(struct tap *tap)
{
	if (tap->len)
		tap_feed(tap, "\n", 1);
}

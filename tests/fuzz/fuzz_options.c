// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tool's command line, and the settings of the drop-in.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/cli/cli.h"
#include "userspace/preload/preload.h"
#include "fuzz.h"

#define WORDS 16

static void environment(const char *text)
{
	/* Not setenv(), which never frees what it has copied. */
	static char flags[4200], timeout[4200];
	struct mr_preload_options opts;

	snprintf(flags, sizeof(flags), "MRELEASE_PRELOAD_FLAGS=%s", text);
	snprintf(timeout, sizeof(timeout), "MRELEASE_PRELOAD_TIMEOUT=%s", text);
	putenv(flags);
	putenv(timeout);
	mr_preload_environ(&opts);
	/* It can never be made to kill by these. */
	if (opts.flags & (MRELEASE_KILL | MRELEASE_KILL_SHARERS))
		abort();
}

/* The input: words that end with a NUL. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *words[WORDS + 2] = { "mrelease" };
	char *text = malloc(size + 1), *at = text;
	struct options opts;
	size_t i;
	int n = 1;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	/* The C library takes all the memory there is for "x{99}{99}{99}{99}". */
	for (i = 0; i < size; i++)
		if (text[i] == '{')
			text[i] = '(';
	environment(text);
	while (at < text + size && n <= WORDS) {
		words[n++] = at;
		at += strlen(at) + 1;
	}
	/* Any number is the exit status; -1 goes on. */
	if (options_parse(n, words, &opts) == -1 && opts.pids && !opts.nr_pids)
		abort();
	options_free(&opts);
	free(text);
	return 0;
}

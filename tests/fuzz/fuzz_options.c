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
	struct mr_preload_options opts;

	setenv("MRELEASE_PRELOAD_FLAGS", text, 1);
	setenv("MRELEASE_PRELOAD_TIMEOUT", text, 1);
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
	int n = 1;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
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

// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <mrelease.h>
#include <stdlib.h>
#include <string.h>

#include "preload.h"

/*
 * What waits, beyond unmapping, needs a limit: a daemon that asked for a call
 * which returns at once must not hang because of us.
 */
#define DEFAULT_TIMEOUT_MS 1000

static const struct {
	const char *name;
	uint32_t flag;
} words[] = {
	{ "evict", MRELEASE_EVICT },
	{ "shared", MRELEASE_SHARED },
	{ "hugetlb", MRELEASE_HUGETLB },
	{ "teardown", MRELEASE_TEARDOWN },
};

/* Words that are not known, and those that would kill, are no flags. */
static uint32_t parse_flags(const char *text)
{
	uint32_t flags = 0;
	size_t i;

	while (*text) {
		size_t len = strcspn(text, ", ");

		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (len == strlen(words[i].name) &&
			    !memcmp(text, words[i].name, len))
				flags |= words[i].flag;
		}
		text += len;
		text += strspn(text, ", ");
	}
	return flags;
}

static bool parse_number(const char *text, uint32_t *value)
{
	uint64_t number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > UINT32_MAX)
			return false;
	}
	*value = (uint32_t)number;
	return true;
}

static bool is_on(const char *name)
{
	const char *text = secure_getenv(name);

	return text && !strcmp(text, "1");
}

void mr_preload_environ(struct mr_preload_options *opts)
{
	const char *text;

	memset(opts, 0, sizeof(*opts));
	opts->pair = is_on("MRELEASE_PRELOAD_PAIR");
	opts->verbose = is_on("MRELEASE_PRELOAD_VERBOSE");

	text = secure_getenv("MRELEASE_PRELOAD_FLAGS");
	if (text)
		opts->flags = parse_flags(text);

	if (opts->flags || opts->pair)
		opts->timeout_ms = DEFAULT_TIMEOUT_MS;
	text = secure_getenv("MRELEASE_PRELOAD_TIMEOUT");
	if (text)
		parse_number(text, &opts->timeout_ms);
}

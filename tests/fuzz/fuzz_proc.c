// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the library and the tool read of a process, whose name and command line are
 * whatever it likes; and what the tool makes of a name.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/cli/json.h"
#include "userspace/lib/usage.c"
#include "fuzz.h"

/* As strict as a parser of JSON: no control characters, quotes escaped, UTF-8. */
static void check_json(const char *text, size_t size)
{
	unsigned int more = 0, quotes = 0;
	size_t i;

	for (i = 0; i < size; i++) {
		unsigned char c = text[i];

		if (c == '\\' && quotes % 2)
			i++;
		else if (c == '"')
			quotes++;
		if (c < 0x20 && c != '\n')
			abort();
		if (more ? (c & 0xc0) != 0x80 : (c & 0xc0) == 0x80)
			abort();
		if (more)
			more--;
		else if (c >= 0xc0)
			more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	}
	if (quotes % 2 || more)
		abort();
}

static void name(const char *text)
{
	char *out = NULL, plain[64];
	struct json json;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		abort();
	json_begin(&json, f);
	json_open(&json, NULL, '{');
	json_string(&json, "name", text);
	json_close(&json, '}');
	json_end(&json);
	fclose(f);
	check_json(out, size);
	free(out);
	plain_name(plain, sizeof(plain), text);
	if (strlen(plain) >= sizeof(plain))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	struct mr_usage usage = { 0 };
	struct pid_line pid = { false, 0 };
	char *text;

	if (fd < 0) {
		fd = memfd_create("input", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	mr_read_lines(path, parse_fdinfo, &pid);
	mr_read_lines(path, parse_status, &usage);
	mr_read_lines(path, parse_stat, &usage);
	text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	name(text);
	free(text);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "json.h"

static void next(struct json *json, const char *key)
{
	if (json->filled)
		fputc(',', json->out);
	if (json->depth)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
	if (key)
		fprintf(json->out, "\"%s\": ", key);
	json->filled = true;
}

void json_begin(struct json *json, FILE *out)
{
	json->out = out;
	json->depth = 0;
	json->filled = false;
	json_open(json, NULL, '{');
}

void json_end(struct json *json)
{
	json_close(json, '}');
	fputc('\n', json->out);
}

void json_open(struct json *json, const char *key, char bracket)
{
	next(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->filled = false;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (json->filled)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
	fputc(bracket, json->out);
	json->filled = true;
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	next(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	next(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	next(json, key);
	fputs("null", json->out);
}

/* Length of the UTF-8 sequence at s, 0 when it is none (RFC 3629). */
static unsigned int utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	unsigned int len;
	unsigned int i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;

	/* Overlong forms, surrogates and what lies beyond U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;

	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

void json_string(struct json *json, const char *key, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	next(json, key);
	fputc('"', json->out);
	while (*s) {
		unsigned int len = utf8_length(s);

		if (!len) {
			fputs("\\ufffd", json->out);
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			fprintf(json->out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(json->out, "\\u%04x", *s);
		else
			fwrite(s, 1, len, json->out);
		s += len;
	}
	fputc('"', json->out);
}

void json_names(struct json *json, const char *key, uint32_t bits, name_fn name)
{
	json_open(json, key, '[');
	for (; bits; bits &= bits - 1) {
		const char *text = name(bits & -bits);
		char number[16];

		if (!text) {
			snprintf(number, sizeof(number), "bit%d",
				 __builtin_ctz(bits));
			text = number;
		}
		json_string(json, NULL, text);
	}
	json_close(json, ']');
}

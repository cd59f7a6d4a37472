/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer for JSON.  Keys are ours and need no escapes; NULL as the key is for
 * the elements of an array and the document itself.
 */
#ifndef MRELEASE_JSON_H
#define MRELEASE_JSON_H

#include "cli.h"

struct json {
	FILE *out;
	unsigned int depth;
	bool filled; /* something stands at this depth already */
};

void json_begin(struct json *json, FILE *out);
void json_end(struct json *json);
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_number(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* Any bytes up to the NUL: what is not UTF-8 becomes U+FFFD. */
void json_string(struct json *json, const char *key, const char *value);

/* An array of the names of the bits that are set. */
void json_names(struct json *json, const char *key, uint32_t bits,
		name_fn name);

#endif /* MRELEASE_JSON_H */

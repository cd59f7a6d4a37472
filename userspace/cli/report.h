/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was done, as it is shown: the table for people, JSON for programs. */
#ifndef MRELEASE_REPORT_H
#define MRELEASE_REPORT_H

#include "json.h"

struct report {
	const struct options *opts;
	const struct session *session;
	struct json json;
	struct victim total;
	unsigned int rows;
	bool estimated;
};

void report_begin(struct report *r, const struct options *opts,
		  const struct session *session);
void report_victim(struct report *r, const struct victim *v);
void report_end(struct report *r);

/* table.c: called by the above. */
void table_victim(struct report *r, const struct victim *v);
void table_end(struct report *r);

#endif /* MRELEASE_REPORT_H */

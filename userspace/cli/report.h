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
	bool summed; /* total is known */
	unsigned int rows;
	bool estimated;
};

void report_begin(struct report *r, const struct options *opts,
		  const struct session *session);
/* The sum, before the first victim, where it is not that of the rows. */
void report_total(struct report *r, const struct mrelease_result *total);
void report_victim(struct report *r, const struct victim *v);
void report_end(struct report *r);

void result_add(struct mrelease_result *sum, const struct mrelease_result *res);

/* table.c: called by the above. */
void table_victim(struct report *r, const struct victim *v);
void table_end(struct report *r);

#endif /* MRELEASE_REPORT_H */

// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "../lib/internal.h"
#include "report.h"

void report_begin(struct report *r, const struct options *opts,
		  const struct session *session)
{
	const struct mrelease *h = session->handle;

	memset(r, 0, sizeof(*r));
	r->opts = opts;
	r->session = session;
	if (!opts->json)
		return;

	json_begin(&r->json, stdout);
	json_string(&r->json, "version", mrelease_version());
	json_string(&r->json, "backend",
		    mrelease_backend_name(mrelease_backend(h)));
	json_string(&r->json, "command", opts_command(opts));
	json_names(&r->json, "flags", opts->flags, mrelease_flag_name);
	json_open(&r->json, "results", '[');
}

/* One after the other, so the time adds up as well. */
void result_add(struct mrelease_result *sum, const struct mrelease_result *res)
{
	mr_total_add(sum, res);
	sum->elapsed_ns += res->elapsed_ns;
}

static void json_error(struct json *json, const struct victim *v)
{
	if (!v->err) {
		json_null(json, "error");
		return;
	}
	json_open(json, "error", '{');
	json_number(json, "errno", v->err);
	json_string(json, "name", errno_name(v->err));
	json_string(json, "text", v->text);
	json_close(json, '}');
}

static void json_result(struct json *json, const struct mrelease_result *res)
{
	json_number(json, "anon_bytes", res->anon_bytes);
	json_number(json, "file_bytes", res->file_bytes);
	json_number(json, "shmem_bytes", res->shmem_bytes);
	json_number(json, "swap_bytes", res->swap_bytes);
	json_number(json, "hugetlb_bytes", res->hugetlb_bytes);
	json_number(json, "evicted_bytes", res->evicted_bytes);
	json_number(json, "freed_bytes", res->freed_bytes);
	json_number(json, "left_bytes", res->left_bytes);
	json_number(json, "elapsed_ns", res->elapsed_ns);
	json_number(json, "victims", res->victims);
	json_names(json, "left_reasons", res->left_reasons, mrelease_left_name);
	json_names(json, "notes", res->notes, mrelease_note_name);
}

void report_total(struct report *r, const struct mrelease_result *total)
{
	r->total.res = *total;
	r->summed = true;
}

void report_victim(struct report *r, const struct victim *v)
{
	if (!r->summed)
		result_add(&r->total.res, &v->res);

	if (!r->opts->json) {
		table_victim(r, v);
		return;
	}

	json_open(&r->json, NULL, '{');
	json_number(&r->json, "pid", v->pid);
	json_string(&r->json, "name", v->name);
	json_bool(&r->json, "ok", !v->err);
	json_error(&r->json, v);
	json_result(&r->json, &v->res);
	json_close(&r->json, '}');
}

void report_end(struct report *r)
{
	if (!r->opts->json) {
		table_end(r);
		return;
	}

	json_close(&r->json, ']');
	json_end(&r->json);
}

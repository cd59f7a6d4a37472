// SPDX-License-Identifier: GPL-2.0-or-later
/* --dry-run: who would be released, and what they have. */
#include <errno.h>

#include "../lib/internal.h"
#include "report.h"
#include "select.h"

static void dry_row(const struct victim *v, const struct mr_usage *usage)
{
	const uint64_t bytes[] = { usage->anon, usage->file, usage->shmem,
				   usage->swap, usage->hugetlb };
	char name[16];
	char value[16];
	size_t i;

	plain_name(name, sizeof(name), v->name);
	printf("%7d %-15s %5d", (int)v->pid, name, v->oom_score);
	for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		format_bytes(value, sizeof(value), bytes[i]);
		printf(" %6s", usage->known ? value : "?");
	}
	putchar('\n');
}

static void dry_json(struct json *json, const struct victim *v,
		     const struct mr_usage *usage)
{
	json_open(json, NULL, '{');
	json_number(json, "pid", (uint64_t)v->pid);
	json_string(json, "name", v->name);
	json_number(json, "oom_score", (uint64_t)v->oom_score);
	json_bool(json, "known", usage->known);
	json_number(json, "anon_bytes", usage->anon);
	json_number(json, "file_bytes", usage->file);
	json_number(json, "shmem_bytes", usage->shmem);
	json_number(json, "swap_bytes", usage->swap);
	json_number(json, "hugetlb_bytes", usage->hugetlb);
	json_close(json, '}');
}

int dry_run(const struct options *opts, const struct selection *sel)
{
	int status = EXIT_DONE;
	bool header = false;
	struct json json;
	size_t i;

	if (opts->json) {
		json_begin(&json, stdout);
		json_string(&json, "version", mrelease_version());
		json_string(&json, "command", opts_command(opts));
		json_bool(&json, "dry_run", true);
		json_open(&json, "results", '[');
	}
	for (i = 0; i < sel->nr; i++) {
		const struct victim *v = &sel->victims[i];
		struct mr_usage usage;

		if (!v->opened) {
			complain("pid %d: %s", (int)v->pid,
				 open_strerror(v->err));
			status = EXIT_FAILED;
			continue;
		}
		mr_usage_read(v->pidfd, &usage);
		if (opts->json) {
			dry_json(&json, v, &usage);
			continue;
		}
		if (!header)
			printf("%7s %-15s %5s %6s %6s %6s %6s %6s\n", "PID",
			       "NAME", "SCORE", "ANON", "FILE", "SHMEM", "SWAP",
			       "HUGE");
		header = true;
		dry_row(v, &usage);
	}
	if (opts->json) {
		json_close(&json, ']');
		json_end(&json);
	} else if (header) {
		puts("Nothing was done (--dry-run).");
	}
	return status;
}

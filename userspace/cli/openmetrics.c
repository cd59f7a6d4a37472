// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The counters of the module as OpenMetrics text.
 *
 * It is also valid in the older format of Prometheus, which node_exporter's textfile
 * collector reads: that knows no type "info", so a gauge does for it, and takes the
 * counters for untyped, since it has no suffix in the line of their type.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openmetrics.h"

#define STATISTICS "/sys/class/misc/mrelease/statistics/"
#define ENABLED "/sys/module/mrelease/parameters/enabled"

/* struct sample - one counter; without a label it is the only one of its family */
struct sample {
	const char *file;
	const char *label;
};

struct family {
	const char *name;
	const char *unit; /* the end of the name, or NULL */
	const char *label; /* the name of all labels, or NULL */
	const char *help;
	struct sample samples[12];
};

static const struct family families[] = {
	{ "mrelease_releases",
	  NULL,
	  "result",
	  "Releases that were not refused.",
	  { { "released", "released" },
	    { "timeouts", "timeout" },
	    { "interrupted", "interrupted" },
	    { "failed", "failed" } } },
	{ "mrelease_refusals",
	  NULL,
	  "reason",
	  "Calls that were refused, before anything was done.",
	  { { "refused_arguments", "arguments" },
	    { "refused_off", "off" },
	    { "refused_pidfd", "pidfd" },
	    { "refused_gone", "gone" },
	    { "refused_alive", "alive" },
	    { "refused_shared", "shared" },
	    { "refused_dump", "dump" },
	    { "refused_scope", "scope" },
	    { "refused_permission", "permission" },
	    { "refused_full", "full" } } },
	{ "mrelease_kills",
	  NULL,
	  NULL,
	  "Processes that were signalled.",
	  { { "kills", NULL } } },
	{ "mrelease_joined",
	  NULL,
	  NULL,
	  "Releases that shared their work with another caller.",
	  { { "joined", NULL } } },
	{ "mrelease_freed_bytes",
	  "bytes",
	  NULL,
	  "What the system got back.",
	  { { "freed_bytes", NULL } } },
	{ "mrelease_evicted_bytes",
	  "bytes",
	  NULL,
	  "Page cache that was dropped, a part of what was freed.",
	  { { "evicted_bytes", NULL } } },
	{ "mrelease_left_bytes",
	  "bytes",
	  NULL,
	  "What victims still held when the call returned.",
	  { { "left_bytes", NULL } } },
};

/* A file of the module's; -1 if it is not there, or with errno != ENOENT an error. */
static int statistics_read(const char *file, char *text, size_t size)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), STATISTICS "%s", file);
	errno = 0;
	if (file_read(path, text, size) > 0)
		return 0;
	if (!errno)
		errno = EIO;
	return -1;
}

static int counter_read(const char *file, uint64_t *value)
{
	char text[64];

	if (statistics_read(file, text, sizeof(text)))
		return -1;
	*value = strtoull(text, NULL, 10);
	return 0;
}

static int read_latency(struct metrics *m)
{
	char text[2048];
	char *line, *save, *end;

	if (statistics_read("latency_us", text, sizeof(text)))
		return -1;
	for (line = strtok_r(text, "\n", &save);
	     line && m->nr_buckets < METRICS_BUCKETS;
	     line = strtok_r(NULL, "\n", &save)) {
		struct bucket *b = &m->buckets[m->nr_buckets];

		b->us = strncmp(line, "inf", 3) ? strtoull(line, &end, 10) : 0;
		end = strchr(line, ' ');
		if (!end)
			break;
		b->up_to = strtoull(end, NULL, 10);
		m->nr_buckets++;
	}
	return 0;
}

int metrics_read(struct metrics *m)
{
	char text[8];
	size_t f, s;

	memset(m, 0, sizeof(*m));
	if (file_read(ENABLED, text, sizeof(text)) > 0)
		m->enabled = text[0] == 'Y' ? 1 : 0;
	else
		m->enabled = -1;

	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (s = 0; families[f].samples[s].file; s++) {
			struct counter *c = &m->counters[f][s];

			c->there = !counter_read(families[f].samples[s].file,
						 &c->value);
			if (!c->there && errno != ENOENT)
				return -1;
		}
	}
	if ((read_latency(m) || counter_read("elapsed_ns", &m->elapsed_ns)) &&
	    errno != ENOENT)
		return -1;
	return 0;
}

/* What must not stand in a label as it is. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

static void print_head(FILE *out, const char *name, const char *type,
		       const char *unit, const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

static void print_build(FILE *out, const struct session *s,
			const struct mrelease_info *info)
{
	enum mrelease_backend backend = mrelease_backend(s->handle);

	print_head(out, "mrelease_device_usable", "gauge", NULL,
		   "Whether /dev/mrelease can be used.");
	fprintf(out, "mrelease_device_usable %d\n", !s->device_err);
	print_head(out, "mrelease_build_info", "gauge", NULL,
		   "Versions, and how releases are done.");
	fputs("mrelease_build_info{module=\"", out);
	print_escaped(out, info->version);
	fputs("\",library=\"", out);
	print_escaped(out, mrelease_version());
	fputs("\",backend=\"", out);
	print_escaped(out, mrelease_backend_name(backend));
	fputs("\",primitive=\"", out);
	print_escaped(out, info->primitive);
	fputs("\"} 1\n", out);
}

static void print_family(FILE *out, const struct family *family,
			 const struct counter *counters)
{
	bool begun = false;
	size_t s;

	for (s = 0; family->samples[s].file; s++) {
		if (!counters[s].there)
			continue;
		if (!begun)
			print_head(out, family->name, "counter", family->unit,
				   family->help);
		begun = true;
		fprintf(out, "%s_total", family->name);
		if (family->label)
			fprintf(out, "{%s=\"%s\"}", family->label,
				family->samples[s].label);
		fprintf(out, " %" PRIu64 "\n", counters[s].value);
	}
}

/* The sum is read after the buckets, so it may have a call more. */
static void print_latency(FILE *out, const struct metrics *m)
{
	static const char name[] = "mrelease_release_seconds";
	char bound[32];
	size_t i;

	if (!m->nr_buckets)
		return;
	print_head(out, name, "histogram", "seconds",
		   "Duration of releases that were not refused.");
	for (i = 0; i < m->nr_buckets; i++) {
		if (m->buckets[i].us)
			snprintf(bound, sizeof(bound), "%.9g",
				 (double)m->buckets[i].us / 1e6);
		else
			snprintf(bound, sizeof(bound), "+Inf");
		fprintf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, bound,
			m->buckets[i].up_to);
	}
	fprintf(out, "%s_sum %" PRIu64 ".%09" PRIu64 "\n", name,
		m->elapsed_ns / 1000000000, m->elapsed_ns % 1000000000);
	fprintf(out, "%s_count %" PRIu64 "\n", name,
		m->buckets[m->nr_buckets - 1].up_to);
}

void metrics_print(FILE *out, const struct session *s,
		   const struct mrelease_info *info, const struct metrics *m)
{
	size_t f;

	print_build(out, s, info);
	if (m->enabled >= 0) {
		print_head(out, "mrelease_enabled", "gauge", NULL,
			   "Whether releases are switched on.");
		fprintf(out, "mrelease_enabled %d\n", m->enabled);
	}
	for (f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		print_family(out, &families[f], m->counters[f]);
	print_latency(out, m);
	fputs("# EOF\n", out);
}

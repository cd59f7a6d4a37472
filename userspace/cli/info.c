// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "diagnose.h"
#include "json.h"
#include "openmetrics.h"

#define NR_COMMANDS 16

static const uint32_t all_flags = MRELEASE_KILL | MRELEASE_EVICT |
				  MRELEASE_SHARED | MRELEASE_HUGETLB |
				  MRELEASE_KILL_SHARERS | MRELEASE_TEARDOWN;

static uint32_t flags_of(const struct mrelease_info *info)
{
	return (uint32_t)(info->features & MRELEASE_FEAT_FLAGS);
}

static const char *command_of_bit(uint32_t bit)
{
	return command_name(__builtin_ctz(bit));
}

static uint32_t commands_of(const struct mrelease_info *info)
{
	return (uint32_t)(info->features >> 32) & ((1U << NR_COMMANDS) - 1);
}

static void print_names(const char *title, uint32_t bits, name_fn name)
{
	char buf[200];
	char *c;

	names_join(buf, sizeof(buf), bits, name);
	for (c = buf; *c; c++) {
		if (*c == ',')
			*c = ' ';
	}
	printf("%-12s %s\n", title, *buf ? buf : "none");
}

static void print_advice(FILE *out, int device_err)
{
	struct advice list[ADVICE_MAX];
	size_t nr = diagnose(device_err, list);
	size_t i;

	for (i = 0; i < nr; i++) {
		fprintf(out, "%-12s %s\n", "problem", list[i].problem);
		fprintf(out, "%-12s %s\n", "what to do", list[i].remedy);
	}
}

static void info_text(const struct session *s, const struct mrelease_info *info)
{
	enum mrelease_backend backend = mrelease_backend(s->handle);

	printf("%-12s %s (%s)\n", "back end", mrelease_backend_name(backend),
	       backend_title(backend));
	if (s->device_err)
		printf("%-12s not usable: %s\n", "device",
		       session_strerror(s->device_err));
	else if (backend != MRELEASE_BACKEND_DEVICE)
		printf("%-12s there, but not used\n", "device");
	else
		printf("%-12s " MRELEASE_DEVICE
		       ", module version %s, ABI version %u\n",
		       "device", info->version, info->abi_version);
	printf("%-12s version %s\n", "library", mrelease_version());
	printf("%-12s %s\n", "primitive", info->primitive);
	print_names("flags", flags_of(info), mrelease_flag_name);
	print_names("not here", all_flags & ~flags_of(info),
		    mrelease_flag_name);
	if (backend != MRELEASE_BACKEND_DEVICE) {
		print_advice(stdout, s->device_err);
		return;
	}
	print_names("commands", commands_of(info), command_of_bit);
	printf("%-12s %s\n", "freed pages",
	       info->features & MRELEASE_FEAT_VISIBLE ?
		       "show in MemFree when a release returns" :
		       "may show in MemFree a little later");
	print_advice(stdout, 0);
}

static void json_device(struct json *json, const struct mrelease_info *info,
			int err, bool used)
{
	json_open(json, "device", '{');
	json_string(json, "path", MRELEASE_DEVICE);
	json_bool(json, "usable", !err);
	if (err) {
		json_string(json, "error", errno_name(err));
		json_string(json, "text", session_strerror(err));
	}
	if (used) {
		json_string(json, "version", info->version);
		json_number(json, "abi_version", info->abi_version);
	}
	json_close(json, '}');
}

static void json_advice(struct json *json, int device_err)
{
	struct advice list[ADVICE_MAX];
	size_t nr = diagnose(device_err, list);
	size_t i;

	json_open(json, "advice", '[');
	for (i = 0; i < nr; i++) {
		json_open(json, NULL, '{');
		json_string(json, "id", list[i].id);
		json_string(json, "problem", list[i].problem);
		json_string(json, "remedy", list[i].remedy);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void info_json(const struct session *s, const struct mrelease_info *info)
{
	enum mrelease_backend backend = mrelease_backend(s->handle);
	struct json json;

	json_begin(&json, stdout);
	json_string(&json, "version", mrelease_version());
	json_string(&json, "backend", mrelease_backend_name(backend));
	json_device(&json, info, s->device_err,
		    backend == MRELEASE_BACKEND_DEVICE);
	json_string(&json, "primitive", info->primitive);
	json_number(&json, "features", info->features);
	json_names(&json, "flags", flags_of(info), mrelease_flag_name);
	json_names(&json, "commands", commands_of(info), command_of_bit);
	json_bool(&json, "visible", info->features & MRELEASE_FEAT_VISIBLE);
	json_advice(&json, s->device_err);
	json_end(&json);
}

/* All of it or nothing: it may be on its way to a file that others read. */
static int info_openmetrics(const struct session *s,
			    const struct mrelease_info *info)
{
	struct metrics metrics;

	if (metrics_read(&metrics)) {
		complain("the module's counters: %s%s", strerror(errno),
			 errno == EACCES ? "; only root may read them" : "");
		return EXIT_FAILED;
	}
	metrics_print(stdout, s, info, &metrics);
	return EXIT_DONE;
}

int command_info(const struct options *opts)
{
	struct mrelease_info info;
	int status = EXIT_DONE;
	struct session s;

	if (session_open(&s, opts)) {
		int err = errno;

		complain("%s", session_strerror(err));
		if (opts->backend <= MRELEASE_BACKEND_DEVICE)
			print_advice(stderr, err);
		return EXIT_NO_DEVICE;
	}

	mrelease_get_info(s.handle, &info);
	if (opts->openmetrics)
		status = info_openmetrics(&s, &info);
	else if (opts->json)
		info_json(&s, &info);
	else
		info_text(&s, &info);
	session_close(&s);
	return status;
}

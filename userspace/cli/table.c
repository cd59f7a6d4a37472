// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table: at most 100 columns, what the victim had in front, what it came to
 * behind.  Columns that cannot hold anything with these options are left out.
 * Each row is shown when its victim is done.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "report.h"

#define TERMINAL_COLUMNS 100

struct column {
	const char *title;
	int width;
	size_t offset; /* of the __u64 in struct mrelease_result */
	uint32_t flag; /* needed for it to be anything but 0 */
};

#define BYTES(name) offsetof(struct mrelease_result, name##_bytes)

static const struct column columns[] = {
	{ "ANON", 6, BYTES(anon), 0 },
	{ "FILE", 6, BYTES(file), 0 },
	{ "SHMEM", 6, BYTES(shmem), 0 },
	{ "SWAP", 6, BYTES(swap), 0 },
	{ "HUGE", 6, BYTES(hugetlb), MRELEASE_HUGETLB },
	{ "EVICTED", 7, BYTES(evicted), MRELEASE_EVICT },
	{ "FREED", 6, BYTES(freed), 0 },
	{ "LEFT", 6, BYTES(left), 0 },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool is_shown(const struct report *r, const struct column *column)
{
	enum mrelease_backend backend = mrelease_backend(r->session->handle);

	if (!column->flag || (r->opts->flags & column->flag))
		return true;

	/* The victim's own exit, which "signal" waits for, frees these too. */
	return column->flag == MRELEASE_HUGETLB &&
	       backend != MRELEASE_BACKEND_DEVICE;
}

static void print_header(const struct report *r)
{
	size_t i;

	printf("%7s %-15s", "PID", "NAME");
	for (i = 0; i < NR_COLUMNS; i++) {
		if (is_shown(r, &columns[i]))
			printf(" %*s", columns[i].width, columns[i].title);
	}
	printf(" %6s WHY\n", "TIME");
}

/* Process names are chosen by others: nothing of them may move the cursor. */
void plain_name(char *buf, size_t size, const char *name)
{
	size_t i;

	for (i = 0; i < size - 1 && name[i]; i++)
		buf[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	buf[i] = '\0';
}

static void print_row(const struct report *r, const char *pid, const char *name,
		      const struct mrelease_result *res)
{
	char why[TERMINAL_COLUMNS];
	char value[32];
	size_t room;
	size_t i;
	int used;

	used = printf("%7s %-15s", pid, name);
	for (i = 0; i < NR_COLUMNS; i++) {
		const struct column *column = &columns[i];
		bool tilde = column->offset == BYTES(freed) &&
			     (res->notes & MRELEASE_NOTE_ESTIMATED);
		uint64_t bytes;

		if (!is_shown(r, column))
			continue;
		memcpy(&bytes, (const char *)res + column->offset,
		       sizeof(bytes));
		value[0] = '~';
		format_bytes(value + tilde, sizeof(value) - tilde, bytes);
		used += printf(" %*s", column->width, value);
	}

	format_time(value, sizeof(value), res->elapsed_ns);
	used += printf(" %6s", value);

	room = used + 1 < TERMINAL_COLUMNS ? TERMINAL_COLUMNS - used : 1;
	if (names_join(why, room, res->left_reasons, mrelease_left_name))
		printf(" %s", why);
	putchar('\n');
	fflush(stdout);
}

void table_victim(struct report *r, const struct victim *v)
{
	char name[16];
	char pid[16];

	/* Refused, so nothing was done to it; standard error says why. */
	if (v->err && !v->res.victims && v->err != ETIMEDOUT && v->err != EINTR)
		return;

	if (!r->rows++)
		print_header(r);
	if (v->res.notes & MRELEASE_NOTE_ESTIMATED)
		r->estimated = true;

	snprintf(pid, sizeof(pid), "%d", (int)v->pid);
	plain_name(name, sizeof(name), v->name);
	print_row(r, pid, name, &v->res);
}

void table_end(struct report *r)
{
	enum mrelease_backend backend = mrelease_backend(r->session->handle);

	if (r->rows > 1)
		print_row(r, "total", "", &r->total.res);
	if (!r->rows)
		return;

	if (r->estimated)
		puts("~ is an estimate, and may be too high.");
	if (backend == MRELEASE_BACKEND_DEVICE)
		return;
	printf("Done by %s", backend_title(backend));
	if (r->session->device_err)
		printf(", not by the module: %s",
		       session_strerror(r->session->device_err));
	puts(".");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Look through the kernel's log for what no test may cause. A test that does cause some of it on
 * purpose (an OOM kill prints a call trace) says so beforehand, by writing to /dev/kmsg
 *
 *	mrelease-test: expect REGEX
 *
 * Matching lines are then let pass until the test ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define TAG "mrelease-test: "
#define MAX_EXPECTED 16
#define MAX_SHOWN 40

static const char suspicious[] =
	"BUG:|WARNING:|Oops|general protection|Call Trace|Kernel panic|Unable to handle|"
	"suspicious RCU|possible (circular|recursive|irq lock)|inconsistent lock state|"
	"(rcu|RCU).*(stall|detected)|INFO: (task|rcu)|blocked for more than|"
	"soft lockup|hard LOCKUP|"
	"Bad rss-counter|[Bb]ad page|KASAN:|UBSAN:|KCSAN:|KFENCE:|kmemleak: [0-9]+ new|ODEBUG:|"
	"hogged CPU|refcount_t:|list_(add|del) corruption|sleeping function|"
	"scheduling while atomic|"
	"still has locks held|page_table_check|non-zero pgtables|nonzero refcount|"
	"Objects remaining";

static int kmsg = -1;
static unsigned long long next_seq;
static regex_t bad, expected[MAX_EXPECTED];
static int expects;

void kmsg_open(void)
{
	kmsg = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || regcomp(&bad, suspicious, REG_EXTENDED | REG_NOSUB)) {
		printf("Bail out! /dev/kmsg: %s\n", strerror(errno));
		exit(1);
	}
}

void kmsg_mark(const char *text)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "<6>" TAG "%s", text);

	/* Not dprintf(): it wants to know the file's position, and /dev/kmsg has none. */
	if (write(kmsg, line, len) != len) {
		printf("Bail out! writing /dev/kmsg: %s\n", strerror(errno));
		exit(1);
	}
}

static void expect(const char *regex)
{
	if (expects == MAX_EXPECTED)
		diag("too many expected kernel messages: '%s'", regex);
	else if (regcomp(&expected[expects], regex, REG_EXTENDED | REG_NOSUB))
		diag("not a regex: '%s'", regex);
	else
		expects++;
}

static bool is_expected(const char *text)
{
	for (int i = 0; i < expects; i++)
		if (!regexec(&expected[i], text, 0, NULL, 0))
			return true;
	return false;
}

/* One record: "LEVEL,SEQUENCE,TIME,FLAGS[,...];TEXT\n[ KEY=VALUE\n]..." */
static bool scan_record(char *record)
{
	char *text = strchr(record, ';'), *comma = strchr(record, ',');
	unsigned long long seq;
	bool lost;

	if (!text || !comma)
		return false;
	text++;
	text[strcspn(text, "\n")] = '\0';
	seq = strtoull(comma + 1, NULL, 10);
	lost = next_seq && seq > next_seq;
	next_seq = seq + 1;
	if (lost) {
		diag("kernel log: lines were lost before '%s'", text);
		return true;
	}
	if (!strncmp(text, TAG, strlen(TAG))) {
		if (!strncmp(text + strlen(TAG), "expect ", 7))
			expect(text + strlen(TAG) + 7);
		return false;
	}
	if (race_begins(text))
		return false;
	if (race_ends(text))
		return true;
	return !regexec(&bad, text, 0, NULL, 0) && !is_expected(text);
}

static void forget_expected(void)
{
	while (expects > 0)
		regfree(&expected[--expects]);
}

/*
 * The lines around a hit are what one wants to see, so from the first hit on everything is
 * shown. The
 * first scan begins where init loads the module; what came before is the stock kernel's boot.
 */
int kmsg_scan(void)
{
	static bool loading;
	int hits = 0, shown = 0;
	unsigned int others;
	char record[8192];

	/* What the kernel does about a killed process right after it is gone. */
	usleep(20000);
	for (;;) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		char *text;

		if (n < 0 && (errno == EINTR || errno == EPIPE))
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!loading && (!text || strncmp(text + 1, TAG, strlen(TAG))))
			continue;
		loading = true;
		if (scan_record(record))
			hits++;
		if (hits && shown++ < MAX_SHOWN && text)
			diag("kernel log: %s", text + 1);
	}
	forget_expected();
	others = race_others();
	if (others)
		diag("KCSAN: %u reports about the kernel alone", others);
	return hits;
}

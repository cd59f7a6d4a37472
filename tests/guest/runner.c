// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * runner [-k] PROGRAM:SECONDS...
 *
 * Run guest tests one after the other and print one TAP stream. Every program gets a point
 * of its own
 * beside those it prints: that it ended well, in time, kept its plan, left no process
 * behind, and that
 * the kernel had nothing to complain of meanwhile. The last points are for the module's unloading
 * (not with -k: keep it). A "# begin"/"# end" pair around each program tells the host where
 * the machine was when it died.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

#define DEFAULT_TIMEOUT 120

static int points, failures;

void point(bool ok, const char *program, const char *fmt, ...)
{
	va_list ap;

	points++;
	failures += !ok;
	printf("%sok %d - %s: ", ok ? "" : "not ", points, program);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static bool judge(const struct tap *tap, const struct outcome *o)
{
	bool ok = true;

	if (o->timed_out) {
		diag("still running at its time limit, killed");
		ok = false;
	} else if (WIFSIGNALED(o->status)) {
		diag("died of signal %d", WTERMSIG(o->status));
		ok = false;
	} else if (WEXITSTATUS(o->status) && !tap->failed) {
		diag("exit status %d, though no point failed",
		     WEXITSTATUS(o->status));
		ok = false;
	}
	if (tap->bailed)
		ok = false;
	if (tap->planned < 0 && !tap->bailed) {
		diag("no plan");
		ok = false;
	} else if (tap->planned >= 0 && tap->planned != tap->seen) {
		diag("planned %d points, ran %d", tap->planned, tap->seen);
		ok = false;
	}
	if (o->strays) {
		diag("left %d processes behind%s", o->strays,
		     o->immortal ? ", which even SIGKILL did not end" : "");
		ok = false;
	}
	return ok;
}

static void run_one(char *spec)
{
	char *colon = strrchr(spec, ':'), path[256];
	int timeout = DEFAULT_TIMEOUT, hits;
	struct outcome outcome;
	struct tap tap;
	bool ok;

	if (colon) {
		*colon = '\0';
		timeout = atoi(colon + 1);
	}
	snprintf(path, sizeof(path), "/add/%s", spec);
	printf("# begin %s\n", spec);
	kmsg_mark(spec);
	tap_init(&tap, spec);
	run_program(path, timeout, &tap, &outcome);
	tap_end(&tap);
	ok = judge(&tap, &outcome);
	hits = kmsg_scan();
	point(ok && !hits, spec, "ends well, and the kernel log is clean");
	printf("# end %s\n", spec);
}

/*
 * Work of the module's own may hold it for a moment after the last call: a reference that
 * is put from
 * a workqueue. For ever is a leak.
 */
static void unload(void)
{
	int err = 0, hits;

	kmsg_mark("unload");
	for (int i = 0; i < 100; i++) {
		if (!syscall(SYS_delete_module, "mrelease", O_NONBLOCK)) {
			err = 0;
			break;
		}
		err = errno;
		if (err != EAGAIN && err != EBUSY)
			break;
		usleep(100000);
	}
	if (err)
		diag("rmmod mrelease: %s", strerror(err));
	hits = kmsg_scan();
	point(!err && !hits, "module", "unloads, and the kernel log is clean");
}

int main(int argc, char **argv)
{
	bool keep = argc > 1 && !strcmp(argv[1], "-k");

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Orphans of a test come to us, so that none is left for the next test. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	kmsg_open();
	if (!keep)
		point(!kmsg_scan(), "module",
		      "loads, and the kernel log is clean");
	for (int i = 1 + keep; i < argc; i++)
		run_one(argv[i]);
	if (!keep)
		unload();
	printf("1..%d\n", points);
	return failures ? 1 : 0;
}

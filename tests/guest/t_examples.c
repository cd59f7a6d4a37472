// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Go example, which makes the ioctl by itself: it kills, and tells what came
 * back; and its errors are errors.
 */
/*
 * guest: smp=2 mem=2048 timeout=120 made=examples/example-go
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define SIZE (16 * MIB)

/* Its exit status; the first line that it prints in @line. */
static int example_run(const char *args, char *line, size_t size)
{
	char command[128];
	FILE *out;
	int status;

	snprintf(command, sizeof(command), "exec /add/example-go %s 2>&1",
		 args);
	out = popen(command, "re");
	if (!out)
		tap_bail("popen");
	line[0] = '\0';
	if (fgets(line, size, out))
		line[strcspn(line, "\n")] = '\0';
	status = pclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	struct victim victim = victim_anon(SIZE, VICTIM_SLEEP, -1);
	unsigned long long freed = 0, left = 1;
	uint64_t anon = anon_bytes(victim.pid);
	char line[256], args[64];
	int status;

	tap_plan(4);
	snprintf(args, sizeof(args), "%d 60000", (int)victim.pid);
	status = example_run(args, line, sizeof(line));
	tap_note("%s", line);
	tap_ok(!status, "the Go example succeeds");
	tap_ok(sscanf(line, "device: %llu bytes freed, %llu left", &freed,
		      &left) == 2 &&
		       freed * 100 >= anon * 95 && freed <= anon * 2 && !left,
	       "it says how much came back");
	tap_ok(was_killed(victim_reap(&victim)), "the victim was killed");

	/* Gone, and waited for. */
	status = example_run(args, line, sizeof(line));
	tap_note("%s", line);
	tap_ok(status == 1 && strstr(line, "no such process"),
	       "a process that is gone is an error");
	return tap_done();
}

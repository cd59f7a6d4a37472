/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TAP runner of the guest: what its files share.
 */
#ifndef GUEST_RUNNER_H
#define GUEST_RUNNER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * One merged TAP stream: points of every program are numbered through, and each description begins
 * with the name of the program it comes from.
 */
__attribute__((format(printf, 3, 4))) void point(bool ok, const char *program,
						 const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void diag(const char *fmt, ...);

/* runner_tap.c: what a program said, and whether it kept its plan */
struct tap {
	const char *program;
	int planned; /* -1: no plan seen */
	int seen;
	int failed;
	bool skipped; /* "1..0 # SKIP": the program as a whole */
	bool bailed;
	size_t len;
	char line[4096];
};

void tap_init(struct tap *tap, const char *program);
void tap_feed(struct tap *tap, const char *buf, size_t len);
void tap_end(struct tap *tap);

/* runner_kmsg.c: the kernel's log */
void kmsg_open(void);
void kmsg_mark(const char *text);
/*
 * Report each suspicious line that is new since the last call as a diagnostic; how
 * many there were.
 */
int kmsg_scan(void);

/*
 * runner_race.c: reports of KCSAN.  Does this line begin one?  Is it the last of one that is
 * about the module?
 */
bool race_begins(const char *text);
bool race_ends(const char *text);
/* Reports about the kernel alone, since the last call. */
unsigned int race_others(void);

/* runner_exec.c: run one program to its end; a wait(2) status */
struct outcome {
	int status;
	bool timed_out;
	int strays; /* processes that it left behind and that had to be killed */
	int immortal; /* of those, the ones that are still there */
};

void run_program(const char *path, int timeout_s, struct tap *tap,
		 struct outcome *outcome);

#endif

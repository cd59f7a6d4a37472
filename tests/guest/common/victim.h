/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes to be killed.
 */
#ifndef _VICTIM_H
#define _VICTIM_H

#include <stddef.h>
#include <sys/types.h>

/*
 * struct victim - a child, and what it takes to talk to it
 * @pid: process
 * @pidfd: open, close-on-exec
 */
struct victim {
	pid_t pid;
	int pidfd;
};

/* What a victim does once it is set up. */
enum victim_way {
	VICTIM_SLEEP, /* pause(2) */
	VICTIM_SPIN, /* runs in user mode */
	VICTIM_FAULT, /* drops and touches its memory for ever */
};

/* In the child: tell victim_start() that the set-up is complete. */
void victim_ready(void);

/*
 * Fork a child that runs @body(@arg), and return when it called victim_ready().
 * When @body returns the child exits with status 99.  Ends the program when
 * that does not work.
 */
struct victim victim_start(void (*body)(void *arg), void *arg);

/*
 * A child with @bytes of touched anonymous memory in base pages (MADV_NOHUGEPAGE)
 * on CPU @cpu (-1: anywhere).
 */
struct victim victim_anon(size_t bytes, enum victim_way way, int cpu);

/* In the child: do that for ever. */
void victim_live(enum victim_way way, char *mem, size_t bytes);

/* Wait for the child; returns its wait status, and closes the pidfd. */
int victim_reap(struct victim *victim);

/* SIGKILL if it is still there, then victim_reap(). */
int victim_end(struct victim *victim);

#endif /* _VICTIM_H */

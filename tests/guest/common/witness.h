/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that can be asked whether anything has happened to them.
 */
#ifndef _WITNESS_H
#define _WITNESS_H

#include <stdbool.h>

#include "victim.h"

/*
 * struct witness - a child that answers questions
 * @v: the child
 * @sock: to ask it
 */
struct witness {
	struct victim v;
	int sock;
};

/*
 * Start one.  @setup(@arg), if any, runs in the child before it is ready; there
 * it may change its credentials, or _exit() when that does not work.
 */
struct witness witness_start(void (*setup)(void *arg), void *arg);

/*
 * Nothing has happened to it: it still runs in user mode (so no SIGKILL is on
 * its way), its memory holds what it did, and a fresh page can be had (so its
 * address space is not marked unstable).
 */
bool witness_intact(struct witness *w);

/* Kill it if it is still there; returns its wait status. */
int witness_end(struct witness *w);

#endif /* _WITNESS_H */

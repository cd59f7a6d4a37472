/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that are killed and do not get on: a tracer may stop a process on its
 * way out, when the kill can no longer be undone and its memory is still there.
 * So a test has all the time it wants for what is otherwise a race.
 */
#ifndef _HOLD_H
#define _HOLD_H

#include "victim.h"

/* From now on this child stops as soon as it dies.  To be called by its parent. */
void hold_prepare(const struct victim *victim);

/* Wait until somebody's SIGKILL has brought it there. */
void hold_wait(const struct victim *victim);

/* SIGKILL by kill(2), then hold_wait(). */
void hold_kill(const struct victim *victim);

/* Let it go on; returns its wait status, and closes the pidfd. */
int hold_end(struct victim *victim);

#endif /* _HOLD_H */

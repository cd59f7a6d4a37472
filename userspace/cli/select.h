/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes are meant: those named by number, or those that match. */
#ifndef MRELEASE_SELECT_H
#define MRELEASE_SELECT_H

#include "cli.h"

struct selection {
	struct victim *victims;
	size_t nr;
	size_t room;
};

/*
 * Open a pidfd for each process that opts means.  -1 to go on, otherwise what to
 * exit with: nothing matched, or no memory.
 */
int select_victims(const struct options *opts, struct selection *sel);

/* One more, with a pidfd or only with its name; false: no memory. */
bool select_add(struct selection *sel, pid_t pid, bool open);

/* Close what is open, and free. */
void select_free(struct selection *sel);

#endif /* MRELEASE_SELECT_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that call execve(2), to become this program once more.
 */
#ifndef _EXEC_H
#define _EXEC_H

#include <stdbool.h>

#include "caller.h"
#include "victim.h"

/* What they have touched before and after. */
#define EXEC_BYTES_BEFORE (8UL * 1024 * 1024)
#define EXEC_BYTES (32UL * 1024 * 1024)

/*
 * struct exec - such a victim
 * @program: path of this program; NULL for the usual one
 * @who: who it is, or NULL
 * @by_thread: a thread other than the first calls execve(2)
 * @to_root: it becomes root afterwards, by set-user-ID
 */
struct exec {
	const char *program;
	const struct who *who;
	bool by_thread;
	bool to_root;
	int go[2];
	int ready[2];
};

struct victim exec_start(struct exec *e);

/* Have it call execve(2), and return when it has, and has touched its memory. */
void exec_go(struct exec *e);

/* To be called first by main(): does not return in the victim. */
void exec_main(int argc, char **argv);

#endif /* _EXEC_H */

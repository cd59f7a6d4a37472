/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Callers that are somebody else than the test program.
 */
#ifndef _CALLER_H
#define _CALLER_H

#include <stdbool.h>
#include <sys/types.h>

/* Memory that a caller in a child and the test program both see, zeroed. */
void *caller_shared(size_t bytes);

/*
 * Run @fn(@arg) in a child, with all descriptors of the test program.  Returns
 * what @fn returned, 0 or a negative errno; ends the program when the child did
 * not get that far.
 */
int caller_run(int (*fn)(void *arg), void *arg);

/* In a child, which dies when it does not work: */

/* Take these user ids, group 65534, no other groups. */
void caller_become(uid_t ruid, uid_t euid, uid_t suid);

/* The body of a victim of that user: uid_t *, with 2 MiB. */
void caller_victim(void *uid);

/* Give up one capability for good, whatever the user id. */
void caller_drop_cap(int cap);

/* What a process is; zero: root, as the test program. */
struct who {
	uid_t ruid, euid, suid;
	bool session; /* a new session */
	bool no_cap_kill; /* root without the right to kill */
	bool userns; /* root of its own user namespace */
};

/* Become that.  @who: struct who *, so that it is a setup for witnesses too. */
void who_become(void *who);

#endif /* _CALLER_H */

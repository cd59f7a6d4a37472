/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups of version 2, named by where they are below the tests' own; "" is
 * the root.  The program ends when something does not work.
 */
#ifndef _GROUP_H
#define _GROUP_H

#include <stdbool.h>
#include <sys/types.h>

void group_make(const char *name);
void group_remove(const char *name);

/* A descriptor of its directory. */
int group_open(const char *name);

void group_move(const char *name, pid_t pid);
void group_set(const char *name, const char *file, const char *text);

/* Does a line of the file say that? */
bool group_is(const char *name, const char *file, const char *text);

/* Nobody in it or below, by cgroup.events. */
bool group_empty(const char *name);

/* SIGKILL to each of cgroup.procs, as it is read: how many; 0 if there is no such group. */
unsigned int group_kill(const char *name);

/* Freeze it, and wait until it is. */
void group_freeze(const char *name);

/*
 * For a victim that is to do nothing before it is in its cgroup: SIGUSR1 says so.  Set up
 * before it is started; it waits by the second.
 */
void group_go_setup(void);
void group_wait_go(void);

#endif /* _GROUP_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victim fds: making them, and asking what they know.
 */
#ifndef _ARM_H
#define _ARM_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mrelease.h>

/* MRELEASE_IOC_ARM: a victim fd, or a negative errno. */
int arm(int dev, int pidfd, uint32_t flags);

/* The same; ends the program when that does not work. */
int arm_now(int dev, int pidfd, uint32_t flags);

/* MRELEASE_IOC_RELEASE on a victim fd. */
int arm_release(int fd, uint32_t flags, struct mrelease_result *res);
int arm_release_timeout(int fd, uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res);

/* Does a victim fd, or a pidfd, say POLLIN within @ms? */
bool arm_poll(int fd, int ms);

/* A line of its fdinfo: "live" for "state"; a constant until the next call. */
const char *arm_info(int fd, const char *key);
bool arm_state_is(int fd, const char *state);

/* References to the module; and wait until there are @refs, false after @ms. */
int module_refs(void);
bool module_wait(int refs, unsigned int ms);

#endif /* _ARM_H */

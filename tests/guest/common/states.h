/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims in every state that a process can be in, and three ways to take their memory:
 * kill(2), kill(2) and process_mrelease(2), the device.  The same victim is made anew
 * for each way, in the same boot.
 */
#ifndef _STATES_H
#define _STATES_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mrelease.h>

#include "victim.h"

/* What each victim has touched, and somebody could have back. */
#define STATE_BYTES (32UL * 1024 * 1024)

/*
 * struct state - a state
 * @name: of the victim, for people
 * @why: one sentence on what goes on there
 * @missing: can it be made here?  NULL, or why not
 * @prepare: before the victim is started
 * @body: of the victim
 * @settle: brings it to that state; false when that does not work
 * @loosen: lets it die, if the kill alone does not
 * @clean: when it is dead
 * @after: was all else as it should be?  Asked when it is dead
 * @flags: of our call besides MRELEASE_KILL
 * @timeout_ms: of our call
 * @ret: what our call must say, 0 or a negative errno
 * @reasons: and left_reasons
 * @stays: our call cannot get the memory; else all of it is back when it returns
 * @kept: after kill(2) alone nothing is back as long as the victim is not let loose
 * @own_end: it may end by itself, not by the kill
 * @slow: for the table only, since another test has it
 */
struct state {
	const char *name;
	const char *why;
	const char *(*missing)(void);
	void (*prepare)(void);
	void (*body)(void *arg);
	bool (*settle)(const struct victim *victim);
	void (*loosen)(const struct victim *victim);
	void (*clean)(void);
	bool (*after)(void);
	uint32_t flags;
	uint32_t timeout_ms;
	int ret;
	uint32_t reasons;
	bool stays;
	bool kept;
	bool own_end;
	bool slow;
};

extern const struct state states_plain[], states_io[], states_pinned[];
extern const unsigned int states_plain_nr, states_io_nr, states_pinned_nr;

enum way { WAY_KILL, WAY_SYSCALL, WAY_DEVICE, WAYS };

/*
 * struct state_row - what one way did to one victim
 * @in_state: was it in its state?
 * @hung: the call did not return in time
 * @ret: of the call
 * @ms: its duration; with kill(2) until the victim was gone, if it was (@gone)
 * @at_return: KiB that MemFree had risen by at the return of the call
 * @later: the same a while after
 * @status: wait status in the end
 * @after: what @after of the state said
 * @res: result of our call
 */
struct state_row {
	bool in_state;
	bool hung;
	bool gone;
	int ret;
	double ms;
	long at_return;
	long later;
	int status;
	bool after;
	struct mrelease_result res;
};

/* Once, before the others; @dev: the device, @disk: a directory of the disk. */
void states_setup(int dev, const char *disk);
void states_end(void);

/* Make a victim and treat it so; look @later_ms after the return once more. */
void state_run(const struct state *state, enum way way, unsigned int later_ms,
	       struct state_row *row);

/* Is that all of a victim's memory?  Is it none? */
bool state_all(long kib);
bool state_none(long kib);

/* For the bodies: the descriptor of the disk, and a pipe to let one go. */
extern int states_disk;
extern int states_go[2];

/*
 * struct states_shared - what victims and others tell
 * @stuck: somebody has come to where it does not get on
 * @told: somebody did what he should
 */
struct states_shared {
	volatile int stuck;
	volatile int told;
};

extern struct states_shared *states_shared;

/* In the victim: take the memory. */
char *state_touch(void);

/* Take it, and sleep, or run. */
void state_sleep(void *arg);
void state_spin(void *arg);

/* Go on: one byte into the pipe.  In the victim: wait for it. */
void state_go(const struct victim *victim);
void state_wait_go(void);

/* Wait until somebody is stuck. */
bool state_wait_stuck(void);

#endif /* _STATES_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzer draws, and what it learns of the module.
 *
 * An input is the sequence of numbers that were drawn to make a call.  One that took
 * the module where it had not been is kept; others are made of those by drawing some of
 * their numbers anew.  Whatever the numbers are, the maker of calls keeps to its rules.
 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stdbool.h>
#include <stdint.h>

#include "victim.h"

#define FUZZ_DRAWS 96
#define FUZZ_KEPT 4096

/* struct input - the numbers that a call was made of; later ones are drawn */
struct input {
	unsigned int nr;
	uint64_t number[FUZZ_DRAWS];
};

/*
 * struct draws - of one thread
 * @rng: where numbers come from
 * @now: those of this call
 * @old: what it is made of, if anything
 */
struct draws {
	uint64_t rng;
	struct input now;
	struct input old;
};

/* The next call: from nothing, or from one that was kept. */
void draws_begin(struct draws *d);
/* Any number. */
uint64_t draws_any(struct draws *d);
/* This call went where none had been. */
void draws_keep(const struct draws *d);
unsigned int draws_kept(void);

/*
 * struct cover - kcov of one thread; @trace is NULL where the kernel, or the module,
 * was built without
 */
struct cover {
	int fd;
	uint64_t *trace;
};

/* By that thread itself. */
void cover_open(struct cover *c);
void cover_close(struct cover *c);
/* Before a call, and after it: has anything new been reached? */
void cover_begin(struct cover *c);
bool cover_new(struct cover *c);
/* Basic blocks that have been reached. */
unsigned int cover_blocks(void);
/* All of them, for tests/cover/report. */
void cover_note(void);

/*
 * struct prey - who may be killed by a thread's calls
 * @handle: a victim fd of it
 * @deaths: how many were killed
 */
struct prey {
	int dev;
	struct victim victim;
	int handle;
	unsigned long deaths;
};

#define PREY_GROUP "prey"

void prey_start(struct prey *p);
/* It has been killed, says who asks: has it? */
bool prey_dies(const struct prey *p);
/* Another one, if it is dead. */
void prey_renew(struct prey *p);
void prey_end(struct prey *p);

#endif /* _FUZZ_H */

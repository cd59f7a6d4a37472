/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that hold robust futexes in every way that a list can be made.
 */
#ifndef _CHAINS_H
#define _CHAINS_H

#include "robust.h"

/* What a victim has besides, and must give back at once. */
#define CHAIN_BYTES (8UL * 1024 * 1024)

/* Locks that others wait for. */
#define CHAIN_LOCKS 2

/*
 * struct chain - a way to make a list
 * @make: in the victim: hold @locks, as it is tested; they lie at the beginning of a
 *	page of shared memory with two others below
 * @pages: that the list goes through, in private memory; 0: see @hides
 * @locks: how many of the locks it holds
 * @hides: it cannot be followed as long as the victim has not
 * @needs: a reason why it cannot be made here, or NULL
 */
struct chain {
	const char *name;
	void (*make)(struct robust_lock *locks);
	unsigned int pages;
	unsigned int locks;
	bool hides;
	const char *(*needs)(void);
};

extern const struct chain chains[];
extern const unsigned int chains_nr;

/* Lists that are none: only to be survived.  The same, without locks. */
extern const struct chain broken_chains[];
extern const unsigned int broken_chains_nr;

/* In the victim: swap out a page, or exit. */
void chain_swap_out(void *page);
const char *chain_needs_swap(void);

/* The tests of all of these, in robust_lists.c; returns the exit status. */
int robust_lists(void);

#endif /* _CHAINS_H */

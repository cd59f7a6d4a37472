/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that have their pages together with somebody who lives on.
 */
#ifndef _PEER_H
#define _PEER_H

#include <stddef.h>
#include <sys/types.h>

#include "victim.h"

enum peer_way {
	PEER_CHILD, /* the victim's child has all of its pages */
	PEER_CHILD_HALF, /* and has written to the first half: has its own there */
	PEER_PARENT, /* the victim's parent has all of its pages */
	PEER_PARENT_HALF, /* and the victim has written to the first half */
};

/*
 * Start both: @bytes in base pages.  The test program must be a subreaper
 * (PR_SET_CHILD_SUBREAPER), since either may be the other's child.
 */
void peer_start(enum peer_way way, size_t bytes, struct victim *victim,
		struct victim *peer);

/* The victim has been killed: kill the other, and wait for both. */
void peer_end(struct victim *victim, struct victim *peer);

#endif /* _PEER_H */

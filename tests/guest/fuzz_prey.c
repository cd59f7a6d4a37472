// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may be killed by a call of the fuzzer, see fuzz.h: a small process for each
 * thread, all in one cgroup, which is replaced when it is dead.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "arm.h"
#include "fuzz.h"
#include "group.h"

#define PAGES 4
#define PAGE 4096
#define PATIENCE_MS 20000

void prey_start(struct prey *p)
{
	p->victim = victim_anon(PAGES * PAGE, VICTIM_SLEEP, -1);
	p->handle = arm_now(p->dev, p->victim.pidfd, 0);
	/* From here on another thread may kill it. */
	group_move(PREY_GROUP, p->victim.pid);
}

bool prey_dies(const struct prey *p)
{
	return arm_poll(p->victim.pidfd, PATIENCE_MS);
}

void prey_end(struct prey *p)
{
	close(p->handle);
	victim_end(&p->victim);
}

void prey_renew(struct prey *p)
{
	if (!arm_poll(p->victim.pidfd, 0))
		return;
	p->deaths++;
	prey_end(p);
	prey_start(p);
}

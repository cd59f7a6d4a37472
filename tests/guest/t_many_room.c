// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More victims in one call than can be in release at once: all are killed first all
 * the same, and released as there is room.
 */
/* guest: smp=2 mem=1024 params=victims=3 */
#include <errno.h>
#include <signal.h>

#include "batch.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define NR 12
#define HELD 5

int main(void)
{
	unsigned int i, failed = 0, killed = 0, skipped = 0, released = 0;
	struct victim v[NR];
	struct batch b;
	int dev;

	tap_plan(5);
	dev = dev_open();
	hold_setup();
	batch_init(&b, MRELEASE_KILL, 0);
	for (i = 0; i < NR; i++) {
		v[i] = victim_anon(2 * MIB, VICTIM_SLEEP, -1);
		/* These keep their memory until they are released. */
		if (i >= NR - HELD)
			hold_freeze(v[i].pid);
		batch_add(&b, v[i].pidfd);
	}
	batch_call(dev, &b);
	for (i = 0; i < NR; i++) {
		const struct mrelease_result *res = &b.targets[i].result;

		failed += !!b.targets[i].error;
		killed += res->victims;
		released += res->anon_bytes >= 2 * MIB && !res->left_bytes;
		skipped += !!(res->notes & MRELEASE_NOTE_SKIPPED);
	}
	tap_note("%u released, %u had gone by themselves", released, skipped);
	if (!tap_ok(!b.ret && !failed, "no error"))
		batch_note(&b, NR, &b.many.total);
	tap_ok(killed == NR && b.many.total.victims == NR, "all were killed");
	tap_ok(released >= HELD, "those that were still there were released");
	tap_ok(released + skipped == NR,
	       "of each it is known what became of it");
	hold_thaw();
	for (i = 0; i < NR; i++)
		killed -= was_killed(victim_reap(&v[i]));
	tap_ok(!killed, "all died of SIGKILL");
	return tap_done();
}

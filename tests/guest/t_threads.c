// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One victim released by several threads of the library: whoever of them comes first or
 * late, the caller is told once what there was.  Times are a comment.
 */
/* guest: smp=2 timeout=240 */
#include <errno.h>
#include <string.h>

#include <mrelease.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define ROUNDS 3

/* struct tally - of the rounds with as many threads */
struct tally {
	uint64_t ns;
	unsigned int errors;
	unsigned int wrong;
	unsigned int alive;
	unsigned int joined;
};

static void run(const struct mrelease *h, uint32_t threads, size_t bytes,
		struct tally *t)
{
	struct victim v = victim_anon(bytes, VICTIM_SLEEP, -1);
	struct mrelease_result res;

	if (mrelease_release_threads(h, v.pidfd,
				     MRELEASE_KILL | MRELEASE_TEARDOWN, 0,
				     threads, &res) &&
	    !t->errors++)
		tap_note("%u threads: %s", threads, err_name(errno));
	/*
	 * Besides the pages there are a few of its stack and data; and those that a CPU
	 * has not put on the LRU lists yet do not count as freed.
	 */
	if ((res.anon_bytes < bytes || res.anon_bytes > bytes + MIB ||
	     res.freed_bytes < bytes - MIB ||
	     res.freed_bytes > res.anon_bytes || res.left_bytes ||
	     res.victims != 1) &&
	    !t->wrong++)
		tap_note(
			"%u threads: anon %llu freed %llu left %llu victims %u",
			threads, (unsigned long long)res.anon_bytes,
			(unsigned long long)res.freed_bytes,
			(unsigned long long)res.left_bytes, res.victims);
	t->joined += !!(res.notes & MRELEASE_NOTE_JOINED);
	t->ns += res.elapsed_ns;
	t->alive += !was_killed(victim_reap(&v));
}

int main(void)
{
	static const uint32_t threads[] = { 1, 2, 4, 16 };
	/* Of several pieces, and of less than one. */
	static const size_t bytes[] = { 160 * MIB, 2 * MIB };
	struct mrelease *h = mrelease_open(MRELEASE_BACKEND_DEVICE);
	unsigned int i, j, n;

	tap_plan(2 * 4 * 3);
	if (!h)
		tap_bail("mrelease_open");
	for (j = 0; j < 2; j++) {
		for (i = 0; i < 4; i++) {
			struct tally t = {};
			unsigned long mib = bytes[j] / MIB;

			for (n = 0; n < ROUNDS; n++)
				run(h, threads[i], bytes[j], &t);
			tap_ok(!t.errors, "%lu MiB, %u threads: released", mib,
			       threads[i]);
			tap_ok(!t.wrong, "%lu MiB, %u threads: told once", mib,
			       threads[i]);
			tap_ok(!t.alive, "%lu MiB, %u threads: dead", mib,
			       threads[i]);
			tap_note(
				"%lu MiB, %u threads: %.1f ms, %u of %u together",
				mib, threads[i], t.ns / 1e6 / ROUNDS, t.joined,
				ROUNDS);
		}
	}
	mrelease_close(h);
	return tap_done();
}

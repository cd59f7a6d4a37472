// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of every kind comes back, and is counted as what it is.
 *
 * Each victim sleeps, so that its page tables, summed up just before, say to the
 * page what the call has to find; what the system has back is seen in /proc/meminfo.
 */
/* guest: smp=2 mem=2048 append=secretmem.enable=1 timeout=300 */
#define _GNU_SOURCE
#include <string.h>

#include "files.h"
#include "kinds.h"
#include "sys.h"
#include "tap.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define POINTS 5

/* Everything that unmaps, and waits until files are closed too. */
#define ALL (MRELEASE_KILL | MRELEASE_SHARED | MRELEASE_TEARDOWN)

/*
 * struct kind - a kind of memory
 * @missing: NULL, or why it cannot be had
 * @flags: of the call
 * @back: bytes that come back to MemFree at least; 0: see there
 * @shared_stays: shared mappings are not unmapped
 * @huge_stays: nor are huge pages
 * @reasons: left_reasons
 * @notes: notes
 * @thp: /proc/PID/smaps_rollup must have most of it here, or this is no such case
 * @ksm: pages are to be merged first
 */
struct kind {
	const char *name;
	void (*body)(void *arg);
	const char *(*missing)(void);
	uint32_t flags;
	uint64_t back;
	bool shared_stays;
	bool huge_stays;
	uint32_t reasons;
	uint32_t notes;
	const char *thp;
	bool ksm;
};

static const struct kind kinds[] = {
	{ .name = "mlocked",
	  .body = kind_mlocked,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "merged by KSM",
	  .body = kind_ksm,
	  .missing = no_ksm,
	  .flags = MRELEASE_KILL,
	  .ksm = true },
	{ .name = "registered with userfaultfd",
	  .body = kind_userfaultfd,
	  .missing = no_userfaultfd,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "userfaultfd, a thread in a fault",
	  .body = kind_userfault_waiting,
	  .missing = no_userfaultfd,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "memfd, private part",
	  .body = kind_memfd_both,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES / 2,
	  .shared_stays = true,
	  .reasons = MRELEASE_LEFT_SHARED_MAP },
	{ .name = "memfd, shared part too",
	  .body = kind_memfd_both,
	  .flags = ALL,
	  .back = KIND_BYTES * 3 / 2 },
	{ .name = "MADV_FREE",
	  .body = kind_lazyfree,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "huge anonymous",
	  .body = kind_thp,
	  .missing = no_thp,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES,
	  .thp = "AnonHugePages" },
	{ .name = "huge shmem, shared",
	  .body = kind_shmem_thp,
	  .missing = no_shmem_thp,
	  .flags = ALL,
	  .back = KIND_BYTES,
	  .thp = "ShmemPmdMapped" },
	{ .name = "huge shmem, mapped privately",
	  .body = kind_shmem_thp_private,
	  .missing = no_shmem_thp,
	  .flags = ALL,
	  .back = KIND_BYTES,
	  .thp = "ShmemPmdMapped" },
	{ .name = "hugetlb",
	  .body = kind_hugetlb,
	  .missing = no_hugetlb,
	  .flags = MRELEASE_KILL | MRELEASE_HUGETLB },
	{ .name = "hugetlb without the flag",
	  .body = kind_hugetlb,
	  .missing = no_hugetlb,
	  .flags = MRELEASE_KILL,
	  .huge_stays = true,
	  .reasons = MRELEASE_LEFT_HUGETLB },
	{ .name = "hugetlb, shared",
	  .body = kind_hugetlb_shared,
	  .missing = no_hugetlb,
	  .flags = MRELEASE_KILL | MRELEASE_HUGETLB | MRELEASE_SHARED,
	  .notes = MRELEASE_NOTE_ESTIMATED },
	{ .name = "swapped out",
	  .body = kind_swapped,
	  .missing = no_swap,
	  .flags = MRELEASE_KILL },
	{ .name = "secret",
	  .body = kind_secretmem,
	  .missing = no_secretmem,
	  .flags = ALL,
	  .back = KIND_SMALL },
	{ .name = "8000 small mappings",
	  .body = kind_small_vmas,
	  .flags = MRELEASE_KILL,
	  .back = KIND_VMAS * 4096UL },
	{ .name = "reserved, no access",
	  .body = kind_reserved,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "above four levels",
	  .body = kind_high,
	  .missing = no_high,
	  .flags = MRELEASE_KILL,
	  .back = KIND_BYTES },
	{ .name = "sparse in 1 TiB",
	  .body = kind_sparse,
	  .flags = MRELEASE_KILL,
	  .back = KIND_SPOTS * 4096UL },
};

static int dev;

/* Has the victim what this is about?  Else the numbers would prove nothing. */
static bool is_kind(const struct kind *kind, const struct victim *victim,
		    const struct footprint *fp, long merged)
{
	if (kind->thp && proc_pid_kib(victim->pid, "smaps_rollup", kind->thp) <
				 (long)(KIND_BYTES / 1024 * 3 / 4))
		return false;
	if (kind->ksm)
		return merged >= (long)(KIND_SMALL / 4096 * 9 / 10);
	if (kind->body == kind_swapped)
		return fp->swap >= KIND_SMALL / 2 &&
		       proc_pid_kib(victim->pid, "status", "VmSwap") ==
			       (long)fp->swap / 1024;
	if (kind->body == kind_hugetlb || kind->body == kind_hugetlb_shared)
		return fp->hugetlb == KIND_SMALL;
	/* A copy of one page has split one huge page. */
	return fp->anon + fp->file + fp->shmem + 2 * MIB >= kind->back;
}

/* What the system has back, where that is not told by MemFree: a sixteenth to spare. */
static bool is_back(const struct kind *kind, const struct scales *s)
{
	int64_t back = kind->back;
	int64_t huge = s->after.huge_usable - s->before.huge_usable;
	int64_t swap = s->after.swap_free - s->before.swap_free;

	if (kind->body == kind_hugetlb || kind->body == kind_hugetlb_shared)
		return huge == (int64_t)s->res.hugetlb_bytes ||
		       /* The victim may be through its exit when we look. */
		       (kind->huge_stays && huge == (int64_t)s->fp.hugetlb);
	/* Each CPU keeps up to 64 slots for itself. */
	if (s->fp.swap)
		return is_near(swap, s->res.swap_bytes, 2 * 64 * 4096);
	/* A few pages stand for all: KSM lets at most 256 share one. */
	if (kind->ksm)
		return s->res.freed_bytes < KIND_SMALL / 4;
	return scales_rise(s) >= back - back / 16 - 256 * 1024;
}

/* mlock(2)ed memory stays on kernels that cannot unmap it from outside. */
static bool is_stuck(const struct kind *kind)
{
	return kind->body == kind_mlocked && kernel_before(5, 18);
}

/*
 * There it comes back with the exit of the address space: the victim's, or if the
 * victim was quicker than the call's end, that of the module's work queue.
 */
static void wait_back(const struct kind *kind, struct scales *s)
{
	unsigned int i;

	weigh(&s->after);
	for (i = 0; i < 5000 && !is_back(kind, s); i++) {
		sleep_ms(1);
		weigh(&s->after);
	}
	if (i)
		tap_note("%s: back after %u ms more", kind->name, i);
}

/* The rest is exact: what stays is that memory, for that reason. */
static bool is_exact_but_stuck(const struct scales *s)
{
	struct scales rest = *s;

	rest.fp.anon -= KIND_BYTES;
	rest.res.left_bytes -= KIND_BYTES;
	rest.res.left_reasons &= ~MRELEASE_LEFT_LOCKED;
	return scales_exact(&rest, 0, 0, 0);
}

static void check_kind(const struct kind *kind)
{
	const char *missing = kind->missing ? kind->missing() : NULL;
	struct victim victim;
	struct scales s;
	uint32_t reasons;
	long merged = 0;
	unsigned int i;
	bool sane;

	if (missing) {
		for (i = 0; i < POINTS; i++)
			tap_skip(missing, "%s", kind->name);
		return;
	}
	victim = victim_start(kind->body, NULL);
	if (kind->ksm)
		merged = ksm_merge(KIND_SMALL / 4096 * 9 / 10);
	/* Before the scales settle: what they do not disturb. */
	footprint_read(victim.pid, &s.fp);
	sane = is_kind(kind, &victim, &s.fp, merged);
	scales_release(dev, &victim, kind->flags, 0, &s);

	tap_ok(sane, "%s: the victim has such memory", kind->name);
	tap_ok(!s.ret && was_killed(victim_reap(&victim)),
	       "%s: released, killed by SIGKILL", kind->name);
	tap_ok(is_stuck(kind) ?
		       is_exact_but_stuck(&s) :
		       scales_exact(&s, 0,
				    kind->shared_stays ? s.fp.shared_map : 0,
				    kind->huge_stays ? s.fp.hugetlb : 0),
	       "%s: counts are those of the page tables", kind->name);
	reasons = is_stuck(kind) ? MRELEASE_LEFT_LOCKED : kind->reasons;
	tap_ok(s.res.left_reasons == reasons && s.res.notes == kind->notes,
	       "%s: what is left and why, and the notes", kind->name);
	if (is_stuck(kind))
		wait_back(kind, &s);
	tap_ok(is_back(kind, &s), "%s: the memory is back", kind->name);
	scales_note(kind->name, &s);
	if (kind->body == kind_hugetlb || kind->body == kind_hugetlb_shared)
		tap_note("%s: Free - Rsvd of the pool %+lld KiB", kind->name,
			 (long long)(s.after.huge_usable -
				     s.before.huge_usable) /
				 1024);
	if (kind->ksm)
		ksm_end();
	else if (s.fp.swap)
		tap_note("%s: SwapFree %+lld KiB", kind->name,
			 (long long)(s.after.swap_free - s.before.swap_free) /
				 1024);
}

int main(void)
{
	unsigned int i;

	tap_plan(POINTS * ARRAY_SIZE(kinds));
	khugepaged_rest();
	dev = dev_open();
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		check_kind(&kinds[i]);
	kinds_end();
	return tap_done();
}

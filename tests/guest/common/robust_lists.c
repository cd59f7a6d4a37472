// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tests of lists of robust futexes of every form, of victims that are held in their exit
 * before they have followed them (PTRACE_O_TRACEEXIT): a release leaves the pages
 * that the list goes through, gives back everything else, and whoever waits for a
 * lock is woken when the victim goes on.  A list that cannot be followed from
 * outside is waited for, up to the deadline.  Then the same with victims that are
 * not held, lists that are none, and process_mrelease(2) for comparison.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "caller.h"
#include "chains.h"
#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define TIMEOUT_MS 300

static int dev;
static struct robust_lock *locks;
static const char *frozen;
static int go_pipe[2];

static void chain_body(void *arg)
{
	const struct chain *chain = arg;
	char byte = 0;
	int fd = -1;

	if (frozen)
		fd = open(frozen, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	map_touched(CHAIN_BYTES, false);
	chain->make(locks);
	victim_ready();
	if (frozen && read(go_pipe[0], &byte, 1) == 1 &&
	    write(fd, &byte, 1) != 1)
		_exit(89);
	victim_live(VICTIM_SLEEP, NULL, 0);
}

/* A victim and those who wait for its locks. */
struct scene {
	struct victim victim;
	struct waiter waiters[CHAIN_LOCKS];
	unsigned int nr;
};

static void scene_start(struct scene *s, const struct chain *chain)
{
	memset(locks, 0, PAGE);
	s->victim = victim_start(chain_body, (void *)chain);
	for (s->nr = 0; s->nr < chain->locks; s->nr++)
		s->waiters[s->nr] = waiter_start(&locks[s->nr]);
}

/* The victim is dead.  Has everybody been told? */
static bool scene_end(struct scene *s)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		all &= waiter_end(&s->waiters[i]);
	return all;
}

static void tell(const struct mrelease_result *res, int ret)
{
	tap_note("%s: anon %llu, left %llu, reasons %#x", err_name(ret),
		 (unsigned long long)res->anon_bytes,
		 (unsigned long long)res->left_bytes, res->left_reasons);
}

/*
 * All but @pages has come back.  What is mapped shared, the locks, is left without
 * MRELEASE_SHARED.
 */
static bool gave_the_rest(int ret, const struct mrelease_result *res,
			  unsigned int pages)
{
	bool ok = !ret && res->anon_bytes >= CHAIN_BYTES &&
		  (res->left_reasons & MRELEASE_LEFT_ROBUST) &&
		  res->left_bytes <= (pages + 2) * PAGE;

	if (!ok)
		tell(res, ret);
	return ok;
}

/* What could not be followed was waited for, and nothing was touched. */
static bool gave_nothing(int ret, const struct mrelease_result *res)
{
	bool ok = ret == -ETIMEDOUT && !res->anon_bytes &&
		  (res->left_reasons & MRELEASE_LEFT_ROBUST) &&
		  (res->left_reasons & MRELEASE_LEFT_TIMEOUT);

	if (!ok)
		tell(res, ret);
	return ok;
}

/* 2 points. */
static void check_held(const struct chain *chain, uint32_t flags,
		       const char *how)
{
	struct mrelease_result res;
	struct scene s;
	int ret;

	scene_start(&s, chain);
	hold_prepare(&s.victim);
	if (!(flags & MRELEASE_KILL))
		hold_kill(&s.victim);
	ret = dev_release_timeout(dev, s.victim.pidfd, flags,
				  chain->hides ? TIMEOUT_MS : 0, &res);
	if (flags & MRELEASE_KILL)
		hold_wait(&s.victim);
	tap_ok(chain->hides ? gave_nothing(ret, &res) :
			      gave_the_rest(ret, &res, chain->pages),
	       "%s, held%s: %s", chain->name, how,
	       chain->hides ? "waited for" : "all else is back");
	hold_end(&s.victim);
	tap_ok(scene_end(&s), "%s, held%s: each waiter was told", chain->name,
	       how);
}

/* 2 points. */
static void check_free(const struct chain *chain, uint32_t flags,
		       const char *how)
{
	struct mrelease_result res;
	struct scene s;
	int ret;

	scene_start(&s, chain);
	ret = dev_release(dev, s.victim.pidfd, flags, &res);
	if (!tap_ok(!ret && res.anon_bytes >= CHAIN_BYTES, "%s%s: released",
		    chain->name, how))
		tell(&res, ret);
	victim_reap(&s.victim);
	tap_ok(scene_end(&s), "%s%s: each waiter was told", chain->name, how);
}

/* A comment: nothing is demanded of the kernel's own call. */
static void show_syscall(const struct chain *chain)
{
	struct scene s;
	int ret;

	scene_start(&s, chain);
	hold_prepare(&s.victim);
	hold_kill(&s.victim);
	ret = sys_process_mrelease(s.victim.pidfd, 0);
	hold_end(&s.victim);
	tap_note("process_mrelease(2), %s, held: %s, %s", chain->name,
		 err_name(ret),
		 scene_end(&s) ? "each waiter was told" : "WAITERS WERE LEFT");
}

/* 1 point: it comes back, or its deadline comes. */
static void check_broken(const struct chain *chain)
{
	struct mrelease_result res;
	struct scene s;
	int held, ret;

	scene_start(&s, chain);
	hold_prepare(&s.victim);
	held = dev_release_timeout(dev, s.victim.pidfd, MRELEASE_KILL,
				   chain->hides ? TIMEOUT_MS : 0, &res);
	hold_wait(&s.victim);
	hold_end(&s.victim);

	scene_start(&s, chain);
	ret = dev_release(dev, s.victim.pidfd, MRELEASE_KILL | MRELEASE_SHARED,
			  &res);
	victim_reap(&s.victim);
	if (!tap_ok(held == (chain->hides ? -ETIMEDOUT : 0) && !ret &&
			    res.anon_bytes >= CHAIN_BYTES,
		    "%s: released", chain->name)) {
		tap_note("held: %s", err_name(held));
		tell(&res, ret);
	}
}

/* 3 points: in state D, nobody knows for how long. */
static void check_dstate(void)
{
	int mnt = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct mrelease_result res;
	struct scene s;
	bool in_d;
	int ret;

	frozen = "/mnt/file";
	scene_start(&s, &chains[0]);
	if (mnt < 0 || ioctl(mnt, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
	in_d = proc_wait_state(s.victim.pid, "D", 10000);
	ret = dev_release(dev, s.victim.pidfd, MRELEASE_KILL, &res);
	tap_ok(in_d && gave_the_rest(ret, &res, 1),
	       "in state D: all else is back");
	tap_ok(!(locks[0].word & FUTEX_OWNER_DIED),
	       "in state D: the lock is still its own");
	if (ioctl(mnt, FITHAW, 0))
		tap_bail("FITHAW");
	victim_reap(&s.victim);
	tap_ok(scene_end(&s), "in state D: each waiter was told");
	frozen = NULL;
	close(mnt);
}

static const struct {
	uint32_t flags;
	const char *how;
} held_flags[] = {
	{ MRELEASE_KILL, "" },
	{ 0, ", flags 0" },
	{ MRELEASE_KILL | MRELEASE_SHARED, ", SHARED" },
};

static const struct {
	uint32_t flags;
	const char *how;
} free_flags[] = {
	{ MRELEASE_KILL, "" },
	{ MRELEASE_KILL | MRELEASE_SHARED | MRELEASE_TEARDOWN,
	  ", SHARED and TEARDOWN" },
};

int robust_lists(void)
{
	unsigned int i, j;

	tap_plan(chains_nr * 2 *
			 (ARRAY_SIZE(held_flags) + ARRAY_SIZE(free_flags)) +
		 broken_chains_nr + 3);
	dev = dev_open();
	if (pipe2(go_pipe, O_CLOEXEC))
		tap_bail("pipe2");
	locks = (void *)((char *)caller_shared(3 * PAGE) + 2 * PAGE);

	for (i = 0; i < chains_nr; i++) {
		const char *why = chains[i].needs ? chains[i].needs() : NULL;

		for (j = 0; why && j < 2 * (ARRAY_SIZE(held_flags) +
					    ARRAY_SIZE(free_flags));
		     j++)
			tap_skip(why, "%s", chains[i].name);
		if (why)
			continue;
		for (j = 0; j < ARRAY_SIZE(held_flags); j++)
			check_held(&chains[i], held_flags[j].flags,
				   held_flags[j].how);
		for (j = 0; j < ARRAY_SIZE(free_flags); j++)
			check_free(&chains[i], free_flags[j].flags,
				   free_flags[j].how);
		show_syscall(&chains[i]);
	}
	for (i = 0; i < broken_chains_nr; i++) {
		const char *why = broken_chains[i].needs ?
					  broken_chains[i].needs() :
					  NULL;

		if (why)
			tap_skip(why, "%s", broken_chains[i].name);
		else
			check_broken(&broken_chains[i]);
	}
	check_dstate();
	return tap_done();
}

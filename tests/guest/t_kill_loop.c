// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many kills of a victim that runs on another CPU: the call always finds the
 * memory, says truly how much it was, and leaves none.  The same with kill(2) and
 * process_mrelease(2), which loses the race against the victim's own exit, stands
 * beside it in a table; nothing is demanded of that.
 *
 * With MRELEASE_LONG in the environment all of the kills, else a tenth.
 */
/* guest: smp=2 mem=2048 timeout=900 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define CALLER_CPU 0
#define VICTIM_CPU 1

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1024ULL * 1024)

/*
 * struct loop - what is killed, and how often
 * @base_every: each how many-th victim has base pages instead of huge ones, which
 *	an emulated CPU takes a second to touch
 */
struct loop {
	const char *name;
	unsigned int kills;
	size_t bytes;
	unsigned int base_every;
};

static const struct loop loops[] = {
	{ "1 MiB", 1000, 1 * MIB, 1 },
	{ "512 MiB", 50, 512 * MIB, 5 },
};

/* What came of a loop; counts of kills. */
struct tally {
	unsigned int esrch;
	unsigned int errors;
	unsigned int wrong_anon;
	unsigned int left;
	unsigned int wrong_status;
	uint64_t ns;
	uint64_t ns_max;
	uint64_t ns_last;
};

static int dev;

struct spin_args {
	size_t bytes;
	bool huge;
};

static void spin_body(void *arg)
{
	const struct spin_args *a = arg;
	char *mem;

	pin_to_cpu(VICTIM_CPU);
	mem = map_touched(a->bytes, a->huge);
	victim_ready();
	victim_live(VICTIM_SPIN, mem, a->bytes);
}

static bool within_percent(uint64_t value, uint64_t of)
{
	uint64_t diff = value > of ? value - of : of - value;

	return of && diff * 100 <= of;
}

static int kill_by_device(struct victim *victim, struct tally *tally)
{
	uint64_t before = anon_bytes(victim->pid);
	uint64_t start = now_ns();
	struct mrelease_result res;
	int ret;

	ret = dev_release(dev, victim->pidfd, MRELEASE_KILL, &res);
	tally->ns_last = now_ns() - start;
	/* The first of each kind tells what to look for. */
	if (!within_percent(res.anon_bytes, before) && !tally->wrong_anon++)
		tap_note("%s: anon %llu of %llu bytes", err_name(ret),
			 (unsigned long long)res.anon_bytes,
			 (unsigned long long)before);
	if ((res.left_bytes || res.left_reasons) && !tally->left++)
		tap_note("%s: left %llu bytes, reasons %#x", err_name(ret),
			 (unsigned long long)res.left_bytes, res.left_reasons);
	return ret;
}

static int kill_by_syscall(struct victim *victim, struct tally *tally)
{
	uint64_t start = now_ns();
	int ret;

	ret = sys_pidfd_send_signal(victim->pidfd, SIGKILL);
	if (!ret)
		ret = sys_process_mrelease(victim->pidfd, 0);
	tally->ns_last = now_ns() - start;
	return ret;
}

static unsigned int kills(const struct loop *loop)
{
	return getenv("MRELEASE_LONG") ? loop->kills : loop->kills / 10;
}

static void run_loop(const struct loop *loop, bool by_device,
		     struct tally *tally)
{
	unsigned int i;

	memset(tally, 0, sizeof(*tally));
	for (i = 0; i < kills(loop); i++) {
		struct spin_args args = { loop->bytes, i % loop->base_every };
		struct victim victim = victim_start(spin_body, &args);
		int ret, status;

		ret = by_device ? kill_by_device(&victim, tally) :
				  kill_by_syscall(&victim, tally);
		tally->esrch += ret == -ESRCH;
		tally->errors += ret && ret != -ESRCH;
		tally->ns += tally->ns_last;
		if (tally->ns_last > tally->ns_max)
			tally->ns_max = tally->ns_last;
		status = victim_reap(&victim);
		if (!was_killed(status) && !tally->wrong_status++)
			tap_note("wait status %#x", status);
	}
}

static void print_row(const struct loop *loop, const char *how,
		      const struct tally *tally)
{
	tap_note("%-8s %-24s %5u %5u %5u %9.3f %9.3f", loop->name, how,
		 kills(loop), tally->esrch, tally->errors,
		 tally->ns / 1e6 / kills(loop), tally->ns_max / 1e6);
}

int main(void)
{
	struct tally ours[ARRAY_SIZE(loops)], theirs[ARRAY_SIZE(loops)];
	bool peer = have_process_mrelease();
	unsigned int i;

	tap_plan(5 * ARRAY_SIZE(loops));
	if (nr_cpus() < 2) {
		errno = ENODEV;
		tap_bail("a CPU for the victim");
	}
	pin_to_cpu(CALLER_CPU);
	dev = dev_open();

	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		const struct loop *loop = &loops[i];
		struct tally *t = &ours[i];

		run_loop(loop, true, t);
		tap_ok(!t->esrch, "%s: never ESRCH", loop->name);
		tap_ok(!t->errors, "%s: no other error", loop->name);
		tap_ok(!t->wrong_anon, "%s: anon_bytes within 1 %% of the RSS",
		       loop->name);
		tap_ok(!t->left, "%s: nothing left", loop->name);
		tap_ok(!t->wrong_status, "%s: killed by SIGKILL", loop->name);
		if (peer)
			run_loop(loop, false, &theirs[i]);
	}

	tap_note(
		"victim   how                      kills ESRCH other   mean ms    max ms");
	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		print_row(&loops[i], "mrelease", &ours[i]);
		if (peer)
			print_row(&loops[i], "kill + process_mrelease",
				  &theirs[i]);
	}
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a release has freed shows in MemFree when it returns: a daemon looks there
 * whether to kill another process.  From 6.7 on each CPU keeps tens of MiB of free
 * pages for itself, which are counted nowhere.
 *
 * kill(2) with a wait for the end, and process_mrelease(2), stand beside it.
 */
/* guest: smp=2 mem=2048 timeout=300 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "hold.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "weigh.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum way { WAY_DEVICE, WAY_KILL, WAY_SYSCALL, WAYS };

static const char *const names[WAYS] = { "mrelease", "kill(2) + wait",
					 "kill + process_mrelease" };

#define MOVED 5

/* The last two with MRELEASE_LONG in the environment only. */
static const size_t sizes[] = { 32, 64, 128, 256, 512 };

static const struct {
	enum victim_way way;
	const char *name;
} states[] = {
	{ VICTIM_SLEEP, "asleep" },
	{ VICTIM_SPIN, "running" },
};

/*
 * struct row - of the table
 * @rise: of MemFree, bytes
 * @freed: what was said, bytes; of the victim, where nothing says
 */
struct row {
	int ret;
	int64_t rise;
	int64_t freed;
	double ms;
};

static int dev;

/* The caller is on CPU 0 and the victim on the last one. */
static void run(enum way way, size_t bytes, enum victim_way state,
		struct row *row)
{
	struct victim victim = victim_anon(bytes, state, nr_cpus() - 1);
	struct mrelease_result res = { .freed_bytes = bytes };
	struct weight before, after;
	uint64_t start;

	if (state == VICTIM_SLEEP)
		proc_wait_state(victim.pid, "S", 2000);
	/* So that it is not through with its exit before the call. */
	if (way == WAY_SYSCALL)
		hold_prepare(&victim);
	weigh_settle(dev);
	weigh(&before);
	start = now_ns();
	switch (way) {
	case WAY_DEVICE:
		row->ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
		weigh(&after);
		break;
	case WAY_SYSCALL:
		hold_kill(&victim);
		row->ret = sys_process_mrelease(victim.pidfd, 0);
		weigh(&after);
		break;
	default:
		row->ret = sys_pidfd_send_signal(victim.pidfd, SIGKILL);
		victim_reap(&victim);
		weigh(&after);
	}
	row->ms = (now_ns() - start) / 1e6;
	row->rise = after.free - before.free;
	row->freed = res.freed_bytes;
	if (way == WAY_SYSCALL)
		hold_end(&victim);
	else if (way == WAY_DEVICE)
		victim_reap(&victim);
}

static double percent(const struct row *row)
{
	return row->freed ? 100.0 * row->rise / row->freed : 0;
}

/* Moves a thread from CPU to CPU, as a busy system does now and then. */
struct mover {
	pid_t tid;
	unsigned int moves;
	atomic_bool done;
};

static void *move(void *arg)
{
	struct mover *mover = arg;
	cpu_set_t set;

	while (!atomic_load(&mover->done)) {
		CPU_ZERO(&set);
		CPU_SET(mover->moves % nr_cpus(), &set);
		if (sched_setaffinity(mover->tid, sizeof(set), &set))
			tap_bail("sched_setaffinity");
		mover->moves++;
		sleep_ms(1);
	}
	return NULL;
}

/* The caller is on another CPU in the end than where it has freed the last pages. */
static void check_moved(size_t bytes)
{
	unsigned int i, moves = 0;
	struct row worst = { .freed = 1, .rise = INT64_MAX };
	bool wrong = false;

	for (i = 0; i < MOVED; i++) {
		struct victim victim = victim_anon(bytes, VICTIM_SLEEP, -1);
		struct mover mover = { .tid = gettid() };
		struct mrelease_result res;
		struct weight before, after;
		struct row row = {};
		pthread_t thread;

		proc_wait_state(victim.pid, "S", 2000);
		weigh_settle(dev);
		weigh(&before);
		if (pthread_create(&thread, NULL, move, &mover))
			tap_bail("pthread_create");
		row.ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
		weigh(&after);
		atomic_store(&mover.done, true);
		pthread_join(thread, NULL);
		pin_to_cpu(0);
		row.rise = after.free - before.free;
		row.freed = res.freed_bytes;
		wrong |= row.ret || row.freed < (int64_t)(bytes / 100 * 98);
		if (percent(&row) < percent(&worst))
			worst = row;
		moves += mover.moves;
		victim_reap(&victim);
	}
	tap_ok(!wrong && percent(&worst) >= 95,
	       "caller moved about: 95 %% of freed_bytes in MemFree at return");
	tap_note(
		"caller moved about, %u times in %d calls: MemFree %+lld MiB %.1f %% at the least",
		moves, MOVED, (long long)worst.rise >> 20, percent(&worst));
}

static void check(size_t mib, unsigned int state, bool peer)
{
	struct row rows[WAYS] = {};
	size_t bytes = mib * MIB;
	enum way way;

	for (way = 0; way < WAYS; way++)
		if (peer || way != WAY_SYSCALL)
			run(way, bytes, states[state].way, &rows[way]);

	tap_ok(!rows[0].ret && rows[0].freed >= (int64_t)(bytes / 100 * 98) &&
		       percent(&rows[0]) >= 95,
	       "%zu MiB, %s: 95 %% of freed_bytes in MemFree at return", mib,
	       states[state].name);
	for (way = 0; way < WAYS; way++)
		if (peer || way != WAY_SYSCALL)
			tap_note(
				"%4zu MiB %-8s %-24s %6s MemFree %+5lld MiB %6.1f %% %8.1f ms",
				mib, states[state].name, names[way],
				err_name(rows[way].ret),
				(long long)rows[way].rise >> 20,
				percent(&rows[way]), rows[way].ms);
}

int main(int argc, char **argv)
{
	size_t scale = weigh_scale(argc, argv);
	bool peer = have_process_mrelease();
	unsigned int i, state, nr = ARRAY_SIZE(sizes);

	if (!getenv("MRELEASE_LONG"))
		nr -= 2;
	tap_plan(nr * ARRAY_SIZE(states) + 1);
	dev = dev_open();
	pin_to_cpu(0);
	for (i = 0; i < nr; i++)
		for (state = 0; state < ARRAY_SIZE(states); state++)
			check(sizes[i] / scale, state, peer);
	check_moved(256 * MIB / scale);
	return tap_done();
}

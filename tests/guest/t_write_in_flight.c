// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What goes into a pipe from a write(2) that is under way when its process is
 * released: the source is a private mapping of a file, each page of it modified, and
 * once such a page is gone, the file's own is in its place: the kernel brings the
 * page cache around a fault back without asking whether the memory was given up.  So
 * original bytes may come where modified ones were.  process_mrelease(2) does the
 * same; kill(2) alone does not.  Here is how often.
 *
 * t_write_in_flight [ROUNDS]: of each kind (6; with MRELEASE_LONG in the environment 20)
 */
/* guest: disk=ext4:1536 disk=xfs:768 disk=btrfs:768 disk=tmpfs timeout=200 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1024UL * 1024)
#define NAME "t_write_in_flight"
#define SOURCE_BYTES (8 * MIB)
#define OTHER_BYTES (32 * MIB)
#define PIPE_BYTES MIB
#define CALLER_CPU 0
#define VICTIM_CPU 1

#define ORIGINAL 'o'
#define MODIFIED 'M'

/*
 * struct way - of getting rid of the victim
 * @flags: of the device; @in_tree: kill(2) and process_mrelease(2) instead;
 *	@kill_only: kill(2) alone
 */
struct way {
	const char *name;
	uint32_t flags;
	bool in_tree;
	bool kill_only;
};

static const struct way ways[] = {
	{ .name = "kill", .kill_only = true },
	{ .name = "kill + process_mrelease", .in_tree = true },
	{ .name = "mrelease", .flags = MRELEASE_KILL },
	{ .name = "mrelease, evict", .flags = MRELEASE_KILL | MRELEASE_EVICT },
	{ .name = "mrelease, evict, shared",
	  .flags = MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED },
};

#define KILL_ONLY 0
#define IN_TREE 1

/* What came out of the pipe in all rounds of a kind. */
struct tally {
	unsigned int rounds;
	unsigned int rounds_original;
	unsigned int errors;
	unsigned int esrch;
	uint64_t modified;
	uint64_t original;
	uint64_t foreign;
};

static int dev;
static int source_fd;
static int pipefd[2];
static int victim_cpu;

static void writer_body(void *arg)
{
	char *mem;

	(void)arg;
	pin_to_cpu(victim_cpu);
	/* Goes first; process_mrelease(2) begins with what was mapped last. */
	map_touched(OTHER_BYTES, false);
	mem = mmap(NULL, SOURCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		   source_fd, 0);
	if (mem == MAP_FAILED)
		_exit(95);
	memset(mem, MODIFIED, SOURCE_BYTES);
	close(pipefd[0]);
	victim_ready();
	for (;;)
		if (write(pipefd[1], mem, SOURCE_BYTES) < 0)
			_exit(94);
}

/* Sort what is in the pipe; returns how much it was, 0 at its end. */
static ssize_t drain(struct tally *tally)
{
	static char buf[PIPE_BYTES];
	ssize_t got = read(pipefd[0], buf, sizeof(buf)), i;

	for (i = 0; i < got; i++) {
		if (buf[i] == MODIFIED)
			tally->modified++;
		else if (buf[i] == ORIGINAL)
			tally->original++;
		else
			tally->foreign++;
	}
	return got;
}

static void *drain_to_end(void *arg)
{
	while (drain(arg) > 0)
		;
	return NULL;
}

static void get_rid(const struct way *way, struct victim *victim,
		    struct tally *tally)
{
	int ret;

	if (way->flags) {
		ret = dev_release(dev, victim->pidfd, way->flags, NULL);
	} else {
		ret = sys_pidfd_send_signal(victim->pidfd, SIGKILL);
		if (!ret && way->in_tree)
			ret = sys_process_mrelease(victim->pidfd, 0);
	}
	if (ret == -ESRCH && way->in_tree)
		tally->esrch++;
	else if (ret && !tally->errors++)
		tap_note("%s: %s", way->name, err_name(ret));
}

/* While it does not run, everybody on its CPU with an ordinary priority stands still. */
static void real_time(bool on)
{
	struct sched_param param = { .sched_priority = on };

	if (sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param))
		tap_bail("sched_setscheduler");
}

static struct victim start_writer(int cpu)
{
	struct victim victim;
	int waiting = 0;

	victim_cpu = cpu;
	if (pipe2(pipefd, O_CLOEXEC) ||
	    fcntl(pipefd[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		tap_bail("a pipe");
	victim = victim_start(writer_body, NULL);
	close(pipefd[1]);
	/* It is in write(2), which cannot go on. */
	while (waiting < (int)PIPE_BYTES || proc_state(victim.pid) != 'S') {
		sleep_ms(1);
		if (ioctl(pipefd[0], FIONREAD, &waiting))
			tap_bail("FIONREAD");
	}
	return victim;
}

static void end_round(struct victim *victim, struct tally *tally,
		      uint64_t original)
{
	victim_reap(victim);
	close(pipefd[0]);
	tally->rounds++;
	tally->rounds_original += tally->original != original;
}

/*
 * The worst case, made certain: the writer shares the CPU of the caller, which does
 * not let it run.  There is room in the pipe when the call returns, and then the
 * writer goes on.
 */
static void play_held(const struct way *way, struct tally *tally)
{
	struct victim victim = start_writer(CALLER_CPU);
	uint64_t original = tally->original;

	pin_to_cpu(CALLER_CPU);
	real_time(true);
	drain(tally);
	get_rid(way, &victim, tally);
	real_time(false);
	drain_to_end(tally);
	end_round(&victim, tally, original);
}

/* The writer runs, and the reader takes all it gets, when the release comes. */
static void play_running(const struct way *way, struct tally *tally,
			 uint64_t *rng)
{
	struct victim victim = start_writer(VICTIM_CPU);
	uint64_t original = tally->original;
	pthread_t reader;

	pin_to_cpu(CALLER_CPU);
	if (pthread_create(&reader, NULL, drain_to_end, tally))
		tap_bail("pthread_create");
	usleep(random_next(rng) % 20000);
	get_rid(way, &victim, tally);
	pthread_join(reader, NULL);
	end_round(&victim, tally, original);
}

static void print_table(const char *kind, const struct tally *tallies)
{
	unsigned int i;

	tap_note("%-8s %-24s %6s %5s %13s %12s %12s", kind, "", "rounds",
		 "ESRCH", "with original", "modified KiB", "original KiB");
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct tally *t = &tallies[i];

		tap_note("%-8s %-24s %6u %5u %13u %12llu %12llu", kind,
			 ways[i].name, t->rounds, t->esrch, t->rounds_original,
			 (unsigned long long)t->modified / 1024,
			 (unsigned long long)t->original / 1024);
	}
}

/* Of one byte all over, so that each byte in the pipe tells where it comes from. */
static void make_source(void)
{
	static char block[MIB];
	struct fs list[FS_MAX];
	size_t off;

	if (!fs_list(list, FS_MAX, false))
		tap_bail("a file system");
	file_make(&list[0], NAME, SOURCE_BYTES);
	source_fd = file_open(&list[0], NAME, O_RDWR);
	memset(block, ORIGINAL, sizeof(block));
	for (off = 0; off < SOURCE_BYTES; off += sizeof(block))
		if (pwrite(source_fd, block, sizeof(block), off) !=
		    sizeof(block))
			tap_bail("pwrite");
	drop_caches();
	/* It stays as long as somebody has it open. */
	file_remove(&list[0], NAME);
}

static void check(const char *kind, const struct tally *tallies, uint64_t slack)
{
	uint64_t errors = 0, foreign = 0, most = 0;
	unsigned int i;

	print_table(kind, tallies);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		errors += tallies[i].errors;
		foreign += tallies[i].foreign;
		if (ways[i].flags && tallies[i].original > most)
			most = tallies[i].original;
	}
	tap_ok(!errors, "%s: each victim released", kind);
	tap_ok(!foreign, "%s: no byte but modified and original ones", kind);
	tap_ok(!tallies[KILL_ONLY].original,
	       "%s: kill(2) alone: no original ones", kind);
	if (have_process_mrelease())
		tap_ok(most <= tallies[IN_TREE].original + slack,
		       "%s: not more than beside process_mrelease(2)", kind);
	else
		tap_skip("no process_mrelease(2)",
			 "%s: not more than beside process_mrelease(2)", kind);
}

int main(int argc, char **argv)
{
	const char *normal = getenv("MRELEASE_LONG") ? "20" : "6";
	unsigned int rounds = atoi(argc > 1 ? argv[1] : normal), i, n;
	struct tally running[ARRAY_SIZE(ways)] = {};
	struct tally held[ARRAY_SIZE(ways)] = {};
	uint64_t rng = now_ns() | 1;

	tap_plan(8);
	dev = dev_open();
	make_source();
	for (n = 0; n < rounds; n++) {
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			if (ways[i].in_tree && !have_process_mrelease())
				continue;
			play_held(&ways[i], &held[i]);
			play_running(&ways[i], &running[i], &rng);
		}
	}
	/* Held, nothing is left to chance; running, half of the rounds may be. */
	check("held", held, 0);
	check("running", running, rounds * PIPE_BYTES / 2);
	return tap_done();
}

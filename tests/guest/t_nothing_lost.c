// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that write to a file by a shared mapping are released at random moments
 * with random flags; then the page cache is dropped, and the file must be what was
 * written.  In half of the rounds another process writes to the same file, cuts it
 * and makes it longer meanwhile.
 *
 * model.h says what exactly that is for a victim.  The other process is not killed:
 * all of what it wrote must be there, and the size must be the last that it gave
 * the file.
 *
 * t_nothing_lost [ROUNDS [SEED]], or MRELEASE_ROUNDS and MRELEASE_SEED in the
 * environment: rounds on each file system (10; with MRELEASE_LONG 1000).
 */
/* guest: disk=ext4:1536 disk=xfs:768 disk=btrfs:768 disk=tmpfs timeout=900 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "model.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define MIB (1024UL * 1024)
#define NAME "t_nothing_lost"
#define POINTS 4

/*
 * The parts of the file: the victim's, that of the other process, which both share
 * a page, and one that is there or not.
 */
#define VICTIM_BYTES (6 * MIB + 1024)
#define OTHER_END (8 * MIB)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* What came of the rounds on one file system. */
struct tally {
	unsigned int errors;
	unsigned int different;
	unsigned int not_dropped;
	unsigned int longest_ms;
	unsigned int in_flight;
	uint64_t evicted;
	uint64_t stores;
};

static int dev;
static uint32_t flags_known;
static struct model *model;
static uint64_t state;

/* The file, for those who are forked; and what they make their random numbers of. */
static int file_fd;
static uint64_t child_seed;

/*
 * The file comes into the page cache in single pages, which a file system may keep
 * no records of: then nobody but the dirty bit says that a page is to be written.
 */
static bool small;

/* In the victim: what it maps. */
static uint64_t *shared;
static char *all;

/* A few words here, a few there.  Threads differ in the parity of the word. */
static void *write_for_ever(void *arg)
{
	unsigned int thread = (uintptr_t)arg;
	uint64_t rng = child_seed + thread * 2 + 1, word, n;

	for (;;) {
		word = random_next(&rng) % (VICTIM_BYTES / MODEL_WORD);
		for (n = random_next(&rng) % 8 + 1; n; n--) {
			model_store(model, thread, shared,
				    (word & ~1UL) + thread, random_next(&rng));
			word = (word + 2) % (VICTIM_BYTES / MODEL_WORD);
		}
		/* Where there is no file at the moment this fails, which is no harm. */
		if (random_next(&rng) % 64 == 0)
			madvise(all + OTHER_END, MODEL_BYTES - OTHER_END,
				MADV_POPULATE_READ);
	}
	return NULL;
}

/* A shared mapping to write to, and a private one of all that others may write to. */
static void victim_body(void *arg)
{
	pthread_t thread;
	uintptr_t i;

	(void)arg;
	shared = mmap(NULL, VICTIM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file_fd, 0);
	all = mmap(NULL, MODEL_BYTES, PROT_READ, MAP_PRIVATE, file_fd, 0);
	if (shared == MAP_FAILED || all == MAP_FAILED)
		_exit(95);
	if (small) {
		madvise(shared, VICTIM_BYTES, MADV_RANDOM);
		madvise(all, MODEL_BYTES, MADV_RANDOM);
	}
	read_pages(all, OTHER_END);
	for (i = 1; i < MODEL_THREADS; i++)
		if (pthread_create(&thread, NULL, write_for_ever, (void *)i))
			_exit(94);
	victim_ready();
	write_for_ever(NULL);
}

static void other_resize(uint64_t size)
{
	if (ftruncate(file_fd, size))
		_exit(1);
	if (size < model->size)
		memset((char *)model->image + size, 0, model->size - size);
	model->size = size;
}

static void other_write(uint64_t *rng, uint64_t start, uint64_t end)
{
	uint64_t buf[512], words = random_next(rng) % 512 + 1, first, i;

	first = start / MODEL_WORD +
		random_next(rng) % ((end - start) / MODEL_WORD - words);
	for (i = 0; i < words; i++)
		buf[i] = random_next(rng);
	if (pwrite(file_fd, buf, words * MODEL_WORD, first * MODEL_WORD) !=
	    (ssize_t)(words * MODEL_WORD))
		_exit(2);
	memcpy(&model->image[first], buf, words * MODEL_WORD);
	if ((first + words) * MODEL_WORD > model->size)
		model->size = (first + words) * MODEL_WORD;
}

static void other_punch(uint64_t *rng)
{
	uint64_t bytes = (random_next(rng) % 4096 + 1) * MODEL_WORD, off;

	off = VICTIM_BYTES +
	      random_next(rng) %
		      ((OTHER_END - VICTIM_BYTES - bytes) / MODEL_WORD) *
		      MODEL_WORD;
	if (fallocate(file_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
		      bytes))
		_exit(3);
	memset((char *)model->image + off, 0, bytes);
}

/* Leaves no store half done: it looks at model->stop in between. */
static void other_body(void)
{
	uint64_t rng = child_seed + 99;

	while (!__atomic_load_n(&model->stop, __ATOMIC_SEQ_CST)) {
		switch (random_next(&rng) % 16) {
		case 0:
		case 1:
			other_resize(OTHER_END +
				     random_next(&rng) %
					     (MODEL_BYTES - OTHER_END) /
					     MODEL_WORD * MODEL_WORD);
			break;
		case 2:
		case 3:
			other_write(&rng, OTHER_END, MODEL_BYTES);
			break;
		case 4:
			other_punch(&rng);
			break;
		case 5:
			if (random_next(&rng) % 4 == 0 && fdatasync(file_fd))
				_exit(4);
			break;
		default:
			other_write(&rng, VICTIM_BYTES, OTHER_END);
		}
	}
}

static pid_t other_start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		other_body();
		_exit(0);
	}
	return pid;
}

static void other_end(pid_t pid)
{
	int status;

	__atomic_store_n(&model->stop, 1, __ATOMIC_SEQ_CST);
	if (waitpid(pid, &status, 0) != pid || status)
		tap_bail("the other process: wait status %#x", status);
	model->stop = 0;
}

/*
 * What a CPU keeps in its list of pages that are to be put on the LRU is not dropped,
 * and may stay in there for as long as that CPU has nothing else to add: fadvise(2)
 * drains those lists, drop_caches does not on each kernel.  What the last user of the
 * address space still maps is not dropped either; that comes to an end by itself,
 * late where the emulated CPUs have to share a real one.
 */
#define DROP_MS 20000

static void compare(struct tally *tally)
{
	uint64_t start = now_ns();
	unsigned int ms = 0;

	for (;;) {
		drop_caches();
		posix_fadvise(file_fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!file_resident(file_fd, 0, MODEL_BYTES))
			break;
		ms = (now_ns() - start) / 1000000;
		if (ms > DROP_MS) {
			tally->not_dropped++;
			break;
		}
		sleep_ms(2);
	}
	if (ms > tally->longest_ms)
		tally->longest_ms = ms;

	tally->different += model_compare(model, file_fd, &tally->in_flight);
}

/*
 * Half of the time those that can do harm, whatever else there is.  KILL_SHARERS,
 * which there are none of, is refused without KILL.
 */
static uint32_t random_flags(void)
{
	uint32_t flags = random_next(&state);

	if (random_next(&state) % 2)
		flags |= MRELEASE_EVICT | MRELEASE_SHARED;
	flags &= flags_known;
	if (random_next(&state) % 8)
		return flags | MRELEASE_KILL;
	return flags & ~(MRELEASE_KILL | MRELEASE_KILL_SHARERS);
}

static void play_round(struct tally *tally, unsigned int round)
{
	uint32_t flags = random_flags();
	bool with_other = round % 2;
	unsigned int us = random_next(&state) % 20000,
		     different = tally->different;
	struct mrelease_result res;
	struct victim victim;
	pid_t other = 0;
	int ret;

	model_quiet(model);
	small = random_next(&state) % 2;
	child_seed = random_next(&state) >> 8;
	if (with_other)
		other = other_start();
	victim = victim_start(victim_body, NULL);
	usleep(us);
	/* Pages under writeback, and clean ones that get dirty again. */
	if (random_next(&state) % 2)
		sync_file_range(file_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (random_next(&state) % 2)
		usleep(random_next(&state) % 4000);

	if (!(flags & MRELEASE_KILL))
		kill(victim.pid, SIGKILL);
	ret = dev_release(dev, victim.pidfd, flags, &res);
	/* It may be through with its exit by then. */
	if (ret && (ret != -ESRCH || flags & MRELEASE_KILL) && !tally->errors++)
		tap_note("flags %#x: %s", flags, err_name(ret));
	victim_reap(&victim);
	if (with_other)
		other_end(other);

	tally->evicted += res.evicted_bytes;
	tally->stores += model->stores;
	compare(tally);
	different = tally->different - different;
	if (different)
		tap_note("round %u: flags %#x, after %u us, other %u, small %u",
			 round, flags, us, with_other, small);
}

static void play(const struct fs *fs, unsigned int rounds)
{
	struct tally tally = {};
	uint64_t start;
	unsigned int i;

	file_make(fs, NAME, OTHER_END);
	file_fd = file_open(fs, NAME, O_RDWR);
	memset(model, 0, sizeof(*model));
	model->size = OTHER_END;
	if (pread(file_fd, model->image, OTHER_END, 0) != (ssize_t)OTHER_END)
		tap_bail("read");

	start = now_ns();
	for (i = 0; i < rounds; i++)
		play_round(&tally, i);
	tap_ok(!tally.errors, "%s: each victim was released", fs->name);
	tap_ok(!tally.different, "%s: nothing lost", fs->name);
	tap_ok(!tally.not_dropped, "%s: what was compared came from the disk",
	       fs->name);
	tap_ok(tally.evicted && tally.stores,
	       "%s: some was written and some evicted", fs->name);
	tap_note("%s: %u rounds in %llu ms: %llu stores, %u seen in flight",
		 fs->name, rounds,
		 (unsigned long long)(now_ns() - start) / 1000000,
		 (unsigned long long)tally.stores, tally.in_flight);
	tap_note("%s: %llu pages evicted, the page cache dropped after %u ms",
		 fs->name, (unsigned long long)tally.evicted / FILES_PAGE,
		 tally.longest_ms);
	close(file_fd);
	file_remove(fs, NAME);
}

int main(int argc, char **argv)
{
	const char *normal = getenv("MRELEASE_LONG") ? "1000" : "10";
	const char *rounds = argc > 1		       ? argv[1] :
			     getenv("MRELEASE_ROUNDS") ?:
							 normal;
	const char *seed = argc > 2 ? argv[2] : getenv("MRELEASE_SEED");
	struct mrelease_info info = { .size = sizeof(info) };
	unsigned int n, i, backed = 0;
	struct fs list[FS_MAX];

	state = (seed ? strtoull(seed, NULL, 0) : now_ns()) | 1;
	n = fs_list(list, FS_MAX, true);
	for (i = 0; i < n; i++)
		backed += list[i].backed;
	tap_plan(backed * POINTS);
	tap_note("seed %llu", (unsigned long long)state);
	dev = dev_open();
	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("MRELEASE_IOC_INFO");
	flags_known = info.features & MRELEASE_FEAT_FLAGS;
	model = caller_shared(sizeof(*model));
	for (i = 0; i < n; i++)
		if (list[i].backed)
			play(&list[i], atoi(rounds));
	fs_end(list, n);
	return tap_done();
}

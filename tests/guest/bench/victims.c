// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The victims.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "proc.h"
#include "tap.h"

#define HUGE (2 * MIB)
#define THREADS 64

/* Of the methods. */
#define OTHERS (1U << KILL_WAIT | 1U << KILL_SYSCALL)
#define BASIC (OTHERS | 1U << KILL | 1U << KILL_TEARDOWN | 1U << KILL_TWO)
#define SIMPLE (BASIC | 1U << CGROUP_KILL | 1U << MUNMAP)
#define EVICTS (1U << KILL_EVICT | 1U << EVICT_TWO)
/* TEARDOWN is over when the last thread is, which for these is never. */
#define HELD (OTHERS | 1U << CGROUP_KILL | 1U << KILL)

char *region;
size_t region_bytes;
void (*when_set_up)(void);

static int go_pipe[2];
static int mnt = -1;
static pid_t hog;

static char *map(size_t bytes, int prot, int flags, int fd)
{
	char *mem = mmap(NULL, bytes, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

static char *map_anon(size_t bytes, int flags)
{
	char *mem = map(bytes, PROT_READ | PROT_WRITE,
			flags | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	/* shmem may refuse, and has no huge pages then. */
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	return mem;
}

static void touch(char *mem, size_t bytes, size_t step)
{
	for (size_t i = 0; i < bytes; i += step)
		mem[i] = 1;
}

static void look(const volatile char *mem, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		(void)mem[i];
}

static char *map_file(const char *path, size_t from, size_t bytes, int prot,
		      int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *mem;

	if (fd < 0)
		_exit(94);
	mem = mmap(NULL, bytes, prot, flags, fd, from);
	if (mem == MAP_FAILED)
		_exit(94);
	close(fd);
	return mem;
}

static void keep(char *mem, size_t bytes)
{
	region = mem;
	region_bytes = bytes;
}

static void done(void)
{
	if (when_set_up)
		when_set_up();
	victim_ready();
	for (;;)
		pause();
}

static void set_up_anon(size_t bytes)
{
	char *mem = map_anon(bytes, MAP_PRIVATE);

	touch(mem, bytes, PAGE);
	keep(mem, bytes);
}

void body_anon(void *arg)
{
	set_up_anon(((const struct kind *)arg)->anon);
	done();
}

static void body_thp(void *arg)
{
	const struct kind *kind = arg;
	char *mem = map(kind->anon + HUGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1);

	mem = (char *)(((uintptr_t)mem + HUGE - 1) & ~(HUGE - 1));
	madvise(mem, kind->anon, MADV_HUGEPAGE);
	touch(mem, kind->anon, PAGE);
	keep(mem, kind->anon);
	done();
}

void body_file(void *arg)
{
	const struct kind *kind = arg;
	size_t bytes = kind->file + kind->shared;
	char *mem = map_file(kind->path, 0, bytes, PROT_READ,
			     kind->file ? MAP_PRIVATE : MAP_SHARED);

	look(mem, bytes);
	keep(mem, bytes);
	done();
}

static void body_shmem(void *arg)
{
	const struct kind *kind = arg;
	char *mem = map_anon(kind->shmem, MAP_SHARED);

	touch(mem, kind->shmem, PAGE);
	keep(mem, kind->shmem);
	done();
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *spinner(void *arg)
{
	for (volatile unsigned long n = 0;; n++)
		;
	return arg;
}

static void start_threads(unsigned int nr, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	while (nr--)
		if (pthread_create(&thread, &attr, run, NULL))
			_exit(93);
}

/*
 * A page of a browser: thousands of small heaps with guards between them, libraries
 * with relocated pages, shared buffers, a large reservation and some threads.
 */
static void body_browser(void *arg)
{
	const struct kind *kind = arg;
	size_t heaps = kind->anon / (4 * PAGE), i;
	char *mem;

	for (i = 0; i < heaps; i++) {
		mem = map_anon(5 * PAGE, MAP_PRIVATE);
		mprotect(mem, PAGE, PROT_NONE);
		touch(mem + PAGE, 4 * PAGE, PAGE);
	}
	for (i = 0; i < 64; i++) {
		mem = map_file(kind->path, i * (kind->file / 64),
			       kind->file / 64, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE);
		look(mem, kind->file / 64);
		mem[0] = 1;
	}
	touch(map_anon(kind->shmem, MAP_SHARED), kind->shmem, PAGE);
	map(64 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1);
	start_threads(24, sleeper);
	done();
}

/* One huge heap, of which a part is in use; its tables; code; threads. */
static void body_jvm(void *arg)
{
	const struct kind *kind = arg;
	char *mem = map_anon(16 * GIB, MAP_PRIVATE);

	touch(mem, kind->anon, PAGE);
	touch(map_anon(GIB, MAP_PRIVATE), kind->anon / 64, PAGE);
	mem = map(240 * MIB, PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	madvise(mem, 240 * MIB, MADV_NOHUGEPAGE);
	touch(mem, 4 * MIB, PAGE);
	look(map_file(kind->path, 0, kind->file, PROT_READ, MAP_PRIVATE),
	     kind->file);
	start_threads(32, sleeper);
	done();
}

/* A page in each GiB. */
static void body_sparse(void *arg)
{
	(void)arg;
	touch(map_anon(1024 * GIB, MAP_PRIVATE), 1024 * GIB, GIB);
	done();
}

/* As many VMAs as a process may have by default; one in sixteen with a page. */
static void body_vmas(void *arg)
{
	size_t bytes = 65000 * PAGE, i;
	char *mem = map_anon(bytes, MAP_PRIVATE);

	(void)arg;
	touch(mem, bytes, 16 * PAGE);
	for (i = PAGE; i < bytes; i += 2 * PAGE)
		if (mprotect(mem + i, PAGE, PROT_READ))
			_exit(92);
	done();
}

static void body_running(void *arg)
{
	pin_to_cpu(nr_cpus() - 1);
	set_up_anon(((const struct kind *)arg)->anon);
	victim_ready();
	victim_live(VICTIM_SPIN, NULL, 0);
}

static void body_threads(void *arg)
{
	set_up_anon(((const struct kind *)arg)->anon);
	start_threads(THREADS - 1, spinner);
	victim_ready();
	spinner(NULL);
}

static void body_frozen(void *arg)
{
	int fd = open("/mnt/victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char byte = 0;

	set_up_anon(((const struct kind *)arg)->anon);
	victim_ready();
	if (read(go_pipe[0], &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		_exit(91);
	_exit(90);
}

static void body_idle(void *arg)
{
	struct sched_param param = {};

	set_up_anon(((const struct kind *)arg)->anon);
	pin_to_cpu(nr_cpus() - 1);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		_exit(89);
	done();
}

const struct kind kinds[] = {
	{ "1 MiB", body_anon, .anon = MIB, .methods = SIMPLE },
	{ "anon", body_anon, .anon = 64 * MIB,
	  .methods = SIMPLE | 1U << FLAGS_0 | 1U << KILL_ALL |
		     1U << KILL_FOUR },
	{ "THP", body_thp, .anon = 256 * MIB, .methods = SIMPLE },
	{ "file, ext4", body_file, EXT4_FILE, .file = 64 * MIB,
	  .methods = SIMPLE | EVICTS | 1U << EVICT_FOUR },
	{ "file, xfs", body_file, XFS_FILE, .file = 64 * MIB,
	  .methods = OTHERS | EVICTS },
	{ "file, shared", body_file, EXT4_FILE, .shared = 64 * MIB,
	  .methods = OTHERS | 1U << KILL_SHARED },
	{ "shmem", body_shmem, .shmem = 64 * MIB,
	  .methods = OTHERS | 1U << KILL_TEARDOWN | 1U << KILL_ALL },
	{ "browser", body_browser, EXT4_FILE, .anon = 32 * MIB,
	  .file = 16 * MIB, .shmem = 8 * MIB,
	  .methods = BASIC | 1U << KILL_EVICT | 1U << KILL_ALL },
	{ "JVM", body_jvm, EXT4_FILE, .anon = 128 * MIB, .file = 8 * MIB,
	  .methods = BASIC | 1U << KILL_EVICT },
	{ "sparse 1 TiB", body_sparse, .anon = 1024 * PAGE, .methods = BASIC },
	{ "65000 VMAs", body_vmas, .anon = 65000 / 16 * PAGE,
	  .methods = OTHERS | 1U << KILL },
	{ "running", body_running, .anon = 64 * MIB, .methods = BASIC },
	{ "state D", body_frozen, .anon = 64 * MIB,
	  .hindrance = HINDRANCE_FROZEN, .methods = HELD },
	{ "SCHED_IDLE", body_idle, .anon = 64 * MIB, .hindrance = HINDRANCE_HOG,
	  .methods = HELD },
	{ "64 threads", body_threads, .anon = 64 * MIB,
	  .methods = BASIC | 1U << CGROUP_KILL },
};

const unsigned int nr_kinds = sizeof(kinds) / sizeof(kinds[0]);

void victims_init(void)
{
	if (pipe2(go_pipe, O_CLOEXEC))
		tap_bail("pipe2");
	mnt = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void freeze(const struct victim *victim)
{
	if (ioctl(mnt, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	if (write(go_pipe[1], "", 1) != 1 ||
	    !proc_wait_state(victim->pid, "D", 10000))
		tap_bail("state D");
}

static void start_hog(void)
{
	hog = fork();
	if (hog < 0)
		tap_bail("fork");
	if (hog)
		return;
	pin_to_cpu(nr_cpus() - 1);
	spinner(NULL);
}

struct victim kind_start(const struct kind *kind)
{
	struct victim victim = victim_start(kind->body, (void *)kind);

	if (kind->hindrance == HINDRANCE_FROZEN)
		freeze(&victim);
	else if (kind->hindrance == HINDRANCE_HOG)
		start_hog();
	return victim;
}

void kind_let_go(const struct kind *kind)
{
	if (kind->hindrance == HINDRANCE_FROZEN) {
		ioctl(mnt, FITHAW, 0);
	} else if (kind->hindrance == HINDRANCE_HOG) {
		pid_t pid = __atomic_exchange_n(&hog, 0, __ATOMIC_SEQ_CST);

		if (pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims whose memory somebody else has a hand on: readers of it, and the other side
 * of a userfaultfd, see states.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kinds.h"
#include "proc.h"
#include "states.h"
#include "sys.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static struct victim reader;
static char *state_mem;

/* Whoever touches what is at @mem waits for who reads from the descriptor. */
static int watch(char *mem, size_t bytes)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	reg.range.start = (uintptr_t)mem;
	reg.range.len = bytes;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &reg))
		_exit(95);
	return fd;
}

static char *map_missing(void)
{
	char *mem = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		_exit(95);
	return mem;
}

/* Somebody waits; nobody will answer. */
static void *monitor(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };

	if (poll(&p, 1, -1) == 1)
		states_shared->stuck = 1;
	return arg;
}

static void start_monitor(int fd)
{
	static int watched;
	pthread_t thread;

	watched = fd;
	if (pthread_create(&thread, NULL, monitor, &watched))
		_exit(95);
}

/* The victim: the address is that of all later ones as well. */
static void known_body(void *arg)
{
	(void)arg;
	if (mmap(state_mem, STATE_BYTES, RW,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(95);
	madvise(state_mem, STATE_BYTES, MADV_NOHUGEPAGE);
	kind_touch(state_mem, STATE_BYTES, PAGE);
	kind_live();
}

/* A place that nothing else takes, in the test and so in its children. */
static void find_place(void)
{
	if (state_mem)
		return;
	state_mem = mmap(NULL, STATE_BYTES, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state_mem == MAP_FAILED)
		_exit(95);
}

/*
 * Readers that do not get on: what they have read is to go where they have to wait,
 * with a hold on the memory that they read from.
 */
static void vm_reader_body(void *arg)
{
	const struct victim *victim = arg;
	char *mem = map_missing();
	struct iovec to = { mem, PAGE }, from = { state_mem, PAGE };

	start_monitor(watch(mem, PAGE));
	victim_ready();
	process_vm_readv(victim->pid, &to, 1, &from, 1, 0);
}

static void mem_reader_body(void *arg)
{
	const struct victim *victim = arg;
	char *mem = map_missing(), path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	start_monitor(watch(mem, PAGE));
	victim_ready();
	(void)!pread(fd, mem, PAGE, (uintptr_t)state_mem);
}

/* Again and again, with a low priority, so that it is often interrupted. */
static void maps_reader_body(void *arg)
{
	const struct victim *victim = arg;
	char maps[64], smaps[64], line[4096];
	FILE *f;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", victim->pid);
	snprintf(smaps, sizeof(smaps), "/proc/%d/smaps", victim->pid);
	victim_ready();
	for (;;) {
		f = fopen(states_shared->told++ % 2 ? maps : smaps, "re");
		while (f && fgets(line, sizeof(line), f))
			states_shared->stuck = 1;
		if (f)
			fclose(f);
	}
}

static bool start_reader(void (*body)(void *arg), const struct victim *victim)
{
	reader = victim_start(body, (void *)victim);
	return state_wait_stuck() && proc_wait_state(victim->pid, "S", 10000);
}

static bool read_by_vm(const struct victim *victim)
{
	return start_reader(vm_reader_body, victim);
}

static bool read_by_mem(const struct victim *victim)
{
	return start_reader(mem_reader_body, victim);
}

static bool read_maps(const struct victim *victim)
{
	return start_reader(maps_reader_body, victim);
}

static void end_reader(const struct victim *victim)
{
	(void)victim;
	victim_end(&reader);
}

static void *toucher(void *mem)
{
	*(volatile char *)mem = 1;
	return mem;
}

/* It waits for a page that its own monitor does not bring. */
static void faulting_body(void *arg)
{
	char *mem = map_missing();
	pthread_t thread;

	(void)arg;
	start_monitor(watch(mem, PAGE));
	if (pthread_create(&thread, NULL, toucher, mem))
		_exit(95);
	state_sleep(NULL);
}

static bool is_stuck(const struct victim *victim)
{
	(void)victim;
	return state_wait_stuck();
}

/* The other side: its page comes when the monitor has gone, and then it says so. */
static void watched_process(int out)
{
	char *mem = map_missing();
	int fd = watch(mem, PAGE);

	if (write(out, &fd, sizeof(fd)) != sizeof(fd))
		_exit(95);
	state_wait_go();
	close(fd);
	mem[0] = 1;
	states_shared->told = mem[0];
	_exit(0);
}

static void monitor_body(void *arg)
{
	int pipefd[2], fd, pidfd;
	pid_t pid;

	(void)arg;
	if (pipe2(pipefd, O_CLOEXEC))
		_exit(95);
	pid = fork();
	if (!pid)
		watched_process(pipefd[1]);
	pidfd = sys_pidfd_open(pid);
	if (pidfd < 0 || read(pipefd[0], &fd, sizeof(fd)) != sizeof(fd))
		_exit(95);
	fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (fd < 0)
		_exit(95);
	/* Now it is ours alone. */
	state_go(NULL);
	start_monitor(fd);
	state_sleep(NULL);
}

static bool other_side_went_on(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (!states_shared->told && now_ns() < end)
		sleep_ms(1);
	return states_shared->told == 1;
}

const struct state states_pinned[] = {
	{
		.name = "being read, /proc/PID/maps",
		.why = "over and over, and smaps; readers hold the memory only for a moment",
		.prepare = find_place,
		.body = known_body,
		.settle = read_maps,
		.loosen = end_reader,
	},
	{
		.name = "being read, /proc/PID/mem",
		.why = "by who does not get on (the page to read into never comes), with a hold on the memory: the victim is gone at once, the memory stays",
		.missing = no_userfaultfd,
		.prepare = find_place,
		.body = known_body,
		.settle = read_by_mem,
		.loosen = end_reader,
		.kept = true,
	},
	{
		.name = "being read, process_vm_readv(2)",
		.why = "the same, and the page that is read is pinned",
		.missing = no_userfaultfd,
		.prepare = find_place,
		.body = known_body,
		.settle = read_by_vm,
		.loosen = end_reader,
		.kept = true,
	},
	{
		.name = "userfaultfd: waiting",
		.why = "for a page that the monitor does not bring; a kill ends that",
		.missing = no_userfaultfd,
		.body = faulting_body,
		.settle = is_stuck,
		/* That of its own shared page. */
		.reasons = MRELEASE_LEFT_SHARED_MAP,
	},
	{
		.name = "userfaultfd: the monitor",
		.why = "another process waits for it, and goes on when it is dead",
		.missing = no_userfaultfd,
		.body = monitor_body,
		.settle = is_stuck,
		.after = other_side_went_on,
		.reasons = MRELEASE_LEFT_SHARED_MAP,
	},
};

const unsigned int states_pinned_nr =
	sizeof(states_pinned) / sizeof(states_pinned[0]);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who plays in a scene of tests/daemons:
 *
 *	role hold NAME MIB		has so much memory, and does nothing
 *	role grow NAME MIB RATE		takes up to so much, RATE MiB each second
 *	role idle NAME MIB		has it, and a CPU only when nobody else wants one
 *	role stuck NAME MIB DIR		has it, and then hangs in the file system there
 *	role spin NAME			always wants the last CPU
 *	role watch NAME KIB SECONDS	looks at MemAvailable until it is that much again
 *
 * NAME becomes that of the process.  With its memory filled it makes /run/scene/NAME; asked
 * by SIGUSR1 it says in there, by "intact" or "lost", what has become of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)
#define STEP_MS 50

static const char *name;

static void fail(const char *what)
{
	fprintf(stderr, "role %s: %s: %s\n", name, what, strerror(errno));
	exit(1);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	/* A signal may cut it short: they all look again. */
	nanosleep(&ts, NULL);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char path[128];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "/run/scene/%s", name);
	f = fopen(path, "we");
	if (!f)
		fail(path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
	if (fclose(f))
		fail(path);
}

/* A CPU that it shares with the others that say so. */
static void pin_to_last(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static uint64_t word(size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL;
}

static uint64_t *memory;
static size_t words;

static void take(size_t mib)
{
	size_t end = words + mib * MIB / sizeof(*memory);

	for (; words < end; words++)
		memory[words] = word(words);
}

static volatile sig_atomic_t asked;

static void ask(int sig)
{
	(void)sig;
	asked = 1;
}

static void answer(void)
{
	size_t i = 0;

	if (!asked)
		return;
	asked = 0;
	while (i < words && memory[i] == word(i))
		i++;
	say(i == words ? "intact" : "lost");
}

static void hang_in(const char *dir)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	/* If the file is there already a kernel may have opened it. */
	(void)!write(fd, "", 1);
}

static unsigned long mem_available(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && !kib && fgets(line, sizeof(line), f))
		sscanf(line, "MemAvailable: %lu", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* In the end: "back|never, at which time, the least and the last MemAvailable". */
static void watch(unsigned long wanted, double limit)
{
	unsigned long kib, least = ~0UL;
	double begin = now();
	bool low = false;

	say("watching");
	do {
		kib = mem_available();
		least = kib < least ? kib : least;
		/* It has to have been gone before. */
		low |= kib < wanted;
		if (low && kib >= wanted)
			break;
		sleep_ms(STEP_MS);
	} while (now() - begin < limit);
	say("%s %.3f %lu %lu", low && kib >= wanted ? "back" : "never", now(),
	    least, kib);
}

int main(int argc, char **argv)
{
	struct sched_param none = { 0 };
	const char *kind = argc > 2 ? argv[1] : "";
	size_t mib = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, rate, taken;

	if (argc < 3) {
		fputs("usage: role KIND NAME [ARGUMENT]...\n", stderr);
		return 2;
	}
	name = argv[2];
	prctl(PR_SET_NAME, name);
	signal(SIGUSR1, ask);
	if (!strcmp(kind, "watch")) {
		if (mlockall(MCL_CURRENT | MCL_FUTURE))
			fail("mlockall");
		watch(mib, argc > 4 ? atof(argv[4]) : 60);
		return 0;
	}
	if (!strcmp(kind, "spin")) {
		pin_to_last();
		say("ready");
		for (;;)
			;
	}

	memory = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
	/* Page by page it comes, and goes. */
	madvise(memory, mib * MIB, MADV_NOHUGEPAGE);
	rate = !strcmp(kind, "grow") && argc > 4 ? strtoul(argv[4], NULL, 10) :
						   mib;
	if (rate == mib)
		take(mib);
	say("ready");
	if (!strcmp(kind, "idle")) {
		pin_to_last();
		if (sched_setscheduler(0, SCHED_IDLE, &none))
			fail("sched_setscheduler");
	}
	if (!strcmp(kind, "stuck") && argc > 4)
		hang_in(argv[4]);
	for (taken = rate == mib ? mib : 0;;) {
		if (rate > mib - taken)
			rate = mib - taken;
		take(rate);
		taken += rate;
		answer();
		sleep_ms(1000);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a release costs on this machine, and what the other ways do: children of the
 * tool's own are given memory and released, by each back end in turn.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "json.h"

#define ROUNDS_DEFAULT 5
#define SIZE_DEFAULT (256ULL << 20)
#define PAGE 4096
#define NR_WAYS 3

/* The first is what the others are compared with. */
static const enum mrelease_backend backends[NR_WAYS] = {
	MRELEASE_BACKEND_SIGNAL,
	MRELEASE_BACKEND_SYSCALL,
	MRELEASE_BACKEND_DEVICE,
};

/*
 * struct way - a back end and what it did in each round
 * @err: why it is not there, 0 when it is
 * @ns: what the call took
 * @shown: how much MemFree had risen when it returned, bytes; may be less than 0
 */
struct way {
	struct mrelease *handle;
	int err;
	int64_t ns[BENCH_ROUNDS_MAX];
	int64_t shown[BENCH_ROUNDS_MAX];
};

/* A line of /proc/meminfo, in bytes. */
static int64_t meminfo(const char *key)
{
	char text[512];
	const char *at;

	if (file_read("/proc/meminfo", text, sizeof(text)) <= 0)
		return 0;
	at = strstr(text, key);
	return at ? atoll(at + strlen(key)) << 10 : 0;
}

/* In the child: it says when it has its memory, and dies with the tool. */
static void victim_live(size_t size, int ready)
{
	volatile char *mem;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		_exit(1);
	for (i = 0; i < size; i += PAGE)
		mem[i] = 1;
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t victim_start(size_t size)
{
	int fds[2];
	pid_t pid;
	char c;

	if (pipe(fds))
		return -1;
	/* What is not written yet is not for the child to write. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		victim_live(size, fds[1]);
	}
	close(fds[1]);
	if (pid > 0 && mr_sys_read(fds[0], &c, 1) != 1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		errno = ENOMEM;
		pid = -1;
	}
	close(fds[0]);
	return pid;
}

static bool run(struct way *way, const struct options *opts, unsigned int round)
{
	struct mrelease_result res;
	pid_t pid = victim_start(opts->size);
	int64_t before;
	uint64_t start;
	int pidfd;
	int ret;

	if (pid < 0) {
		complain("a process with this much memory: %s",
			 mrelease_strerror(errno, NULL));
		return false;
	}
	pidfd = mr_sys_pidfd_open(pid);
	before = meminfo("MemFree:");
	start = mr_sys_now();
	ret = mrelease_release(way->handle, pidfd, MRELEASE_KILL,
			       opts->timeout_ms, &res);
	way->ns[round] = (int64_t)(mr_sys_now() - start);
	way->shown[round] = meminfo("MemFree:") - before;
	if (ret)
		complain("%s: %s",
			 mrelease_backend_name(mrelease_backend(way->handle)),
			 mrelease_strerror(errno, &res));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pidfd);
	return !ret;
}

/* All ways in each round, so that what happens meanwhile happens to all of them. */
static bool run_all(struct way *ways, const struct options *opts)
{
	bool tty = isatty(STDERR_FILENO);
	bool good = true;
	unsigned int round;
	size_t i;

	for (round = 0; good && round < opts->rounds; round++) {
		if (tty)
			fprintf(stderr, "\rround %u of %u", round + 1,
				opts->rounds);
		for (i = 0; good && i < NR_WAYS; i++)
			good = ways[i].err || run(&ways[i], opts, round);
	}
	if (tty)
		fputs("\r\033[K", stderr);
	return good;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct way *way, unsigned int rounds)
{
	qsort(way->ns, rounds, sizeof(way->ns[0]), compare);
	qsort(way->shown, rounds, sizeof(way->shown[0]), compare);
}

static void show_table(const struct way *ways, const struct options *opts)
{
	char size[16], least[16], middle[16], most[16];
	unsigned int last = opts->rounds - 1;
	size_t i;

	format_bytes(size, sizeof(size), opts->size);
	printf("Processes with %s each, %u rounds: how long the call takes, and how much of it\n"
	       "MemFree shows when it returns (medians, and the extremes of the time).\n\n",
	       size, opts->rounds);
	printf("%-22s %8s %8s %8s %8s %8s\n", "BACK END", "TIME", "LEAST",
	       "MOST", "RATIO", "BACK");
	for (i = 0; i < NR_WAYS; i++) {
		const struct way *way = &ways[i];

		if (way->err) {
			printf("%-22s not here: %s\n",
			       backend_title(backends[i]),
			       session_strerror(way->err));
			continue;
		}
		format_time(least, sizeof(least), way->ns[0]);
		format_time(middle, sizeof(middle), way->ns[opts->rounds / 2]);
		format_time(most, sizeof(most), way->ns[last]);
		printf("%-22s %8s %8s %8s", backend_title(backends[i]), middle,
		       least, most);
		if (ways[0].err)
			printf(" %8s", "-");
		else
			printf(" %8.2f", (double)way->ns[opts->rounds / 2] /
						 ways[0].ns[opts->rounds / 2]);
		printf(" %6.1f %%\n",
		       100.0 * way->shown[opts->rounds / 2] / opts->size);
	}
}

static void show_json(const struct way *ways, const struct options *opts)
{
	struct json json;
	size_t i;

	json_begin(&json, stdout);
	json_number(&json, "size_bytes", opts->size);
	json_number(&json, "rounds", opts->rounds);
	json_open(&json, "backends", '[');
	for (i = 0; i < NR_WAYS; i++) {
		const struct way *way = &ways[i];
		int64_t shown = way->shown[opts->rounds / 2];

		json_open(&json, NULL, '{');
		json_string(&json, "backend",
			    mrelease_backend_name(backends[i]));
		if (way->err) {
			json_string(&json, "error", errno_name(way->err));
		} else {
			json_number(&json, "median_ns",
				    way->ns[opts->rounds / 2]);
			json_number(&json, "least_ns", way->ns[0]);
			json_number(&json, "most_ns",
				    way->ns[opts->rounds - 1]);
			json_number(&json, "shown_bytes",
				    shown > 0 ? shown : 0);
		}
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_end(&json);
}

int command_bench(struct options *opts)
{
	struct way ways[NR_WAYS];
	bool good = false;
	size_t i;

	memset(ways, 0, sizeof(ways));
	opts->size = opts->size ?: SIZE_DEFAULT;
	opts->rounds = opts->rounds ?: ROUNDS_DEFAULT;
	/* It is not to cause what others are killed for. */
	if (opts->size > (uint64_t)meminfo("MemAvailable:") / 2) {
		complain("--size is more than half of the memory that is "
			 "available; nothing was done");
		return EXIT_FAILED;
	}
	for (i = 0; i < NR_WAYS; i++) {
		ways[i].handle = mrelease_open(backends[i]);
		ways[i].err = ways[i].handle ? 0 : errno;
		good |= !ways[i].err;
	}
	if (!good) {
		complain("no back end works here; see mrelease info");
		return EXIT_NO_DEVICE;
	}
	good = run_all(ways, opts);
	for (i = 0; i < NR_WAYS; i++) {
		sort(&ways[i], opts->rounds);
		mrelease_close(ways[i].handle);
	}
	if (good && opts->json)
		show_json(ways, opts);
	else if (good)
		show_table(ways, opts);
	return good ? EXIT_DONE : EXIT_FAILED;
}

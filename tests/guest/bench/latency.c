// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a release does to others: a process on another CPU does something short over
 * and over again, and the longest time that it took once is what counts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "tap.h"

#define PROBE_CPU 1
#define QUIET_MS 60
#define PAGES 32

/* Once: pages from the allocator and back to it, as everybody takes them. */
static void probe_memory(pid_t pid)
{
	char *mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)pid;
	if (mem == MAP_FAILED)
		return;
	for (unsigned int i = 0; i < PAGES; i++)
		mem[i * PAGE] = 1;
	munmap(mem, PAGES * PAGE);
}

/* Once: what ps(1) reads of each process; the second takes the mmap lock. */
static void probe_proc(pid_t pid)
{
	static const char *const files[] = { "stat", "cmdline", "status" };
	char path[64], text[4096];

	for (unsigned int i = 0; i < 3; i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
}

static const struct {
	const char *name;
	void (*once)(pid_t pid);
} probes[] = {
	{ "memory", probe_memory },
	{ "/proc", probe_proc },
};

/* Shared with the process that probes. */
struct desk {
	atomic_int pid; /* of the victim; 0: rest */
	atomic_bool resting;
	uint64_t worst;
	uint64_t loops;
};

static struct desk *desk;

static void probe_run(unsigned int probe)
{
	struct sched_param fifo = { .sched_priority = 20 };

	pin_to_cpu(PROBE_CPU);
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		_exit(1);
	for (;;) {
		pid_t pid = atomic_load(&desk->pid);
		uint64_t start, took;

		atomic_store(&desk->resting, !pid);
		if (!pid) {
			usleep(500);
			continue;
		}
		start = now_ns();
		probes[probe].once(pid);
		took = now_ns() - start;
		if (took > desk->worst)
			desk->worst = took;
		desk->loops++;
	}
}

static void probe_switch(pid_t pid)
{
	if (pid) {
		desk->worst = 0;
		desk->loops = 0;
	}
	atomic_store(&desk->pid, pid);
	while (atomic_load(&desk->resting) != !pid)
		usleep(100);
}

static const struct kind latency_kinds[] = {
	{ "anon", body_anon, .anon = 64 * MIB },
	{ "file, ext4", body_file, EXT4_FILE, .file = 64 * MIB },
};

/* METHODS: nothing is done, for comparison. */
static const enum method latency_methods[] = { METHODS, KILL_WAIT, KILL_SYSCALL,
					       KILL, KILL_EVICT };
#define NR_METHODS (sizeof(latency_methods) / sizeof(latency_methods[0]))

static void take(const struct kind *kind, unsigned int probe,
		 enum method method, int round)
{
	struct mrelease_result res;
	struct victim victim;
	uint64_t took;

	if (kind->path)
		drop_page_cache();
	victim = victim_start(kind->body, (void *)kind);
	probe_switch(victim.pid);
	took = now_ns();
	if (method == METHODS)
		sleep_ms(QUIET_MS);
	else
		method_call(method, &victim, &res);
	took = now_ns() - took;
	probe_switch(0);
	victim_end(&victim);
	printf("{\"part\":\"latency\",\"victim\":\"%s\",\"probe\":\"%s\",\"method\":\"%s\","
	       "\"round\":%d,\"call_ns\":%llu,\"worst_ns\":%llu,\"loops\":%llu}\n",
	       kind->name, probes[probe].name,
	       method == METHODS ? "none" : ways[method].name, round,
	       (unsigned long long)took, (unsigned long long)desk->worst,
	       (unsigned long long)desk->loops);
}

static void take_probe(unsigned int probe)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork");
	if (!pid)
		probe_run(probe);
	for (unsigned int k = 0; k < 2; k++)
		for (int round = 0; round < rounds(ROUNDS); round++)
			for (unsigned int i = 0; i < NR_METHODS; i++) {
				enum method m = latency_methods[(i + round) %
								NR_METHODS];

				if (m == METHODS || method_possible(m))
					take(&latency_kinds[k], probe, m,
					     round);
			}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int part_latency(void)
{
	if (nr_cpus() <= PROBE_CPU)
		tap_bail("2 CPUs");
	desk = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (desk == MAP_FAILED)
		tap_bail("mmap");
	/* The victims, too. */
	pin_to_cpu(0);
	for (unsigned int probe = 0; probe < 2; probe++)
		take_probe(probe);
	return 0;
}

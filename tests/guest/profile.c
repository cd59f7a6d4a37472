// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releases for tests/profile to sample: one victim after the other, with page
 * cache that is evicted or with anonymous memory.  What is not to be sampled is
 * done outside the lines "begin" and "end".
 *
 * profile file|anon ROUNDS
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "victim.h"

#define PATH "/mnt/data"

static size_t bytes = 32UL << 20;

static void body(void *arg)
{
	bool file = arg;
	volatile char sum = 0;
	size_t i;
	char *mem;

	if (file) {
		mem = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE,
			   open(PATH, O_RDONLY | O_CLOEXEC), 0);
		for (i = 0; mem != MAP_FAILED && i < bytes; i += 4096)
			sum += mem[i];
	} else {
		mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem == MAP_FAILED || madvise(mem, bytes, MADV_NOHUGEPAGE))
			_exit(1);
		memset(mem, 1, bytes);
	}
	if (mem == MAP_FAILED)
		_exit(1);
	victim_ready();
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	/* Or the victim's own exit would run in between, on the only CPU. */
	struct sched_param fifo = { .sched_priority = 10 };
	bool file = argc > 1 && !strcmp(argv[1], "file");
	int rounds = argc > 2 ? atoi(argv[2]) : 8, dev, ret;
	struct victim victim;

	if (argc > 3)
		bytes = strtoul(argv[3], NULL, 10) << 20;

	setvbuf(stdout, NULL, _IOLBF, 0);
	dev = dev_open();
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo))
		tap_bail("sched_setscheduler");
	while (rounds--) {
		if (file)
			write_file("/proc/sys/vm/drop_caches", "1");
		victim = victim_start(body, file ? body : NULL);
		puts("begin");
		/* For the emulator to begin writing. */
		sleep_ms(1000);
		ret = dev_release(dev, victim.pidfd,
				  MRELEASE_KILL | (file ? MRELEASE_EVICT : 0),
				  NULL);
		sleep_ms(1000);
		puts("end");
		victim_end(&victim);
		if (ret)
			tap_bail("%s", err_name(ret));
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where calls have come to in the module, see fuzz.h: kcov, which needs a kernel with
 * CONFIG_KCOV, and a module that was built with KCOV_INSTRUMENT=y.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fuzz.h"
#include "tap.h"

/* include/uapi/linux/kcov.h */
#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_DISABLE _IO('c', 101)
#define KCOV_TRACE_PC 0

#define ENTRIES (64UL * 1024)
#define TEXT_MAX (1UL << 20)
/* Of a block and the one before it. */
#define STEPS (1U << 18)

/* Of all threads, without a lock: who comes second sets the same to the same. */
static unsigned char steps[STEPS], blocks[TEXT_MAX];
static unsigned long text;

static unsigned long text_address(void)
{
	FILE *f = fopen("/sys/module/mrelease/sections/.text", "re");
	unsigned long address = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lx", &address) != 1)
		address = 0;
	fclose(f);
	return address;
}

void cover_open(struct cover *c)
{
	void *mem;

	c->trace = NULL;
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	c->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	text = text_address();
	if (c->fd < 0 || !text || ioctl(c->fd, KCOV_INIT_TRACE, ENTRIES))
		return;
	mem = mmap(NULL, ENTRIES * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		   MAP_SHARED, c->fd, 0);
	if (mem == MAP_FAILED)
		return;
	if (ioctl(c->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		munmap(mem, ENTRIES * sizeof(uint64_t));
	else
		c->trace = mem;
}

void cover_close(struct cover *c)
{
	if (c->trace) {
		ioctl(c->fd, KCOV_DISABLE, 0);
		munmap(c->trace, ENTRIES * sizeof(uint64_t));
	}
	if (c->fd >= 0)
		close(c->fd);
}

void cover_begin(struct cover *c)
{
	if (c->trace)
		__atomic_store_n(&c->trace[0], 0, __ATOMIC_RELAXED);
}

bool cover_new(struct cover *c)
{
	uint64_t n, i, offset, before = 0;
	bool fresh = false;
	unsigned int step;

	if (!c->trace)
		return false;
	n = __atomic_load_n(&c->trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < ENTRIES; i++) {
		offset = c->trace[i] - text;
		if (offset >= TEXT_MAX)
			continue;
		blocks[offset] = 1;
		step = (offset ^ before * 0x9e3779b1) % STEPS;
		before = offset;
		fresh |= !steps[step];
		steps[step] = 1;
	}
	return fresh;
}

unsigned int cover_blocks(void)
{
	unsigned int n = 0;
	unsigned long i;

	for (i = 0; i < TEXT_MAX; i++)
		n += blocks[i];
	return n;
}

void cover_note(void)
{
	unsigned long i;

	for (i = 0; i < TEXT_MAX; i++)
		if (blocks[i])
			tap_note("cover: text %lx", i);
}

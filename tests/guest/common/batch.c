// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several victims in one call, see batch.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "batch.h"
#include "tap.h"

void batch_init(struct batch *b, uint32_t flags, uint32_t timeout_ms)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->many.size = sizeof(b->many);
	b->many.flags = flags;
	b->many.timeout_ms = timeout_ms;
	b->many.targets = (uintptr_t)b->targets;
	b->many.target_size = sizeof(b->targets[0]);
	b->cgroup.size = sizeof(b->cgroup);
	b->cgroup.flags = flags;
	b->cgroup.timeout_ms = timeout_ms;
	b->cgroup.targets = (uintptr_t)b->targets;
	b->cgroup.target_size = sizeof(b->targets[0]);
	for (i = 0; i < BATCH_MAX; i++)
		b->targets[i].pidfd = -1;
}

void batch_add(struct batch *b, int pidfd)
{
	b->targets[b->many.nr++].pidfd = pidfd;
}

int batch_call(int dev, struct batch *b)
{
	b->ret = ioctl(dev, MRELEASE_IOC_RELEASE_MANY, &b->many) ? -errno : 0;
	return b->ret;
}

int batch_cgroup(int dev, struct batch *b, int fd, unsigned int room)
{
	b->cgroup.cgroup_fd = fd;
	b->cgroup.nr = room;
	b->ret = ioctl(dev, MRELEASE_IOC_RELEASE_CGROUP, &b->cgroup) ? -errno :
								       0;
	return b->ret;
}

static void note_result(const char *name, const struct mrelease_result *res)
{
	tap_note(
		"%s anon %llu freed %llu left %llu reasons %#x notes %#x victims %u, %llu us",
		name, (unsigned long long)res->anon_bytes,
		(unsigned long long)res->freed_bytes,
		(unsigned long long)res->left_bytes, res->left_reasons,
		res->notes, res->victims,
		(unsigned long long)res->elapsed_ns / 1000);
}

void batch_note(const struct batch *b, unsigned int nr,
		const struct mrelease_result *total)
{
	unsigned int i;

	tap_note("the call: %s", err_name(b->ret));
	for (i = 0; i < nr && i < BATCH_MAX; i++) {
		tap_note("%u: pid %d: %s", i, b->targets[i].pid,
			 err_name(b->targets[i].error));
		note_result("  ", &b->targets[i].result);
	}
	note_result("total", total);
}

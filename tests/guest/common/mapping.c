// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that map a file, and what became of its page cache, see mapping.h.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "hold.h"
#include "mapping.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"

static void mapping_body(void *arg)
{
	const struct mapping *m = arg;
	size_t off;
	char *mem;

	mem = mmap(MAPPING_AT, m->bytes, m->prot,
		   m->flags | MAP_FIXED_NOREPLACE, m->fd, 0);
	if (mem == MAP_FAILED)
		_exit(95);
	read_pages(mem, m->bytes);
	for (off = 0; off < m->copies; off += FILES_PAGE)
		mem[off] = 'c';
	if (m->twice) {
		mem = mmap(NULL, m->bytes, PROT_READ, MAP_PRIVATE, m->fd, 0);
		if (mem == MAP_FAILED)
			_exit(95);
		read_pages(mem, m->bytes);
	}
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

struct victim mapping_start(struct mapping *m)
{
	struct victim victim;

	if (!m->cached) {
		drop_caches();
		file_small(m->fd, m->small);
		file_warm(m->fd, m->bytes);
	}
	victim = victim_start(mapping_body, m);
	proc_wait_state(victim.pid, "S", 1000);
	return victim;
}

static void look_before(const struct mapping *m, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->before = file_resident(m->fd, 0, m->bytes);
	o->activated = vmstat("pgactivate");
	o->free_kib = proc_kib("/proc/meminfo", "MemFree");
	o->ns = now_ns();
}

static void look_after(const struct mapping *m, struct outcome *o)
{
	o->ns = now_ns() - o->ns;
	o->free_kib = proc_kib("/proc/meminfo", "MemFree") - o->free_kib;
	o->activated = vmstat("pgactivate") - o->activated;
	o->after = file_resident(m->fd, 0, m->bytes);
}

void mapping_release(int dev, const struct mapping *m, struct victim *victim,
		     uint32_t flags, struct outcome *o)
{
	look_before(m, o);
	o->ret = dev_release(dev, victim->pidfd, flags, &o->res);
	look_after(m, o);
	victim_reap(victim);
}

void mapping_release_syscall(struct mapping *m, struct outcome *o)
{
	struct victim victim = mapping_start(m);

	hold_prepare(&victim);
	hold_kill(&victim);
	look_before(m, o);
	o->ret = sys_process_mrelease(victim.pidfd, 0);
	look_after(m, o);
	hold_end(&victim);
}

size_t pages(size_t bytes)
{
	return bytes / FILES_PAGE;
}

/* What was found, when it is not what was wanted. */
static bool report(bool ok, const struct outcome *o, size_t bytes)
{
	if (!ok)
		tap_note("%s: %zu pages, %zu before, %zu after, %zu evicted",
			 err_name(o->ret), pages(bytes), o->before, o->after,
			 pages(o->res.evicted_bytes));
	return ok;
}

bool is_gone(const struct outcome *o, size_t bytes, size_t left)
{
	return report(!o->ret && o->before == pages(bytes) &&
			      o->after <= left + o->before / 100 &&
			      o->res.evicted_bytes ==
				      (o->before - o->after) * FILES_PAGE,
		      o, bytes);
}

bool is_left(const struct outcome *o, size_t bytes)
{
	return report(!o->ret && o->before == pages(bytes) &&
			      o->after == o->before && !o->res.evicted_bytes,
		      o, bytes);
}

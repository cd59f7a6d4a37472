// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a release has changed in the system, see weigh.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"
#include "weigh.h"

#define SETTLE_KIB 128
#define SETTLE_TRIES 200
#define KSM "/sys/kernel/mm/ksm/"

static int64_t line_of(const char *text, const char *key, int64_t unit)
{
	const char *p = strstr(text, key);

	return p ? strtoll(p + strlen(key), NULL, 10) * unit : 0;
}

void weigh(struct weight *w)
{
	static char text[8192];
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int64_t huge;

	/* Without stdio: the look itself should cost no memory. */
	n = read(fd, text, sizeof(text) - 1);
	if (fd < 0 || n <= 0)
		tap_bail("/proc/meminfo");
	close(fd);
	text[n] = '\0';
	huge = line_of(text, "\nHugepagesize:", 1024);
	w->free = line_of(text, "\nMemFree:", 1024);
	w->shmem = line_of(text, "\nShmem:", 1024);
	w->page_tables = line_of(text, "\nPageTables:", 1024);
	w->swap_free = line_of(text, "\nSwapFree:", 1024);
	w->huge_usable = line_of(text, "\nHugePages_Free:", huge) -
			 line_of(text, "\nHugePages_Rsvd:", huge);
}

void weigh_settle(int dev)
{
	struct weight was, is;
	unsigned int i, calm = 0;
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		tap_bail("sched_getaffinity");
	/* A dead process is waited for before its last memory is back. */
	weigh(&was);
	for (i = 0; i < SETTLE_TRIES && calm < 3; i++) {
		sleep_ms(10);
		weigh(&is);
		calm = llabs(is.free - was.free) < SETTLE_KIB * 1024 ?
			       calm + 1 :
			       0;
		was = is;
	}
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		struct victim victim;

		pin_to_cpu(cpu);
		victim = victim_anon(16 * 4096, VICTIM_SLEEP, cpu);
		dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL);
		victim_reap(&victim);
	}
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("sched_setaffinity");
	sleep_ms(20);
	/* Each CPU counts for itself first, too. */
	write_file("/proc/sys/vm/stat_refresh", "1");
}

void scales_release(int dev, const struct victim *victim, uint32_t flags,
		    uint32_t timeout_ms, struct scales *s)
{
	uint64_t start;

	memset(s, 0, sizeof(*s));
	proc_wait_state(victim->pid, "S", 2000);
	weigh_settle(dev);
	footprint_read(victim->pid, &s->fp);
	weigh(&s->before);
	start = now_ns();
	s->ret = dev_release_timeout(dev, victim->pidfd, flags, timeout_ms,
				     &s->res);
	s->ms = (now_ns() - start) / 1e6;
	weigh(&s->after);
}

int64_t scales_rise(const struct scales *s)
{
	return s->after.free - s->before.free;
}

bool is_near(int64_t value, int64_t target, int64_t slack)
{
	return value >= target - slack && value <= target + slack;
}

static bool same(const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		tap_note("%s: %llu bytes, not %llu", what,
			 (unsigned long long)got, (unsigned long long)want);
	return got == want;
}

bool scales_exact(const struct scales *s, uint64_t file_stays,
		  uint64_t shmem_stays, uint64_t hugetlb_stays)
{
	const struct mrelease_result *res = &s->res;
	const struct footprint *fp = &s->fp;
	bool ok = same("anon", res->anon_bytes, fp->anon);

	ok &= same("file", res->file_bytes, fp->file - file_stays);
	ok &= same("shmem", res->shmem_bytes, fp->shmem - shmem_stays);
	ok &= same("swap", res->swap_bytes, fp->swap);
	ok &= same("hugetlb", res->hugetlb_bytes, fp->hugetlb - hugetlb_stays);
	ok &= same("left", res->left_bytes,
		   file_stays + shmem_stays + hugetlb_stays);
	if (!res->left_bytes != !res->left_reasons) {
		tap_note("left: %llu bytes, but reasons %#x",
			 (unsigned long long)res->left_bytes,
			 res->left_reasons);
		ok = false;
	}
	return ok;
}

void scales_note(const char *name, const struct scales *s)
{
	const struct mrelease_result *r = &s->res;

	tap_note(
		"%-26s %6s a/f/s %llu/%llu/%llu sw %llu ht %llu ev %llu freed %llu left %llu KiB (%#x, notes %#x), MemFree %+lld KiB, %.1f ms",
		name, err_name(s->ret), r->anon_bytes >> 10,
		r->file_bytes >> 10, r->shmem_bytes >> 10, r->swap_bytes >> 10,
		r->hugetlb_bytes >> 10, r->evicted_bytes >> 10,
		r->freed_bytes >> 10, r->left_bytes >> 10, r->left_reasons,
		r->notes, (long long)scales_rise(s) / 1024, s->ms);
}

size_t weigh_scale(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;

	return n > 0 ? n : 1;
}

static long ksm_value(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atol(text);
}

bool ksm_is_there(void)
{
	return !access(KSM "run", W_OK);
}

long ksm_merge(long pages)
{
	long was = -1, is = 0;
	unsigned int calm = 0, i;

	write_file(KSM "pages_to_scan", "4000");
	write_file(KSM "sleep_millisecs", "1");
	/* It skips pages that it found to be alike none, from 6.7 on. */
	write_file(KSM "smart_scan", "0");
	write_file(KSM "run", "1");
	for (i = 0; i < 600 && is < pages && calm < 40; i++) {
		sleep_ms(100);
		is = ksm_value(KSM "pages_sharing");
		calm = is == was ? calm + 1 : 0;
		was = is;
	}
	/* 0: it stops, and what is merged stays so. */
	write_file(KSM "run", "0");
	return is;
}

void ksm_end(void)
{
	write_file(KSM "run", "2");
	write_file(KSM "run", "0");
}

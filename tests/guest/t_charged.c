// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever makes victim fds pays for them: they are charged to the caller's memory
 * cgroup, and given back to it.  And who may change the module's parameters.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm.h"
#include "caller.h"
#include "group.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define HANDLES 4000
/* What the documentation says that each takes, and what it must be at least. */
#define LEAST_BYTES 1024
#define GROUP_USE "/sys/fs/cgroup/test.charged/memory.current"
#define PARAMETERS "/sys/module/mrelease/parameters/"

/*
 * struct costs - what the caller has seen, in shared memory
 * @made: handles
 * @use: of its cgroup before, with them, and without them again
 */
struct costs {
	int dev;
	int pidfd;
	long made;
	long use[3];
};

static long group_use(void)
{
	FILE *f = fopen(GROUP_USE, "re");
	long bytes = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &bytes) != 1)
		bytes = -1;
	fclose(f);
	return bytes;
}

/* Slab pages, and what each CPU keeps of a charge, may stay for a while. */
static bool half_back(const struct costs *costs)
{
	return costs->use[2] - costs->use[0] <
	       (costs->use[1] - costs->use[0]) / 2;
}

/* In a child that is in the group. */
static int make_handles(void *arg)
{
	struct rlimit limit = { HANDLES + 64, HANDLES + 64 };
	static int fds[HANDLES];
	struct costs *costs = arg;
	unsigned int i;

	if (setrlimit(RLIMIT_NOFILE, &limit) ||
	    write_file("/sys/fs/cgroup/test.charged/cgroup.procs", "0"))
		return -EIO;
	/* The table of descriptors is charged, too: have it before. */
	if (dup2(0, HANDLES + 63) < 0 || close(HANDLES + 63))
		return -EIO;
	costs->use[0] = group_use();
	for (i = 0; i < HANDLES; i++) {
		fds[i] = arm(costs->dev, costs->pidfd, 0);
		if (fds[i] < 0)
			return fds[i];
		costs->made++;
	}
	costs->use[1] = group_use();
	while (i--)
		close(fds[i]);
	/* What is freed under RCU, and what each CPU keeps of a charge. */
	for (i = 0; i < 200; i++) {
		costs->use[2] = group_use();
		if (half_back(costs))
			break;
		sleep_ms(20);
	}
	return 0;
}

static bool writable_by_others(const char *name)
{
	struct stat st;
	char path[96];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	if (stat(path, &st))
		tap_bail("%s", path);
	return st.st_uid || st.st_gid || st.st_mode & 022;
}

static int try_to_set(void *arg)
{
	(void)arg;
	caller_become(65534, 65534, 65534);
	return write_file(PARAMETERS "enabled", "0");
}

int main(void)
{
	struct costs *costs = caller_shared(sizeof(*costs));
	struct victim v;
	int ret;

	tap_plan(5);
	costs->dev = dev_open();
	v = victim_anon(4096, VICTIM_SLEEP, -1);
	costs->pidfd = v.pidfd;
	group_make("charged");

	ret = caller_run(make_handles, costs);
	tap_note("%ld victim fds: %ld, %ld, %ld bytes; %ld each", costs->made,
		 costs->use[0], costs->use[1], costs->use[2],
		 (costs->use[1] - costs->use[0]) / HANDLES);
	tap_ok(!ret && costs->made == HANDLES, "%d victim fds: 0", HANDLES);
	if (costs->use[0] < 0) {
		tap_skip("no memory controller", "they are charged");
		tap_skip("no memory controller", "and given back");
	} else {
		tap_ok(costs->use[1] - costs->use[0] > HANDLES * LEAST_BYTES,
		       "they are charged to the cgroup of who made them");
		tap_ok(half_back(costs), "and given back when they are closed");
	}
	tap_ok(!writable_by_others("enabled") &&
		       !writable_by_others("victims") &&
		       !writable_by_others("unchecked"),
	       "parameters are root's");
	ret = caller_run(try_to_set, NULL);
	tap_ok(ret == -EACCES, "a user cannot switch releases off: EACCES");
	victim_end(&v);
	group_remove("charged");
	return tap_done();
}

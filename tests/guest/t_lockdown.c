// SPDX-License-Identifier: GPL-2.0-or-later
/* guest: smp=2 mem=1024 timeout=120 boot=lockdown */
/*
 * Under kernel lockdown, as with Secure Boot: a module whose signature the kernel
 * does not know is not loaded any more, and the one that was loaded before (or is
 * signed) works as ever, at both levels.  Levels only rise, so the machine is for
 * this test alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define SECURITYFS "/sys/kernel/security"
#define LOCKDOWN SECURITYFS "/lockdown"
#define MODULE "/lib/mrelease.ko"
#define VICTIM_BYTES (32 * 1024 * 1024)

static const char *const levels[] = { "none", "integrity", "confidentiality" };

/* On other machines init reports by a file of sysfs, which lockdown closes. */
#ifdef __x86_64__
#define CLOSES_PORTS false
#else
#define CLOSES_PORTS true
#endif

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* "[none] integrity confidentiality" */
static bool level_is(const char *level)
{
	char line[128] = "", want[32];
	FILE *f = fopen(LOCKDOWN, "re");

	if (!f)
		return false;
	snprintf(want, sizeof(want), "[%s]", level);
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return strstr(line, want);
}

/* The module is there already, which is looked at after the signature. */
static int load_again(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		tap_bail(MODULE);
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static void check_level(const char *level, int dev, int wanted)
{
	struct victim victim = victim_anon(VICTIM_BYTES, VICTIM_SLEEP, -1);
	struct mrelease_result res;
	int ret;

	tap_ok(level_is(level), "%s: that is the level", level);
	ret = load_again();
	tap_ok(ret == wanted, "%s: an unsigned module: %s", level,
	       err_name(wanted));
	if (ret != wanted)
		tap_note("%s", err_name(ret));
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL | MRELEASE_EVICT,
			  &res);
	tap_ok(!ret && res.anon_bytes >= VICTIM_BYTES &&
		       res.freed_bytes >= VICTIM_BYTES / 2,
	       "%s: a release works", level);
	if (ret)
		tap_note("%s", err_name(ret));
	tap_ok(was_killed(victim_reap(&victim)), "%s: killed by SIGKILL",
	       level);
}

int main(void)
{
	unsigned int i;
	int dev = dev_open();

	if (access(LOCKDOWN, F_OK))
		mount("securityfs", SECURITYFS, "securityfs", 0, NULL);
	tap_plan(4 * LEVELS);
	if (CLOSES_PORTS || !level_is("none")) {
		for (i = 0; i < 4 * LEVELS; i++)
			tap_skip(
				CLOSES_PORTS ?
					"lockdown closes what init reports by" :
					"no lockdown in this kernel",
				"lockdown");
		return tap_done();
	}
	check_level(levels[0], dev, -EEXIST);
	for (i = 1; i < LEVELS; i++) {
		if (write_file(LOCKDOWN, levels[i]))
			tap_bail(LOCKDOWN);
		check_level(levels[i], dev, -EPERM);
	}
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Allocations and copies that fail, one after the other: each command is called with
 * the first fault that it can meet, then with the second, until it meets none.
 * Whatever fails leaves nothing behind; where the answer is ENOMEM nothing was done; and
 * a release itself asks for no memory, so that never says ENOMEM.
 *
 * Wants a kernel with fault injection (fail-nth), which stock kernels have not.  Not
 * the loading of the module: the kernel's own part of that has warnings for it.
 */
/* guest: smp=2 mem=1024 timeout=400 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "arm.h"
#include "batch.h"
#include "group.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define DEBUGFS "/sys/kernel/debug"
#define NTH "/proc/thread-self/fail-nth"
#define BYTES (1024UL * 1024)
#define STEPS 200

static int dev;
static struct victim v;
static bool have_victim;

static int fault_set(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	return write_file(NTH, text);
}

/* Was the fault met? */
static bool fault_met(void)
{
	char text[16] = "";
	int fd = open(NTH, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	fault_set(0);
	return n > 0 && !atoi(text);
}

static const char *no_faults(void)
{
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (access(NTH, W_OK) || access(DEBUGFS "/failslab", F_OK))
		return "this kernel has no fault injection";
	write_file(DEBUGFS "/failslab/ignore-gfp-wait", "N");
	write_file(DEBUGFS "/failslab/verbose", "0");
	write_file(DEBUGFS "/fail_usercopy/verbose", "0");
	write_file(DEBUGFS "/fail_page_alloc/verbose", "0");
	return NULL;
}

static void victim_need(void)
{
	if (have_victim)
		return;
	v = victim_anon(BYTES, VICTIM_SLEEP, -1);
	group_move("faults", v.pid);
	have_victim = true;
}

static int call_arm(uint32_t flags)
{
	struct mrelease_arm_args args = { .size = sizeof(args),
					  .pidfd = v.pidfd,
					  .flags = flags };
	int ret = ioctl(dev, MRELEASE_IOC_ARM, &args) ? -errno : 0;

	if (!ret)
		close(args.fd);
	return ret;
}

static int call_arm_plain(void)
{
	return call_arm(0);
}

static int call_arm_teardown(void)
{
	return call_arm(MRELEASE_TEARDOWN);
}

static struct batch b;
static int group_fd, handle = -1;

static int call_many(void)
{
	return ioctl(dev, MRELEASE_IOC_RELEASE_MANY, &b.many) ? -errno : 0;
}

static int call_cgroup(void)
{
	return ioctl(dev, MRELEASE_IOC_RELEASE_CGROUP, &b.cgroup) ? -errno : 0;
}

static int call_release(void)
{
	return dev_release(dev, v.pidfd, MRELEASE_KILL | MRELEASE_EVICT, NULL);
}

static int call_teardown(void)
{
	return dev_release(dev, v.pidfd, MRELEASE_KILL | MRELEASE_TEARDOWN,
			   NULL);
}

static int call_handle(void)
{
	return arm_release(handle, MRELEASE_KILL, NULL);
}

/*
 * struct command - what is called
 * @no_memory: ENOMEM is an answer, and must be met
 */
static const struct command {
	const char *name;
	int (*call)(void);
	bool no_memory;
} commands[] = {
	{ "ARM", call_arm_plain, true },
	{ "ARM, TEARDOWN", call_arm_teardown, true },
	{ "RELEASE_MANY", call_many, true },
	{ "RELEASE_CGROUP", call_cgroup, true },
	{ "RELEASE", call_release, false },
	{ "RELEASE, TEARDOWN", call_teardown, false },
	{ "RELEASE on a victim fd", call_handle, false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static unsigned int open_fds(void)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < 256; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static bool alive(void)
{
	return anon_bytes(v.pid) >= BYTES;
}

static bool step(const struct command *c, unsigned int nth, bool *met, int *ret)
{
	unsigned int before;
	bool ok = true;

	victim_need();
	batch_init(&b, MRELEASE_KILL, 0);
	batch_add(&b, v.pidfd);
	b.cgroup.cgroup_fd = group_fd;
	b.cgroup.nr = 1;
	if (c->call == call_handle)
		handle = arm_now(dev, v.pidfd, 0);
	before = open_fds();
	fault_set(nth);
	*ret = c->call();
	*met = fault_met();
	if (open_fds() != before || (*ret == -ENOMEM && !alive()))
		ok = false;
	if (*ret && *ret != -EFAULT && (*ret != -ENOMEM || !c->no_memory))
		ok = false;
	if (!ok)
		tap_note("%s, fault %u: %s", c->name, nth, err_name(*ret));
	if (handle >= 0) {
		close(handle);
		handle = -1;
	}
	if (!alive()) {
		have_victim = false;
		ok &= was_killed(victim_reap(&v));
	}
	return ok;
}

static void test_command(const struct command *c)
{
	unsigned int nth, no_memory = 0;
	bool ok = true, met = true;
	int ret;

	for (nth = 1; met && nth < STEPS; nth++) {
		ok &= step(c, nth, &met, &ret);
		no_memory += ret == -ENOMEM;
	}
	tap_note("%s: %u faults, ENOMEM %u times", c->name, nth - 2, no_memory);
	tap_ok(ok && !met && !ret, "%s: nothing but what may be, then 0",
	       c->name);
	tap_ok(c->no_memory == !!no_memory, "%s: ENOMEM %s", c->name,
	       c->no_memory ? "is met" : "is never the answer");
}

int main(void)
{
	const char *why = no_faults();
	unsigned int i;
	int refs;

	tap_plan(2 * NR_COMMANDS + 1);
	if (why) {
		for (i = 0; i < 2 * NR_COMMANDS + 1; i++)
			tap_skip(why, "faults, point %u", i + 1);
		return tap_done();
	}
	dev = dev_open();
	refs = module_refs();
	group_make("faults");
	group_fd = group_open("faults");
	for (i = 0; i < NR_COMMANDS; i++)
		test_command(&commands[i]);
	if (have_victim)
		victim_end(&v);
	tap_ok(module_wait(refs, 20000), "nothing of the module is held");
	close(group_fd);
	group_remove("faults");

	return tap_done();
}

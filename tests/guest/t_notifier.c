// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A victim whose address space somebody follows: a virtual machine, which is what
 * has a use for MMU notifiers in a guest.  A call with a deadline leaves it alone and
 * says why; one without takes it apart.
 *
 * One CPU, since to load kvm patches the kernel's text, which emulated CPUs do not
 * bear when another one runs it.
 */
/* guest: smp=1 nested timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kinds.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"

#define POINTS 6

static void kvm_body(void *arg)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)arg;
	map_touched(KIND_SMALL, false);
	/* From here on it follows this address space. */
	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0)
		_exit(95);
	kind_live();
}

static uint64_t sum(const struct footprint *fp)
{
	return fp->anon + fp->file + fp->shmem + fp->swap + fp->hugetlb;
}

static void check(int dev)
{
	struct victim victim = victim_start(kvm_body, NULL);
	struct mrelease_result res;
	struct footprint fp;
	int ret;

	footprint_read(victim.pid, &fp);
	ret = dev_release_timeout(dev, victim.pidfd, MRELEASE_KILL, 1000, &res);
	tap_ok(ret == -ETIMEDOUT, "with a deadline: ETIMEDOUT");
	tap_ok(res.left_reasons == MRELEASE_LEFT_NOTIFIER,
	       "with a deadline: the reason");
	tap_ok(res.left_bytes == sum(&fp),
	       "with a deadline: all of it is left");
	tap_ok(was_killed(victim_reap(&victim)),
	       "with a deadline: killed by SIGKILL");

	victim = victim_start(kvm_body, NULL);
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
	tap_ok(!ret && res.anon_bytes >= KIND_SMALL && !res.left_bytes,
	       "without one: released");
	tap_ok(was_killed(victim_reap(&victim)),
	       "without one: killed by SIGKILL");
}

int main(void)
{
	const char *why = no_kvm();
	int dev, i;

	tap_plan(POINTS);
	dev = dev_open();
	if (!why)
		check(dev);
	else
		for (i = 0; i < POINTS; i++)
			tap_skip(why, "a virtual machine");
	return tap_done();
}

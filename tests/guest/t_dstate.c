// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A victim in state D, here in a write(2) to a frozen file system, cannot die
 * before what it waits for has come.  Its memory does not have to wait: the
 * device gives it back at once, and kill(2) alone does not.  What
 * process_mrelease(2) after kill(2) does stands beside it.
 */
/* guest: smp=2 mem=2048 disk=ext4:256 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define VICTIM_KIB (256 * 1024L)
#define MOUNT "/mnt"

enum way { WAY_DEVICE, WAY_KILL, WAY_SYSCALL, WAYS };

static const char *const names[WAYS] = {
	[WAY_DEVICE] = "mrelease",
	[WAY_KILL] = "kill(2)",
	[WAY_SYSCALL] = "kill + process_mrelease",
};

/*
 * struct row - of the table
 * @ret: of the call, or the last one
 * @at_return: how much MemFree rose until then, KiB
 * @later: the same a second after
 */
struct row {
	int ret;
	long at_return;
	long later;
	double ms;
	bool in_d;
	bool still_in_d;
	bool killed;
	struct mrelease_result res;
};

static int dev;
static int mnt;
static int go_pipe[2];

static void blocked_body(void *arg)
{
	int fd = open(MOUNT "/victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char byte = 0;

	(void)arg;
	if (fd < 0)
		_exit(95);
	map_touched(VICTIM_KIB * 1024, false);
	victim_ready();
	/* Not before the file system is frozen. */
	if (read(go_pipe[0], &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		_exit(94);
	_exit(93);
}

static long memfree(void)
{
	return proc_kib("/proc/meminfo", "MemFree");
}

static void run_way(enum way way, struct row *row)
{
	struct victim victim = victim_start(blocked_body, NULL);
	uint64_t start;
	long before;

	if (ioctl(mnt, FIFREEZE, 0))
		tap_bail("FIFREEZE");
	if (write(go_pipe[1], "", 1) != 1)
		tap_bail("write");
	row->in_d = proc_wait_state(victim.pid, "D", 10000);

	before = memfree();
	start = now_ns();
	if (way == WAY_DEVICE) {
		row->ret = dev_release(dev, victim.pidfd, MRELEASE_KILL,
				       &row->res);
	} else {
		row->ret = sys_pidfd_send_signal(victim.pidfd, SIGKILL);
		if (!row->ret && way == WAY_SYSCALL)
			row->ret = sys_process_mrelease(victim.pidfd, 0);
	}
	row->ms = (now_ns() - start) / 1e6;
	row->at_return = memfree() - before;
	sleep_ms(1000);
	row->later = memfree() - before;
	row->still_in_d = proc_state(victim.pid) == 'D';

	if (ioctl(mnt, FITHAW, 0))
		tap_bail("FITHAW");
	row->killed = was_killed(victim_reap(&victim));
}

static bool most(long kib)
{
	return kib >= VICTIM_KIB * 9 / 10;
}

int main(void)
{
	struct row rows[WAYS] = {}, *row;
	bool peer = have_process_mrelease();
	enum way way;

	tap_plan(11);
	dev = dev_open();
	mnt = open(MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mnt < 0)
		tap_bail(MOUNT);
	if (pipe2(go_pipe, O_CLOEXEC))
		tap_bail("pipe2");
	thaw_at_the_end(mnt, dev);

	for (way = 0; way < WAYS; way++)
		if (peer || way != WAY_SYSCALL)
			run_way(way, &rows[way]);

	row = &rows[WAY_DEVICE];
	tap_ok(row->in_d, "mrelease: the victim is in state D");
	tap_ok(!row->ret, "mrelease: released");
	tap_ok(row->res.anon_bytes >= (unsigned long long)VICTIM_KIB * 1024,
	       "mrelease: anon_bytes has all of it");
	tap_ok(!row->res.left_bytes && !row->res.left_reasons,
	       "mrelease: nothing left");
	tap_ok(most(row->at_return), "mrelease: MemFree has risen at return");
	tap_ok(row->still_in_d,
	       "mrelease: the victim is in state D a second later");
	tap_ok(row->killed, "mrelease: killed by SIGKILL after the thaw");

	row = &rows[WAY_KILL];
	tap_ok(row->in_d && row->still_in_d,
	       "kill(2): the victim stays in state D");
	tap_ok(!row->ret && row->later < VICTIM_KIB / 10,
	       "kill(2): no memory is back a second later");
	tap_ok(row->killed, "kill(2): killed by SIGKILL after the thaw");

	if (peer)
		tap_ok(rows[WAY_SYSCALL].killed,
		       "process_mrelease(2): killed by SIGKILL after the thaw");
	else
		tap_skip(
			"this kernel has not that call",
			"process_mrelease(2): killed by SIGKILL after the thaw");

	tap_note(
		"victim of %ld MiB in state D  errno  MemFree MiB at return, 1 s later       ms",
		VICTIM_KIB / 1024);
	for (way = 0; way < WAYS; way++)
		if (peer || way != WAY_SYSCALL)
			tap_note("%-27s %6s %22ld %10ld %8.1f", names[way],
				 err_name(rows[way].ret),
				 rows[way].at_return / 1024,
				 rows[way].later / 1024, rows[way].ms);
	return tap_done();
}

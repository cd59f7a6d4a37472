// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Callers that are somebody else, see caller.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"
#include "weigh.h"

/* More than any errno. */
#define CALLER_FAILED 255

void *caller_shared(size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		tap_bail("mmap");
	return mem;
}

int caller_run(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-fn(arg));
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			tap_bail("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) == CALLER_FAILED) {
		errno = ECHILD;
		tap_bail("a caller failed, wait status %#x", status);
	}
	return -WEXITSTATUS(status);
}

void caller_become(uid_t ruid, uid_t euid, uid_t suid)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(ruid, euid, suid))
		_exit(CALLER_FAILED);
}

void caller_victim(void *uid)
{
	uid_t id = *(uid_t *)uid;

	map_touched(2 * MIB, false);
	caller_become(id, id, id);
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

void caller_drop_cap(int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		_exit(CALLER_FAILED);
	data[cap / 32].effective &= ~(1U << (cap % 32));
	data[cap / 32].permitted &= ~(1U << (cap % 32));
	data[cap / 32].inheritable &= ~(1U << (cap % 32));
	if (syscall(SYS_capset, &head, data))
		_exit(CALLER_FAILED);
}

void who_become(void *arg)
{
	const struct who *who = arg;
	char map[32];

	if (who->session && setsid() < 0)
		_exit(CALLER_FAILED);
	if (who->no_cap_kill)
		caller_drop_cap(CAP_KILL);
	if (who->ruid || who->euid || who->suid)
		caller_become(who->ruid, who->euid, who->suid);
	if (who->userns) {
		/* Its own /proc files are root's since the change of ids. */
		if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
			_exit(CALLER_FAILED);
		snprintf(map, sizeof(map), "0 %u 1", who->euid);
		if (write_file("/proc/self/uid_map", map) || setresuid(0, 0, 0))
			_exit(CALLER_FAILED);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel for tests: it stands in for userspace/lib/sys.c.  A program that
 * includes this header is linked with it, the others with the real one.
 *
 * Its time moves only when somebody sleeps or waits, so ten seconds take none.
 * Descriptors are real (of /dev/null), so that leaks can be seen.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <mrelease.h>

#define FAKE_NEVER UINT64_MAX
#define FAKE_MS 1000000ULL
#define FAKE_VICTIMS 6

/* A process. */
struct fake_victim {
	pid_t pid;
	const char *comm;
	int fd; /* its pidfd, set by pidfd_open */
	int err; /* of MRELEASE_IOC_RELEASE on it */
	struct mrelease_result result;
};

struct fake {
	/* the device */
	int open_err;
	mode_t mode;
	ino_t ino;
	unsigned int opens;
	const char *subsystem;
	const char *devpath;
	int info_err;
	int arm_err;
	struct mrelease_info info;
	uint64_t ioctl_ns; /* that a release takes */
	bool once; /* after the first release there is nothing left */
	int later_err; /* what those are told who come then */

	/* what was asked of it */
	unsigned int ioctls;
	unsigned long request;
	struct mrelease_args args;
	struct mrelease_arm_args arm_args;
	int ioctl_fd;
	struct mrelease_info asked;

	/* the system calls: errno of each process_mrelease(2) in turn */
	int probe_mrelease_err;
	int probe_signal_err;
	int pidfd_open_err;
	int signal0_err;
	int sigkill_err;
	int poll_err;
	const int *mrelease_errs; /* the last one stays, 0 is success */
	size_t nr_mrelease_errs;
	unsigned int mreleases;
	unsigned int kills;
	unsigned int sleeps;
	uint64_t slept_ms;

	/* time and the victim's exit */
	uint64_t now;
	uint64_t exit_at;

	/* /proc */
	bool no_proc;
	long fdinfo_pid; /* 0 or -1 as in the file */
	bool not_pidfd;
	bool recycled; /* the pid changes while its files are read */
	const char *before;
	const char *after; /* once it was killed or reaped */
	const char *stat;
	unsigned int fdinfo_reads;

	/* several at once, and cgroups; the victims are the members of one */
	int many_err;
	struct mrelease_many_args many;
	int cgroup_err;
	struct mrelease_cgroup_args cgroup;
	bool no_cgroup;
	bool inside; /* the caller is a member too */
	int procs_err; /* of opening cgroup.procs */
	unsigned int procs_reads;
	unsigned int killed; /* bits: who has left it */

	struct fake_victim victims[FAKE_VICTIMS];
	size_t nr_victims;
};

extern struct fake fake;

/* Module loaded, one process 42 of 3 MiB, all calls succeed. */
void fake_reset(void);

/* No module. */
void fake_unload(void);

struct fake_victim *fake_add(pid_t pid, const char *comm);

#endif /* FAKE_H */

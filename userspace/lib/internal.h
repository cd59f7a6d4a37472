/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MRELEASE_INTERNAL_H
#define MRELEASE_INTERNAL_H

#include <stdbool.h>

#include <mrelease.h>

/* Everything else is hidden (-fvisibility=hidden). */
#define MRELEASE_API __attribute__((visibility("default")))

/* Written by mrelease_open() only, which is what makes it safe to share. */
struct mrelease {
	enum mrelease_backend backend;
	int fd;
	struct mrelease_info info;
};

/* Open and verify /dev/mrelease: fd, or -1 and errno. */
int mr_device_open(struct mrelease_info *info);

int mr_device_release(int fd, int pidfd, uint32_t flags, uint32_t timeout_ms,
		      struct mrelease_result *res);

/* Is the system call of this back end there?  0, or -1 and errno. */
int mr_fallback_probe(enum mrelease_backend backend);

int mr_fallback_release(enum mrelease_backend backend, int pidfd,
			uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res);

/**
 * struct mr_usage - what /proc knows of a process
 * @known: the process was found and is the one that the pidfd means
 * @not_pidfd: the descriptor is open and no pidfd
 * @dumping: it writes a core dump
 * @kthread: it is a kernel thread
 * @pid: its number in our pid namespace
 * @anon: RssAnon in bytes
 * @file: RssFile in bytes
 * @shmem: RssShmem in bytes
 * @swap: VmSwap in bytes
 * @hugetlb: HugetlbPages in bytes
 *
 * All zero for what is not known.  A process without memory has zeroes too.
 */
struct mr_usage {
	bool known;
	bool not_pidfd;
	bool dumping;
	bool kthread;
	pid_t pid;
	uint64_t anon;
	uint64_t file;
	uint64_t shmem;
	uint64_t swap;
	uint64_t hugetlb;
};

void mr_usage_read(int pidfd, struct mr_usage *usage);

#endif /* MRELEASE_INTERNAL_H */

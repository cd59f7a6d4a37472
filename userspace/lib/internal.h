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

struct mr_usage;

/* The steps of it: are these flags that it knows? */
int mr_fallback_check(enum mrelease_backend backend, uint32_t flags);

/* When to give up, by mr_sys_now(). */
uint64_t mr_fallback_deadline(uint32_t timeout_ms);

/* Kill, if that was asked for; before is filled. */
int mr_fallback_begin(int pidfd, uint32_t flags, struct mr_usage *before,
		      struct mrelease_result *res);

/* Have the memory back, or wait for the exit. */
int mr_fallback_finish(enum mrelease_backend backend, int pidfd,
		       const struct mr_usage *before, uint64_t deadline,
		       struct mrelease_result *res);

/* Several, by the module; it must have the command. */
int mr_device_many(int fd, struct mrelease_target *targets, uint32_t nr,
		   uint32_t flags, uint32_t timeout_ms,
		   struct mrelease_result *total);
int mr_device_cgroup(int fd, int cgroup_fd, struct mrelease_target *targets,
		     uint32_t *nr, uint32_t flags, uint32_t timeout_ms,
		     struct mrelease_result *total);

/* Numbers of processes, as they were found; list is malloc()ed. */
struct mr_pids {
	pid_t *list;
	size_t nr;
	size_t room;
	bool failed;
};

/* Everybody who is in a cgroup now: 0, or -1 and errno (EBADF: it is none). */
int mr_pids_read(struct mr_pids *pids, int cgroup_fd);
bool mr_pids_have(const struct mr_pids *pids, pid_t pid);

/* A cgroup by what its files say; see cgroup.c. */
int mr_cgroup_release(const struct mrelease *h, int cgroup_fd,
		      struct mrelease_target *targets, uint32_t *nr,
		      uint32_t flags, uint32_t timeout_ms,
		      struct mrelease_result *total);

/*
 * Add the bytes, the victims and the rest of one result to a total.  Not the time: what
 * was done together took it once.
 */
void mr_total_add(struct mrelease_result *total,
		  const struct mrelease_result *res);

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything that this project asks of the kernel, one function each.
 *
 * They are here and nowhere else so that the unit tests can stand in for the
 * kernel, and so that headers older than a system call do not matter.  All
 * return what the system call does, -1 and errno on failure; those that a
 * signal may interrupt start again.
 */
#ifndef MRELEASE_SYS_H
#define MRELEASE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

int mr_sys_ioctl(int fd, unsigned long request, void *arg);
int mr_sys_pidfd_open(pid_t pid);
int mr_sys_pidfd_signal(int pidfd, int sig);
int mr_sys_process_mrelease(int pidfd);
int mr_sys_open(const char *path, int flags);
ssize_t mr_sys_read(int fd, void *buf, size_t size);
int mr_sys_fstat(int fd, struct stat *st);

/* Of a file system for cgroups, version 1 or 2? */
bool mr_sys_is_cgroup(int fd);

ssize_t mr_sys_readlink(const char *path, char *buf, size_t size);

/* Wait for POLLIN: 1 when it is there, 0 after timeout_ms (rounded up). */
int mr_sys_poll(int fd, uint32_t timeout_ms);

void mr_sys_sleep(uint32_t ms);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t mr_sys_now(void);

typedef void (*mr_line_fn)(const char *line, void *data);

/*
 * Call fn for each line of a file; a long one (Groups: of a user in thousands of
 * them) is cut after 255 characters.  False when the file cannot be read.
 */
bool mr_read_lines(const char *path, mr_line_fn fn, void *data);

#endif /* MRELEASE_SYS_H */

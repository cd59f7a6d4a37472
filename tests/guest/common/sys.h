/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device and the system calls beside it, raw: guest tests look at the ABI
 * itself, not through the library.
 */
#ifndef _SYS_H
#define _SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/mrelease.h>

/* All return 0 or a descriptor, or a negative errno. */
int sys_pidfd_open(pid_t pid);
int sys_pidfd_send_signal(int pidfd, int sig);
int sys_process_mrelease(int pidfd, unsigned int flags);

/* The device, opened; ends the program when it is not there. */
int dev_open(void);
int dev_release(int dev, int pidfd, uint32_t flags,
		struct mrelease_result *res);
int dev_release_timeout(int dev, int pidfd, uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res);

/* Of a release that is to end in a wait: enough for all before it, on a slow machine. */
#define DEADLINE_MS 3000

/* Does this kernel have process_mrelease(2)? */
bool have_process_mrelease(void);

/* Is this kernel older than that version?  For what no stable kernel got later. */
bool kernel_before(int major, int minor);

/* "ESRCH" for -3 or 3, "0" for 0. */
const char *err_name(int err);

/* A value in KiB of a file of lines like "MemFree:  123 kB"; -1 if missing. */
long proc_kib(const char *path, const char *key);
long proc_pid_kib(pid_t pid, const char *file, const char *key);

/* One line into a file of /proc or /sys; 0 or a negative errno. */
int write_file(const char *path, const char *text);

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);
void pin_to_cpu(int cpu);
int nr_cpus(void);

#endif /* _SYS_H */

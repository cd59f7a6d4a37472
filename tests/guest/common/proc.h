/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be seen of a process from outside, and how to hold it still.
 */
#ifndef _PROC_H
#define _PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * struct footprint - resident memory of a process, in bytes
 * @anon: anonymous, private copies of file pages included
 * @file: page cache
 * @shmem: page cache of shmem and tmpfs
 * @hugetlb: pages of hugetlbfs
 * @swap: anonymous, swapped out
 * @shared_map: the part of @file and @shmem that is mapped shared
 */
struct footprint {
	uint64_t anon;
	uint64_t file;
	uint64_t shmem;
	uint64_t hugetlb;
	uint64_t swap;
	uint64_t shared_map;
};

/*
 * Summed up from the page tables by /proc/PID/smaps, since the counters in
 * /proc/PID/status may be off by a batch for each CPU.  False when the process
 * is gone.
 */
bool footprint_read(pid_t pid, struct footprint *fp);

/* Anonymous resident bytes, by smaps_rollup: cheaper.  0 when it is gone. */
uint64_t anon_bytes(pid_t pid);

/* Letter of the state in /proc/PID/stat; 0 when it is gone. */
char proc_state(pid_t pid);

/* Wait until the state is one of @states; false when @ms did not suffice. */
bool proc_wait_state(pid_t pid, const char *states, unsigned int ms);

/* Wait until it sleeps in the kernel in @function, which is not inlined. */
bool proc_wait_asleep(pid_t pid, const char *function, unsigned int ms);

/* In the child: anonymous memory, each page of it written to. */
char *map_touched(size_t bytes, bool huge);

/* Was it SIGKILL that ended the process with this wait status? */
bool was_killed(int status);

/*
 * Hold processes by the freezer of cgroup v1.  Other than that of v2 it does not
 * let go of a process that is being killed: it keeps its memory until the thaw,
 * which makes a dying victim that does not get away.
 */
void hold_setup(void);
void hold_freeze(pid_t pid);
void hold_thaw(void);

/* The tid of a thread that is not the first; ends the program if there is none. */
pid_t proc_other_thread(pid_t pid);

/* Objects of a slab cache in use; -1 when that cannot be had. */
long slab_active(const char *cache);

/* The least of some looks, until it is @enough: what RCU frees takes its time. */
long slab_settled(const char *cache, long enough);

#endif /* _PROC_H */

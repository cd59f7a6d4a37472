/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * mrelease: kill a process and have its memory back before the call returns.
 *
 * Documentation
 * =============
 *
 * The module mrelease.ko exposes the character device /dev/mrelease, mode
 * 0600 and owned by root.  An ioctl on it takes a pidfd (pidfd_open(2)) and
 * releases the memory of that process.  It does what process_mrelease(2) does
 * and, with flags, what that call leaves undone.  Each structure, flag, error
 * and unit is described here; no other page is needed.
 *
 * How the structures grow
 * -----------------------
 *
 * Every structure begins with its own size, set by the caller to sizeof() of
 * what it was compiled with, as clone3(2) and openat2(2) do it.  The module
 * looks at the type and number of a command, never at the size encoded in the
 * command word, so that a program compiled with an older or newer header keeps
 * working:
 *
 *  - smaller than the first version of the structure: EINVAL;
 *  - larger than what the module knows and the unknown tail is not zero: E2BIG;
 *  - a shorter result is filled as far as it reaches, a longer one is zeroed
 *    past what the module knows.
 *
 * Input padding and reserved fields must be zero (EINVAL).  Results are output
 * only: their former contents are ignored, and they are written as zeroes
 * before anything is done, so that EFAULT can never be the answer to a call
 * that has already killed.
 *
 * All byte counts are multiples of the page size.
 *
 * Who may do what
 * ---------------
 *
 * Holding the device gives no power over the processes of others.  A SIGKILL
 * is sent only where kill(2) of the same caller with SIGKILL would be allowed:
 * same credentials rule, same capability (CAP_KILL in the victim's user
 * namespace), same LSM hook.  The victim must be visible in the caller's pid
 * namespace, as pidfd_send_signal(2) demands.  Global init and kernel threads
 * are never signalled, nor is the caller itself.  Without MRELEASE_KILL no
 * signal is sent and, as with process_mrelease(2), a pidfd of a process that
 * is already being killed is all that is needed.
 *
 * A refused call (any error but EINTR, ETIMEDOUT and EFAULT) has changed
 * nothing; the two exceptions are named at MRELEASE_IOC_RELEASE.
 */
#ifndef _UAPI_LINUX_MRELEASE_H
#define _UAPI_LINUX_MRELEASE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where the device stands. */
#define MRELEASE_DEVICE		"/dev/mrelease"

/*
 * Version of this ABI, in struct mrelease_info.  It is raised when something
 * is added; nothing is ever taken away or changes its meaning.
 */
#define MRELEASE_ABI_VERSION	1

/*
 * si_code of the SIGKILL that MRELEASE_KILL sends.  The victim's siginfo does
 * not show it, since the kernel keeps none for SIGKILL; the tracepoint
 * signal:signal_generate and BPF programs do.  The value is the one of Minchan
 * Kim's kernel series of 2026.  The init process of a pid namespace gets an
 * ordinary SIGKILL (SI_USER): the kernel drops a positive si_code for it.
 */
#define MRELEASE_SI_CODE	1	/* KILL_MRELEASE */

/**
 * DOC: flags
 *
 * Flags of MRELEASE_IOC_RELEASE, RELEASE_MANY and RELEASE_CGROUP.  Which of
 * them work on the running kernel is told by the same bits of
 * mrelease_info.features; any other bit is EINVAL.
 *
 * 0 is process_mrelease(pidfd, 0): the same rules of acceptance, the same
 * errno for the same cause, private memory only, plus the result.
 *
 * @MRELEASE_KILL: Send SIGKILL (si_code MRELEASE_SI_CODE) and release, in one
 *	call.  The address space is pinned before the signal is sent, so that
 *	the victim cannot be gone first (no ESRCH race).  Has the value of the
 *	proposed PROCESS_MRELEASE_REAP_KILL.
 * @MRELEASE_EVICT: Drop the clean page cache that the victim had mapped
 *	privately and that nobody else maps or references.  Cache that other
 *	processes only read(2) goes too, and is read from disk again when they
 *	need it.  Dirty, locked and pinned pages stay.  No data is lost.
 * @MRELEASE_SHARED: Unmap shared file and shmem mappings as well; with
 *	MRELEASE_EVICT their clean page cache is dropped too.
 * @MRELEASE_HUGETLB: Give back private huge pages.  Implies
 *	MRELEASE_TEARDOWN: unmapping alone would only turn them into a
 *	reservation of the dying process.
 * @MRELEASE_KILL_SHARERS: Other live processes that share the address space
 *	(clone(2) with CLONE_VM and without CLONE_THREAD) are killed as well.
 *	The kill permission on all of them is checked first; when one may not be
 *	killed, or is not visible in the caller's pid namespace, nobody is
 *	(EPERM, LEFT_SHARED).  Each is signalled only while it still uses this
 *	address space: who has called execve(2) meanwhile is left alone.  Only
 *	with MRELEASE_KILL.
 * @MRELEASE_TEARDOWN: Return when the whole address space is gone: page
 *	tables, mappings and the files that they held open.
 */
#define MRELEASE_KILL		(1U << 0)
#define MRELEASE_EVICT		(1U << 1)
#define MRELEASE_SHARED		(1U << 2)
#define MRELEASE_HUGETLB	(1U << 3)
#define MRELEASE_KILL_SHARERS	(1U << 4)
#define MRELEASE_TEARDOWN	(1U << 5)

/**
 * DOC: left_reasons
 *
 * Why mrelease_result.left_bytes is not zero; 0 when it is.  A call that is
 * refused for one of them has all of the victim left.
 *
 * @MRELEASE_LEFT_SHARED: Another live process uses the address space, so
 *	nothing was touched (the call fails with EINVAL, or EPERM after a kill
 *	that did not reach all of them).
 * @MRELEASE_LEFT_SHARED_MAP: Shared file or shmem mappings; see
 *	MRELEASE_SHARED.
 * @MRELEASE_LEFT_HUGETLB: Huge pages of hugetlbfs; see MRELEASE_HUGETLB.
 * @MRELEASE_LEFT_PFNMAP: Private pages in a device mapping (VM_PFNMAP).
 * @MRELEASE_LEFT_LOCKED: mlock(2)ed memory, on kernels that cannot unmap it
 *	from outside (5.10).
 * @MRELEASE_LEFT_NOTIFIER: A device or virtual machine follows this address
 *	space (MMU notifier) and could make the call miss its deadline.
 * @MRELEASE_LEFT_ROBUST: Pages that the lists of robust futexes of the victim's
 *	threads go through: their exit has to follow them, and then frees them.
 *	With LEFT_TIMEOUT or LEFT_SIGNAL: such a list could not be followed from
 *	outside, since a part of it is swapped out to a disk that hangs, say, so
 *	that nothing was unmapped yet.
 * @MRELEASE_LEFT_TIMEOUT: timeout_ms ran out (ETIMEDOUT).
 * @MRELEASE_LEFT_SIGNAL: A signal ended the call (EINTR).
 * @MRELEASE_LEFT_EXITING: The victim's own exit is freeing the rest.
 * @MRELEASE_LEFT_DUMP: A core dump reads the memory (EBUSY; EINVAL without
 *	MRELEASE_KILL, as the syscall).
 * @MRELEASE_LEFT_OTHER: None of the above: pages that came after they were
 *	looked for, such as those a system call in flight brought in.
 */
#define MRELEASE_LEFT_SHARED		(1U << 0)
#define MRELEASE_LEFT_SHARED_MAP	(1U << 1)
#define MRELEASE_LEFT_HUGETLB		(1U << 2)
#define MRELEASE_LEFT_PFNMAP		(1U << 3)
#define MRELEASE_LEFT_LOCKED		(1U << 4)
#define MRELEASE_LEFT_NOTIFIER		(1U << 5)
#define MRELEASE_LEFT_ROBUST		(1U << 6)
#define MRELEASE_LEFT_TIMEOUT		(1U << 7)
#define MRELEASE_LEFT_SIGNAL		(1U << 8)
#define MRELEASE_LEFT_EXITING		(1U << 9)
#define MRELEASE_LEFT_DUMP		(1U << 10)
#define MRELEASE_LEFT_OTHER		(1U << 11)

/**
 * DOC: notes
 *
 * How the numbers of a result are to be read.
 *
 * @MRELEASE_NOTE_ESTIMATED: freed_bytes is an upper bound: pages that others
 *	hold as well (after fork(2), by KSM, in a pipe, pinned for I/O) may be
 *	counted.
 * @MRELEASE_NOTE_JOINED: Several callers released this victim together; the
 *	numbers are those of the whole, and each of them was told the same.
 * @MRELEASE_NOTE_NEW_MM: The victim was in execve(2); its former and its new
 *	address space were both released, and are added up here.
 * @MRELEASE_NOTE_SKIPPED: The kernel, or the victim's own exit, had reaped
 *	this address space before; there was nothing left to do.  With flags 0,
 *	where process_mrelease(2) returns 0 as well; and with more victims in one
 *	call than can be in release at once.
 */
#define MRELEASE_NOTE_ESTIMATED		(1U << 0)
#define MRELEASE_NOTE_JOINED		(1U << 1)
#define MRELEASE_NOTE_NEW_MM		(1U << 2)
#define MRELEASE_NOTE_SKIPPED		(1U << 3)

/**
 * struct mrelease_result - what came back, and what did not
 * @anon_bytes: anonymous memory unmapped from the victim
 * @file_bytes: file-backed memory unmapped
 * @shmem_bytes: shmem and tmpfs memory unmapped
 * @swap_bytes: swap slots dropped
 * @hugetlb_bytes: huge pages that others can use again (Free - Rsvd)
 * @evicted_bytes: clean page cache dropped, a part of @file_bytes
 * @freed_bytes: what the system got back: pages with no other user.  Unmapped
 *	is not freed: pages shared by fork, KSM or a pin stay, and so does page
 *	cache that was not evicted.  See MRELEASE_NOTE_ESTIMATED.
 * @left_bytes: RSS + swap + hugetlb of the victim at return
 * @elapsed_ns: duration of the call, CLOCK_MONOTONIC
 * @left_reasons: MRELEASE_LEFT_*, why @left_bytes is not 0
 * @notes: MRELEASE_NOTE_*
 * @victims: processes that were signalled
 * @pad: 0
 * @reserved: 0
 *
 * Read from the counters of the address space by their exact sum, before and
 * after.  Where the victim's own exit worked beside the call (flags 0), what it
 * unmapped meanwhile is included.
 */
struct mrelease_result {
	__u64 anon_bytes;
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 swap_bytes;
	__u64 hugetlb_bytes;
	__u64 evicted_bytes;
	__u64 freed_bytes;
	__u64 left_bytes;
	__u64 elapsed_ns;
	__u32 left_reasons;
	__u32 notes;
	__u32 victims;
	__u32 pad;
	__u64 reserved[5];
};

/**
 * DOC: features
 *
 * Bits of mrelease_info.features.  Bits 0 to 31 are the MRELEASE_* flags that
 * work on this kernel, bits 32 to 47 the commands (32 + their number), the rest
 * these:
 *
 * @MRELEASE_FEAT_VISIBLE: Freed pages are taken out of the per-CPU lists, so
 *	that they show in MemFree when the call returns.
 * @MRELEASE_FEAT_TAKEOVER: MRELEASE_IOC_ARM takes MRELEASE_TEARDOWN.
 */
#define MRELEASE_FEAT_FLAGS		0xffffffffULL
#define MRELEASE_FEAT_CMD(nr)		(1ULL << (32 + (nr)))
#define MRELEASE_FEAT_VISIBLE		(1ULL << 48)
#define MRELEASE_FEAT_TAKEOVER		(1ULL << 49)

/**
 * struct mrelease_info - what this module can do on this kernel
 * @size: in: sizeof(struct mrelease_info)
 * @abi_version: out: MRELEASE_ABI_VERSION of the module
 * @features: out: see MRELEASE_FEAT_*
 * @primitive: out: the kernel function that unmaps, NUL-terminated
 * @version: out: version of the module, NUL-terminated
 * @reserved: out: 0
 */
struct mrelease_info {
	__u32 size;
	__u32 abi_version;
	__u64 features;
	char primitive[32];
	char version[16];
	__u64 reserved[8];
};

/**
 * struct mrelease_args - one victim
 * @size: in: sizeof(struct mrelease_args)
 * @pidfd: in: the victim; -1 on a victim fd of MRELEASE_IOC_ARM
 * @flags: in: MRELEASE_*
 * @timeout_ms: in: deadline of the whole call in milliseconds, 0 for none
 * @result: out: also filled, as far as known, when the call fails
 */
struct mrelease_args {
	__u32 size;
	__s32 pidfd;
	__u32 flags;
	__u32 timeout_ms;
	struct mrelease_result result;
};

/**
 * struct mrelease_target - one element of an array of victims
 * @pidfd: in: the victim (RELEASE_MANY); out: -1 (RELEASE_CGROUP)
 * @error: out: 0 or a negative errno, as MRELEASE_IOC_RELEASE would give it
 * @pid: out: the victim in the caller's pid namespace
 * @pad: must be 0
 * @result: out; elapsed_ns is from the begin of the call until this one was done
 */
struct mrelease_target {
	__s32 pidfd;
	__s32 error;
	__s32 pid;
	__u32 pad;
	struct mrelease_result result;
};

/* The largest mrelease_many_args.nr. */
#define MRELEASE_MANY_MAX	1024

/**
 * struct mrelease_many_args - an array of victims
 * @size: in: sizeof(struct mrelease_many_args)
 * @flags: in: MRELEASE_*
 * @timeout_ms: in: deadline of the whole call, 0 for none
 * @nr: in: number of elements, at most MRELEASE_MANY_MAX
 * @targets: in: user pointer to an array of struct mrelease_target
 * @target_size: in: sizeof(struct mrelease_target)
 * @pad: must be 0
 * @total: out: the sum; each process and each address space counts once
 */
struct mrelease_many_args {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 nr;
	__u64 targets;
	__u32 target_size;
	__u32 pad;
	struct mrelease_result total;
};

/*
 * MRELEASE_IOC_RELEASE_CGROUP: this many processes of a cgroup are told one by one,
 * however large the caller's array is, and released.  Those beyond are killed and
 * counted.
 */
#define MRELEASE_CGROUP_MAX	8192

/**
 * struct mrelease_cgroup_args - every process of a cgroup v2 subtree
 * @size: in: sizeof(struct mrelease_cgroup_args)
 * @cgroup_fd: in: an open directory of cgroup2
 * @flags: in: MRELEASE_*; MRELEASE_KILL is required
 * @timeout_ms: in: deadline of the whole call, 0 for none
 * @nr: in: room in @targets; out: processes found.  Those beyond the room are
 *	released too, and are in @total only.
 * @target_size: in: sizeof(struct mrelease_target)
 * @targets: in: user pointer to an array of struct mrelease_target, or 0
 * @total: out: the sum; each process and each address space counts once
 */
struct mrelease_cgroup_args {
	__u32 size;
	__s32 cgroup_fd;
	__u32 flags;
	__u32 timeout_ms;
	__u32 nr;
	__u32 target_size;
	__u64 targets;
	struct mrelease_result total;
};

/**
 * struct mrelease_arm_args - a victim fd, made before any crisis
 * @size: in: sizeof(struct mrelease_arm_args)
 * @pidfd: in: the process to follow
 * @flags: in: 0 or MRELEASE_TEARDOWN (needs the kill permission now)
 * @fd_flags: in: 0 or O_NONBLOCK; close-on-exec is always set
 * @fd: out: the victim fd
 * @pad: must be 0
 * @reserved: must be 0
 */
struct mrelease_arm_args {
	__u32 size;
	__s32 pidfd;
	__u32 flags;
	__u32 fd_flags;
	__s32 fd;
	__u32 pad;
	__u64 reserved[4];
};

#define MRELEASE_IOC_TYPE	0xF5

/**
 * DOC: commands
 *
 * @MRELEASE_IOC_INFO: Fill struct mrelease_info.  Needs no permission but that
 *	of opening the device.  EINVAL, E2BIG and EFAULT as described above.
 *
 * @MRELEASE_IOC_RELEASE: Release one victim and return when it is done.
 *
 *	===========	========================================================
 *	0		Done.  What is left, and why, stands in the result.
 *	EBADF		pidfd is not an open pidfd (process_mrelease(2)).
 *	ESRCH		The process is gone, or has no memory any more, or pidfd is
 *			that of a thread other than the leader (PIDFD_THREAD)
 *			(process_mrelease(2)).
 *	EINVAL		An unknown flag or one that this build has not, a
 *			combination that makes no sense, a size below the first
 *			version, padding that is not zero.
 *	EINVAL		Without MRELEASE_KILL: the process is not being killed,
 *			or dumps core (LEFT_DUMP), or a live process shares its
 *			memory (LEFT_SHARED) (process_mrelease(2)).
 *	EINVAL		With MRELEASE_KILL: the victim is the caller itself; or
 *			is not visible in the caller's pid namespace
 *			(pidfd_send_signal(2)); or shares its memory with a live
 *			process (LEFT_SHARED) and MRELEASE_KILL_SHARERS is not
 *			set, or the caller itself is that process.  Nobody was
 *			signalled.
 *	EPERM		kill(2) would say so (a security module may have an errno
 *			of its own, such as EACCES of AppArmor; it is passed on);
 *			or the victim is global init or a
 *			kernel thread; or releases are switched off (module
 *			parameter "enabled").  Nobody was signalled, unless
 *			result.victims says otherwise: then the signal was sent
 *			but the kernel did not let it kill (the init of the
 *			caller's own pid namespace), or a sharer survived
 *			(LEFT_SHARED).  Nothing was unmapped in either case.
 *	EBUSY		With MRELEASE_KILL: a core dump is in progress.  The
 *			dump is not disturbed; try again when it is complete.
 *	EAGAIN		Too many releases at once; nothing was done.
 *	EINTR		A fatal signal for the caller; the result says how far it
 *			came.  The victim, if signalled, dies all the same.
 *	ETIMEDOUT	timeout_ms ran out; the result says how far it came.
 *	E2BIG		A non-zero tail beyond what this module knows.
 *	EFAULT		The structure cannot be read or written.  It is tried
 *			before anything is done.  Only when the caller makes its
 *			own memory unwritable during the call does EFAULT come
 *			after a release.
 *	===========	========================================================
 *
 *	A child of vfork(2) that has not called execve(2) yet is no reason to
 *	refuse: the victim is killed, and the call waits until the child has
 *	called execve(2) or is dead, up to the deadline (ETIMEDOUT, LEFT_SHARED).
 *	With MRELEASE_KILL_SHARERS it is killed too, where the caller may.
 *
 *	Robust futexes (set_robust_list(2)) that the victim holds are given back
 *	by its exit as if it had died alone.  What the lists of its threads go
 *	through is left for that (LEFT_ROBUST); everything else comes back at
 *	once.  A part that is swapped out is read in first.  Where that does not
 *	work, or a list goes through more pages than there is room for (256), nothing
 *	is unmapped before the threads are through with their lists, up to the
 *	deadline.
 *
 *	A victim thread that is inside write(2) to a pipe or socket with a
 *	private, modified copy of a file page as its source may send the file's
 *	original bytes instead, as it may beside process_mrelease(2).  Such
 *	mappings are therefore released last.
 *
 * @MRELEASE_IOC_RELEASE_MANY: An array of victims.  With MRELEASE_KILL all are killed
 *	first, in their order; then all are released, the largest first, and those
 *	that have to be waited for (a child of vfork(2), say) last.  Elements fail one
 *	by one: mrelease_target.error is what MRELEASE_IOC_RELEASE would have
 *	answered, with these differences:
 *
 *	- Victims that share their memory with each other, and with nobody else, need
 *	  no MRELEASE_KILL_SHARERS.  Each says what the memory gave
 *	  (MRELEASE_NOTE_JOINED); @total counts it once.
 *	- A process that is named more than once is released once.  All of its
 *	  elements say the same (MRELEASE_NOTE_JOINED), and @total counts it once.
 *	- When there are more victims than can be in release at once (module parameter
 *	  "victims"), all are killed nevertheless; those beyond are released as soon as
 *	  there is room.  What had exited by then is not counted
 *	  (MRELEASE_NOTE_SKIPPED).  EAGAIN only when other calls take up all the room
 *	  to the end; the victim was killed then if result.victims says so.
 *
 *	The deadline is that of the whole call.  When it has passed, or the caller was
 *	signalled, each element that is not done has ETIMEDOUT or EINTR and says how far
 *	it came.
 *
 *	===========	========================================================
 *	0		All elements have been worked on, and say what came of them.
 *	ETIMEDOUT	An element has this error.
 *	EINTR		An element has this error.
 *	EINVAL		As MRELEASE_IOC_RELEASE for size and flags; the same for
 *			@target_size; padding that is not zero.
 *	E2BIG		A non-zero tail, in an element as well; or more than
 *			MRELEASE_MANY_MAX elements.
 *	EFAULT		Structure or array cannot be read or written; see
 *			MRELEASE_IOC_RELEASE.
 *	ENOMEM		No memory for the array.
 *	EPERM		Releases are switched off.
 *	===========	========================================================
 *
 *	Nothing was done for any but the first three.
 *
 * @MRELEASE_IOC_RELEASE_CGROUP: Every process of a cgroup v2 and of those below it;
 *	who is being forked meanwhile does not escape.  All are killed first, until
 *	nobody lives, then released as by MRELEASE_IOC_RELEASE_MANY, and looked for
 *	again.  Each needs the permission of kill(2); a member that may not be killed,
 *	or is refused for another reason, says so in its mrelease_target.error, and the
 *	call goes on.  Members that share their memory with each other need no
 *	MRELEASE_KILL_SHARERS.  Zombies are not members.
 *
 *	Elements of @targets are written in the order in which the processes were
 *	found, with pidfd -1; those that are not needed are zero, but for that.
 *
 *	===========	========================================================
 *	0		Nobody who lives is left, and all have been released.
 *	EPERM		A member refused; the others have been released.  With @nr 0:
 *			releases are switched off.
 *	ETIMEDOUT	A member has this error, or some may not have been
 *			killed yet.
 *	EINTR		The same, by a fatal signal for the caller.
 *	EBADF		cgroup_fd is no directory of a cgroup2 file system.
 *	ENOENT		The cgroup has been removed.
 *	EOPNOTSUPP	The cgroup is threaded: it has threads, not processes.
 *	EINVAL		The caller itself is inside; or MRELEASE_KILL is missing; or
 *			as MRELEASE_IOC_RELEASE_MANY.
 *	E2BIG		A non-zero tail.
 *	EFAULT		Structure or array cannot be read or written; see
 *			MRELEASE_IOC_RELEASE.
 *	ENOMEM		No memory for the results.
 *	===========	========================================================
 *
 *	Nothing was done for any but the first four.
 *
 * @MRELEASE_IOC_ARM: Make a victim fd, close-on-exec, for a process that may have
 *	to be released one day.  It follows the process across execve(2), and costs
 *	the process nothing while it lives: none of its memory is held.
 *	MRELEASE_IOC_RELEASE on the fd, with pidfd -1, does what it does on the
 *	device, and needs no look-up and no memory; the permission is asked then, of
 *	whoever calls.  It also reaches what a pidfd does not any more: memory that
 *	somebody holds up, or that the exit is on its way through, when all threads
 *	have left it; then nobody is signalled, and the call returns when it is back.
 *
 *	poll(2), select(2) and epoll(7) say POLLIN when the process is gone and its
 *	memory back, whoever ended it.  close(2) at any moment is the end of it, and
 *	waits for nothing.  The fd can be inherited and passed on.
 *
 *	With MRELEASE_TEARDOWN the last reference to the memory is taken over when
 *	the last thread exits, for whatever reason: the process is gone at once, and
 *	a worker of the module tears its memory down; POLLIN comes when that is
 *	done.  The kill permission is asked once, now.  Should the process get other
 *	user ids meanwhile by a set-user-ID program, it is not done, unless the
 *	caller had CAP_KILL in the initial user namespace.  Nor is it done when a
 *	live process uses the same memory, or while releases are switched off, or
 *	when the fd has been closed.
 *
 *	/proc/PID/fdinfo/FD has the lines mrelease-pid (in the pid namespace of the
 *	procfs; -1 when there is no such process any more), mrelease-flags and
 *	mrelease-state: "live", "dying" (being killed, or exiting), "gone" (its
 *	memory is not back yet) or "back" (POLLIN).
 *
 *	===========	========================================================
 *	0		mrelease_arm_args.fd is the victim fd.
 *	EBADF		pidfd is not an open pidfd.
 *	ESRCH		The process is gone, or has no memory (a kernel thread).
 *	EINVAL		A flag other than MRELEASE_TEARDOWN, or that one without
 *			MRELEASE_FEAT_TAKEOVER; fd_flags other than O_NONBLOCK; a
 *			size below the first version; padding that is not zero.
 *	EINVAL		With MRELEASE_TEARDOWN: the caller itself, or not visible in
 *			its pid namespace.
 *	EPERM		With MRELEASE_TEARDOWN: kill(2) would say so, or it is global
 *			init.  Or releases are switched off.
 *	EMFILE, ENFILE	No file descriptor is left.
 *	ENOMEM		No memory.  About 1.5 KiB, charged to the caller's cgroup.
 *	E2BIG, EFAULT	As MRELEASE_IOC_RELEASE; there is no new fd then.
 *	===========	========================================================
 *
 *	On the victim fd MRELEASE_IOC_INFO works as well, any other command is
 *	ENOTTY.  A pidfd other than -1 is EINVAL; ESRCH means that all the memory is
 *	back.  O_NONBLOCK is kept for those who look at it; no call waits or does
 *	not wait because of it.
 *
 * A command that this build has not is ENOTTY; mrelease_info.features tells.
 */
#define MRELEASE_IOC_INFO		_IOWR(MRELEASE_IOC_TYPE, 0, struct mrelease_info)
#define MRELEASE_IOC_RELEASE		_IOWR(MRELEASE_IOC_TYPE, 1, struct mrelease_args)
#define MRELEASE_IOC_RELEASE_MANY	_IOWR(MRELEASE_IOC_TYPE, 2, struct mrelease_many_args)
#define MRELEASE_IOC_RELEASE_CGROUP	_IOWR(MRELEASE_IOC_TYPE, 3, struct mrelease_cgroup_args)
#define MRELEASE_IOC_ARM		_IOWR(MRELEASE_IOC_TYPE, 4, struct mrelease_arm_args)

#endif /* _UAPI_LINUX_MRELEASE_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmrelease: kill a process and have its memory back before the call returns.
 *
 * The library uses the best back end that the running system has, and says
 * which one that is:
 *
 *	device	the kernel module mrelease, by /dev/mrelease.  Everything below.
 *	syscall	process_mrelease(2), Linux 5.15 and later.  Kills and unmaps
 *		private memory; knows no flag but MRELEASE_KILL.
 *	signal	pidfd_send_signal(2), Linux 5.3 and later.  Kills and waits for
 *		the exit, as long as that takes.
 *
 * so that a daemon can link it whether the module is there or not.
 *
 * Conventions
 * -----------
 *
 *  - A function that returns int says 0 for success, or -1 and sets errno; one
 *    that returns a pointer says NULL and sets errno.  Each names its own
 *    exceptions.
 *  - NULL for a handle is EINVAL, never a crash.
 *  - A handle does not change after mrelease_open(): any number of threads may
 *    use one at the same time, without a lock.  Only mrelease_close() must come
 *    after the last use.
 *  - All file descriptors are close-on-exec.  A handle survives fork(2); parent
 *    and child close their own.
 *  - Sizes are bytes, time limits milliseconds, durations nanoseconds.
 *  - struct mrelease_result, struct mrelease_info and all MRELEASE_* flags are
 *    those of the kernel interface and explained in <linux/mrelease.h>.  Their
 *    sizes are part of this library's ABI: new fields come out of "reserved".
 */
#ifndef MRELEASE_H
#define MRELEASE_H

#include <stdint.h>
#include <sys/types.h>

#include <linux/mrelease.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mrelease - a handle
 *
 * Made by mrelease_open(), given back by mrelease_close(); opaque.
 */
struct mrelease;

/**
 * enum mrelease_backend - how processes are released
 * @MRELEASE_BACKEND_AUTO: the best of those below; never that of a handle
 * @MRELEASE_BACKEND_DEVICE: /dev/mrelease
 * @MRELEASE_BACKEND_SYSCALL: process_mrelease(2)
 * @MRELEASE_BACKEND_SIGNAL: pidfd_send_signal(2), then wait for the exit
 */
enum mrelease_backend {
	MRELEASE_BACKEND_AUTO = 0,
	MRELEASE_BACKEND_DEVICE = 1,
	MRELEASE_BACKEND_SYSCALL = 2,
	MRELEASE_BACKEND_SIGNAL = 3
};

/*
 * How long the back ends "syscall" and "signal" wait for a victim when the
 * caller gave no limit, in milliseconds.  A victim that hangs in the kernel
 * never exits, and a caller without a limit must not hang with it.
 */
#define MRELEASE_FALLBACK_TIMEOUT_MS 10000

/**
 * mrelease_open() - get a handle
 * @backend: MRELEASE_BACKEND_AUTO, or the one back end to use
 *
 * MRELEASE_BACKEND_AUTO takes the device, else process_mrelease(2), else
 * pidfd_send_signal(2); mrelease_backend() tells which.  It does not go on to
 * the next one when this process ran out of something (EMFILE, ENFILE, ENOMEM),
 * since a handle made then would be a poor one for the rest of its life.
 *
 * What is at /dev/mrelease is believed only when it is a character device that
 * sysfs knows as the misc device "mrelease" (so /sys must be mounted) and
 * MRELEASE_IOC_INFO works on it.
 *
 * Return: a handle for mrelease_close(), or NULL with errno:
 *
 *	EINVAL		@backend is none of the enum
 *	ENOENT		device: /dev/mrelease is not there: the module is not
 *			loaded
 *	EACCES, EPERM	device: this user may not open it; or, for the other two,
 *			a seccomp filter refuses the call
 *	ENODEV		device: what is there is not the device of the module, or
 *			cannot be verified
 *	ENOSYS		the kernel has not got this system call; with
 *			MRELEASE_BACKEND_AUTO: none of the three is there
 *	EMFILE, ENFILE, ENOMEM
 *			out of file descriptors or memory
 *
 * Any other error of open(2) on the device is passed on.
 */
struct mrelease *mrelease_open(enum mrelease_backend backend);

/**
 * mrelease_close() - give a handle back
 * @h: a handle, or NULL
 *
 * Releases in progress in other threads must have returned.  Leaves errno alone.
 */
void mrelease_close(struct mrelease *h);

/**
 * mrelease_backend() - which back end a handle uses
 * @h: the handle
 *
 * Return: the back end; MRELEASE_BACKEND_AUTO with errno EINVAL when @h is NULL.
 */
enum mrelease_backend mrelease_backend(const struct mrelease *h);

/**
 * mrelease_backend_name() - the name of a back end
 * @backend: the back end
 *
 * Return: "auto", "device", "syscall" or "signal", a constant; NULL with errno
 * EINVAL for anything else.
 */
const char *mrelease_backend_name(enum mrelease_backend backend);

/**
 * mrelease_fd() - the file descriptor of the device
 * @h: the handle
 *
 * For commands of <linux/mrelease.h> that this library does not wrap.
 *
 * Return: the descriptor, which stays the handle's own and is not to be closed;
 * -1 with errno EINVAL when @h is NULL, ENODEV when its back end is not the
 * device.
 */
int mrelease_fd(const struct mrelease *h);

/**
 * mrelease_get_info() - what the back end is and can do
 * @h: the handle
 * @info: filled; nothing in it is read
 *
 * With the device: what the module said when the handle was opened.  With
 * another back end: @info->abi_version is 0, @info->version is empty,
 * @info->primitive names the system call, @info->features is as
 * mrelease_features() says.
 *
 * Return: 0; -1 with errno EINVAL when an argument is NULL.
 */
int mrelease_get_info(const struct mrelease *h, struct mrelease_info *info);

/**
 * mrelease_features() - the flags and commands that work
 * @h: the handle
 *
 * Return: bits as in mrelease_info.features of <linux/mrelease.h>.  The back
 * ends "syscall" and "signal" have MRELEASE_KILL and nothing else.  0 with errno
 * EINVAL when @h is NULL.
 */
uint64_t mrelease_features(const struct mrelease *h);

/**
 * mrelease_release() - release the memory of a process
 * @h: the handle
 * @pidfd: the process, from pidfd_open(2) or clone(2); stays the caller's
 * @flags: MRELEASE_*; 0 does what process_mrelease(2) does, for a process that
 *	is already being killed
 * @timeout_ms: limit of the whole call in milliseconds, 0 for none; see
 *	MRELEASE_FALLBACK_TIMEOUT_MS
 * @res: what came back and what did not, zeroed first and filled, as far as
 *	known, when the call fails as well; may be NULL
 *
 * With the device the rules and errors are those of MRELEASE_IOC_RELEASE,
 * explained in <linux/mrelease.h>.  The kill is permitted where kill(2) would
 * be.
 *
 * The other back ends keep to those rules as far as they can, with these
 * differences:
 *
 *  - Any flag but MRELEASE_KILL is EINVAL, and nobody is signalled.
 *  - "signal" cannot release what it does not kill: without MRELEASE_KILL
 *    EOPNOTSUPP.
 *  - "syscall" learns only after the kill that a live process shares the
 *    victim's memory: EINVAL and MRELEASE_LEFT_SHARED as always, but
 *    @res->victims is 1.  When the victim got through its exit first, and with
 *    "signal", nothing tells of the other process: the call succeeds, and the
 *    numbers count memory that the other one keeps.
 *  - "syscall" may find that the victim got through its own exit before its
 *    memory could be asked for; it then waits for the exit.  "signal" always
 *    does.  EAGAIN of process_mrelease(2) is tried again.  All that ends at
 *    @timeout_ms or, where that is 0, after MRELEASE_FALLBACK_TIMEOUT_MS, with
 *    ETIMEDOUT.
 *  - @res is estimated from /proc/PID/status before and after and says so
 *    (MRELEASE_NOTE_ESTIMATED); @res->freed_bytes is the anonymous part.
 *    Without /proc, or for a process that it does not show, the numbers are 0,
 *    and the refusal of init, kernel threads and core dumps is left to the
 *    kernel.
 *
 * Return: 0; -1 with errno as above, or EINVAL when @h is NULL, or EBADE when
 * the device broke the rules of its interface.  mrelease_strerror() puts it
 * into words.
 */
int mrelease_release(const struct mrelease *h, int pidfd, uint32_t flags,
		     uint32_t timeout_ms, struct mrelease_result *res);

/* How many threads may release one victim. */
#define MRELEASE_THREADS_MAX 64

/**
 * mrelease_release_threads() - release the memory of a process by several threads
 * @h: the handle
 * @pidfd: as mrelease_release()
 * @flags: as mrelease_release()
 * @timeout_ms: as mrelease_release()
 * @threads: 1 to MRELEASE_THREADS_MAX, that of the caller included
 * @res: as mrelease_release(); may be NULL
 *
 * For a large victim where there are CPUs to spare.  The threads are started for this
 * call, with the caller's priority and on the CPUs that the caller may use, and are gone
 * when it returns; a thread that there is no memory for does without.  The module shares
 * the work out among them in pieces of 64 MiB, so more threads than the victim has of
 * these are of no use.
 *
 * Each of them makes the call of mrelease_release(), with a line in the kernel's log
 * for each if it kills.  @res has the sum, once, with MRELEASE_NOTE_JOINED if they met.
 *
 * With another back end than the device it is mrelease_release(): process_mrelease(2)
 * has nothing to share.
 *
 * Return: as mrelease_release(), and -1 with errno EINVAL when @threads is out of range.
 */
int mrelease_release_threads(const struct mrelease *h, int pidfd,
			     uint32_t flags, uint32_t timeout_ms,
			     uint32_t threads, struct mrelease_result *res);

/**
 * mrelease_kill() - kill a process by its number and release its memory
 * @h: the handle
 * @pid: process id in the caller's pid namespace
 * @flags: as mrelease_release(); MRELEASE_KILL is added
 * @timeout_ms: as mrelease_release()
 * @res: as mrelease_release(); may be NULL
 *
 * Opens a pidfd, calls mrelease_release() and closes it.  From there on it is
 * one and the same process that is signalled and released, even if it exits and
 * its number is used again meanwhile.  Whether @pid was still the process that
 * the caller meant when the call began, this function cannot know: a number read
 * from /proc or a file may have gone to another process since.  A caller that
 * needs to be sure opens the pidfd when it picks the victim, or while it is the
 * parent and has not waited for it, checks what it picked, and calls
 * mrelease_release().
 *
 * Return: as mrelease_release(), and -1 with errno:
 *
 *	ESRCH		there is no such process (pidfd_open(2))
 *	EINVAL		@pid is not positive, is the caller itself, or is a
 *			thread and not a process (ENOENT on newer kernels)
 *	EMFILE, ENFILE, ENOMEM
 *			out of file descriptors or memory; nobody was signalled
 */
int mrelease_kill(const struct mrelease *h, pid_t pid, uint32_t flags,
		  uint32_t timeout_ms, struct mrelease_result *res);

/**
 * mrelease_release_many() - release the memory of several processes
 * @h: the handle
 * @targets: @nr elements: pidfd is read, the rest is filled: error, 0 or a negative
 *	errno; pid, 0 where it is not known; result
 * @nr: at most MRELEASE_MANY_MAX
 * @flags: as mrelease_release()
 * @timeout_ms: limit of the whole call, as mrelease_release()
 * @total: the sum; may be NULL
 *
 * With MRELEASE_KILL all are killed first, then all are released, the largest first.
 * A process that is named twice is released once, and both elements say the same
 * (MRELEASE_NOTE_JOINED).  The rules are those of MRELEASE_IOC_RELEASE_MANY in
 * <linux/mrelease.h>; without the module with the differences that are told at
 * mrelease_release(), and two elements that share their memory do not know of each
 * other.  A module that has not got the command releases one after the other.
 *
 * Return: 0 when all elements have been worked on, whatever came of each; -1 with
 * errno:
 *
 *	ETIMEDOUT, EINTR	at least one element has this error
 *	EINVAL			@h is NULL, or @targets is; or flags, as
 *				mrelease_release()
 *	E2BIG			more than MRELEASE_MANY_MAX
 *	EOPNOTSUPP		"signal" without MRELEASE_KILL
 *	ENOMEM, EPERM		no memory; releases are switched off
 *
 * With any but the first nothing was done.
 */
int mrelease_release_many(const struct mrelease *h,
			  struct mrelease_target *targets, uint32_t nr,
			  uint32_t flags, uint32_t timeout_ms,
			  struct mrelease_result *total);

/**
 * mrelease_release_cgroup() - kill and release every process of a cgroup
 * @h: the handle
 * @cgroup_fd: its directory, opened for reading; of version 2 or 1
 * @targets: room for *@nr elements; may be NULL
 * @nr: in: how much room there is; out: how many processes were found, those for
 *	whom there was no room too; may be NULL
 * @flags: as mrelease_release(); MRELEASE_KILL must be among them
 * @timeout_ms: limit of the whole call, as mrelease_release()
 * @total: the sum; may be NULL
 *
 * Everybody in it and in those below is killed and released, by the rules of
 * MRELEASE_IOC_RELEASE_CGROUP in <linux/mrelease.h>.  For a cgroup of version 1, with
 * a module that has not got the command, and without the module it is done by what
 * cgroup.procs says, until that names nobody new.  Then a fork bomb may be faster,
 * until @timeout_ms ends it, and who is in another pid namespace is not found.
 *
 * Return: 0; -1 with errno:
 *
 *	EPERM			some may not be killed, or refuse for another
 *				reason; the others have been released
 *	ETIMEDOUT, EINTR	not all are done, or not all are killed
 *	EINVAL			the caller itself is inside; MRELEASE_KILL is missing;
 *				or as mrelease_release()
 *	EBADF			@cgroup_fd is no directory of a cgroup
 *	EOPNOTSUPP		a threaded cgroup: it has threads, not processes
 *	ENOENT, ENODEV		it has been removed
 *	EMFILE, ENFILE, ENOMEM	out of file descriptors or memory; by cgroup.procs some
 *				may have been killed then
 */
int mrelease_release_cgroup(const struct mrelease *h, int cgroup_fd,
			    struct mrelease_target *targets, uint32_t *nr,
			    uint32_t flags, uint32_t timeout_ms,
			    struct mrelease_result *total);

/**
 * mrelease_arm() - make a victim fd, before any crisis
 * @h: the handle
 * @pidfd: the process; stays the caller's, who may close it
 * @flags: 0, or MRELEASE_TEARDOWN to have its memory torn down by the module when it
 *	exits, for whatever reason
 *
 * With the device: MRELEASE_IOC_ARM of <linux/mrelease.h>.  A release by the victim
 * fd looks nothing up and allocates nothing, and poll(2) on it says POLLIN when the
 * process is gone and its memory back.
 *
 * With another back end it is a copy of the pidfd, with what can be had by that:
 * MRELEASE_TEARDOWN is EINVAL, and POLLIN says that the process is gone.
 *
 * Return: a descriptor, close-on-exec, for close(2); -1 with errno as
 * MRELEASE_IOC_ARM has it, or EINVAL when @h is NULL, or ENOTTY when the module is
 * too old for it (mrelease_features()).
 */
int mrelease_arm(const struct mrelease *h, int pidfd, uint32_t flags);

/**
 * mrelease_release_armed() - release the memory of the process of a victim fd
 * @h: the handle that made @fd, or one with the same back end
 * @fd: from mrelease_arm(); stays the caller's
 * @flags: as mrelease_release()
 * @timeout_ms: as mrelease_release()
 * @res: as mrelease_release(); may be NULL
 *
 * With the device it also reaches memory that a pidfd does not any more, since all
 * threads have left it; ESRCH means that all of it is back.
 *
 * Return: as mrelease_release(); EBADF when @fd is negative.
 */
int mrelease_release_armed(const struct mrelease *h, int fd, uint32_t flags,
			   uint32_t timeout_ms, struct mrelease_result *res);

/**
 * mrelease_wait_armed() - wait until the process of a victim fd is gone
 * @h: as mrelease_release_armed()
 * @fd: from mrelease_arm()
 * @timeout_ms: limit in milliseconds, 0 for none
 *
 * With the device its memory is back then, too.  For more than one at a time use
 * poll(2) or epoll(7), with POLLIN.
 *
 * Return: 0; -1 with errno ETIMEDOUT, EBADF when @fd is not open, EINVAL when @h is
 * NULL.
 */
int mrelease_wait_armed(const struct mrelease *h, int fd, uint32_t timeout_ms);

/**
 * mrelease_strerror() - an error in words
 * @err: errno of mrelease_open(), mrelease_release(), mrelease_kill() or mrelease_arm()
 * @res: the result of that call, which makes the text more exact; may be NULL
 *
 * Thread safe.
 *
 * Return: cause and remedy in one English line without a full stop, a constant;
 * never NULL.
 */
const char *mrelease_strerror(int err, const struct mrelease_result *res);

/**
 * mrelease_flag_name() - the name of a flag
 * @bit: one MRELEASE_* flag
 *
 * Return: "kill", "evict", "shared", "hugetlb", "kill-sharers" or "teardown", a
 * constant; NULL with errno EINVAL when @bit is not exactly one known flag.
 */
const char *mrelease_flag_name(uint32_t bit);

/**
 * mrelease_left_name() - the name of a reason why memory was left
 * @bit: one MRELEASE_LEFT_* bit
 *
 * Return: a constant such as "shared-map" or "exiting"; NULL with errno EINVAL
 * when @bit is not exactly one known bit.
 */
const char *mrelease_left_name(uint32_t bit);

/**
 * mrelease_note_name() - the name of a note
 * @bit: one MRELEASE_NOTE_* bit
 *
 * Return: a constant such as "estimated"; NULL with errno EINVAL when @bit is
 * not exactly one known bit.
 */
const char *mrelease_note_name(uint32_t bit);

/**
 * mrelease_version() - version of the library
 *
 * Return: a constant such as "1.2.3"; that of the module is in
 * mrelease_get_info().
 */
const char *mrelease_version(void);

#ifdef __cplusplus
}
#endif

#endif /* MRELEASE_H */

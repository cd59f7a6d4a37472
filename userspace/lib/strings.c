// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stddef.h>

#include "internal.h"

#ifndef MRELEASE_VERSION
#error "the build passes the contents of VERSION as MRELEASE_VERSION"
#endif

/* Indexed by the number of the bit. */
static const char *const flag_names[] = {
	"kill", "evict", "shared", "hugetlb", "kill-sharers", "teardown",
};

static const char *const left_names[] = {
	"shared", "shared-map", "hugetlb", "pfnmap",  "locked", "notifier",
	"robust", "timeout",	"signal",  "exiting", "dump",	"other",
};

static const char *const note_names[] = {
	"estimated",
	"joined",
	"new-mm",
	"skipped",
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_of(const char *const *names, size_t nr, uint32_t bit)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (bit == 1U << i)
			return names[i];
	}
	errno = EINVAL;
	return NULL;
}

MRELEASE_API const char *mrelease_flag_name(uint32_t bit)
{
	return name_of(flag_names, ARRAY_SIZE(flag_names), bit);
}

MRELEASE_API const char *mrelease_left_name(uint32_t bit)
{
	return name_of(left_names, ARRAY_SIZE(left_names), bit);
}

MRELEASE_API const char *mrelease_note_name(uint32_t bit)
{
	return name_of(note_names, ARRAY_SIZE(note_names), bit);
}

MRELEASE_API const char *mrelease_backend_name(enum mrelease_backend backend)
{
	switch (backend) {
	case MRELEASE_BACKEND_AUTO:
		return "auto";
	case MRELEASE_BACKEND_DEVICE:
		return "device";
	case MRELEASE_BACKEND_SYSCALL:
		return "syscall";
	case MRELEASE_BACKEND_SIGNAL:
		return "signal";
	}
	errno = EINVAL;
	return NULL;
}

MRELEASE_API const char *mrelease_version(void)
{
	return MRELEASE_VERSION;
}

static const char *einval_text(uint32_t left, uint32_t victims)
{
	if ((left & MRELEASE_LEFT_SHARED) && victims)
		return "killed, but another live process shares its memory, "
		       "which stays until that one exits; find it (CLONE_VM) "
		       "and kill it too";
	if (left & MRELEASE_LEFT_SHARED)
		return "another live process shares its memory, and nothing "
		       "was done; kill both with kill-sharers";
	if (left & MRELEASE_LEFT_DUMP)
		return "it is dumping core; wait until the dump is complete";
	return "not accepted: it is not being killed yet (use kill), is this "
	       "very process, is not visible in this pid namespace, shares its "
	       "memory with a live process, or a flag is not known here";
}

static const char *eperm_text(uint32_t left, uint32_t victims)
{
	if ((left & MRELEASE_LEFT_SHARED) && !victims)
		return "a process that shares its memory may not be killed, "
		       "and nothing was done; use more privilege";
	if (left & MRELEASE_LEFT_SHARED)
		return "killed, but a process that shares its memory survived "
		       "and keeps it; kill that one with more privilege";
	if (victims)
		return "signalled, but the kernel does not let it die of that "
		       "(init of this pid namespace); kill it from outside";
	return "not permitted: kill(2) would refuse it too, or it is init or a "
	       "kernel thread, or the module's parameter \"enabled\" is off; "
	       "use a user with CAP_KILL, or switch it on";
}

MRELEASE_API const char *mrelease_strerror(int err,
					   const struct mrelease_result *res)
{
	uint32_t left = res ? res->left_reasons : 0;
	uint32_t victims = res ? res->victims : 0;

	switch (err) {
	case 0:
		return "done";
	case EINVAL:
		return einval_text(left, victims);
	case EPERM:
		return eperm_text(left, victims);
	case ESRCH:
		return "no such process, or its memory is gone already; "
		       "nothing is left to do";
	case EBADF:
		return "not a pidfd; get one from pidfd_open(2)";
	case EBUSY:
		return "it is dumping core; wait until the dump is complete";
	case EAGAIN:
		return "too many releases at once; try again";
	case EINTR:
		return "interrupted by a signal; a victim that was signalled "
		       "dies all the same";
	case ETIMEDOUT:
		return victims ? "killed, but the time ran out before all its "
				 "memory was back, and its own exit goes on; "
				 "allow more time" :
				 "the time ran out before all its memory was "
				 "back; allow more time";
	case E2BIG:
		return "the module is older than this program; update the "
		       "module";
	case EBADE:
		return "the device broke the rules of its interface; install "
		       "module and library of one version";
	case EACCES:
		return "no permission to open /dev/mrelease; run as root or "
		       "have an administrator give access to the device";
	case ENOENT:
		return "/dev/mrelease does not exist; load the module with "
		       "modprobe mrelease";
	case ENODEV:
	case ENXIO:
		return "/dev/mrelease is not the device of the module, or "
		       "/sys, which would tell, is not mounted; load the "
		       "module with modprobe mrelease";
	case ENOTTY:
		return "the module does not know this command; update the "
		       "module";
	case ENOSYS:
		return "this kernel has not got the system call; load the "
		       "module, or use Linux 5.15 or later";
	case EOPNOTSUPP:
		return "the back end \"signal\" can only kill; use kill, or "
		       "another back end";
	case EMFILE:
		return "this process has too many open files; raise the limit "
		       "(ulimit -n)";
	case ENFILE:
		return "the system has too many open files; raise fs.file-max";
	case ENOMEM:
		return "out of memory; try again";
	case EFAULT:
		return "the result could not be written; do not unmap memory "
		       "that a call is using";
	}
	return "unexpected error; see errno(3) and the kernel log";
}

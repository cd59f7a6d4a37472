// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The back ends for a system without the module.  They keep to the rules of
 * MRELEASE_IOC_RELEASE where they can; where not, mrelease.h says so.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sys.h"

#define NSEC_PER_MSEC 1000000ULL
#define MAX_PAUSE_MS 16

int mr_fallback_probe(enum mrelease_backend backend)
{
	int ret;

	/* A call that exists looks at its file descriptor first. */
	if (backend == MRELEASE_BACKEND_SYSCALL)
		ret = mr_sys_process_mrelease(-1);
	else
		ret = mr_sys_pidfd_signal(-1, 0);

	if (ret < 0 && errno == EBADF)
		return 0;
	if (ret >= 0)
		errno = ENOSYS;
	return -1;
}

/* May we send SIGKILL?  Whatever is refused here has not been touched. */
static int check_victim(int pidfd, const struct mr_usage *usage)
{
	if (usage->not_pidfd) {
		errno = EBADF;
		return -1;
	}

	/*
	 * Gone, or in another pid namespace.  EPERM is for the signal itself to
	 * find: security modules do not judge signal 0 as they do SIGKILL.
	 */
	if (mr_sys_pidfd_signal(pidfd, 0) && errno != EPERM)
		return -1;

	/* A zombie takes signals as well, but has nothing to give. */
	if (mr_sys_poll(pidfd, 0) == 1) {
		errno = ESRCH;
		return -1;
	}
	if (usage->known && usage->pid == getpid()) {
		errno = EINVAL;
		return -1;
	}

	/* Both would take the signal and go on. */
	if (usage->kthread || usage->pid == 1) {
		errno = EPERM;
		return -1;
	}
	if (usage->dumping) {
		errno = EBUSY;
		return -1;
	}
	return 0;
}

static int wait_for_exit(int pidfd, uint64_t deadline)
{
	for (;;) {
		uint64_t now = mr_sys_now();
		uint64_t left = now < deadline ? deadline - now : 0;
		int ret;

		left = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		ret = mr_sys_poll(pidfd, (uint32_t)left);
		if (ret > 0)
			return 0;
		if (ret < 0)
			return -1;
		if (!left) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

static int reap(int pidfd, bool killed, uint64_t deadline)
{
	uint32_t pause = 1;

	while (mr_sys_process_mrelease(pidfd)) {
		/*
		 * Our victim let go of its memory before we could ask for it.
		 * When it has exited all of it is back.
		 */
		if (errno == ESRCH && killed)
			return wait_for_exit(pidfd, deadline);
		if (errno != EAGAIN)
			return -1;
		if (mr_sys_now() >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		mr_sys_sleep(pause);
		if (pause < MAX_PAUSE_MS)
			pause *= 2;
	}
	return 0;
}

static uint64_t fell(uint64_t before, uint64_t after)
{
	return before > after ? before - after : 0;
}

static uint64_t total(const struct mr_usage *usage)
{
	return usage->anon + usage->file + usage->shmem + usage->swap +
	       usage->hugetlb;
}

static void fill_result(struct mrelease_result *res, int pidfd,
			const struct mr_usage *before)
{
	struct mr_usage after;

	mr_usage_read(pidfd, &after);
	res->anon_bytes = fell(before->anon, after.anon);
	res->file_bytes = fell(before->file, after.file);
	res->shmem_bytes = fell(before->shmem, after.shmem);
	res->swap_bytes = fell(before->swap, after.swap);
	res->hugetlb_bytes = fell(before->hugetlb, after.hugetlb);
	res->freed_bytes = res->anon_bytes;
	res->left_bytes = total(&after);
	if (after.dumping)
		res->left_reasons |= MRELEASE_LEFT_DUMP;
}

/* Put a name to what process_mrelease(2) calls EINVAL, and to what is left. */
static int explain(struct mrelease_result *res, bool reaping, int err)
{
	uint32_t why = res->left_reasons & MRELEASE_LEFT_DUMP;

	if (err == EINVAL && res->victims && reaping) {
		if (why)
			err = EBUSY;
		else
			why = MRELEASE_LEFT_SHARED;
	} else if (err == ETIMEDOUT) {
		why = MRELEASE_LEFT_TIMEOUT;
	} else if (err == EINTR) {
		why = MRELEASE_LEFT_SIGNAL;
	}
	if (!why && !err && res->left_bytes)
		why = MRELEASE_LEFT_EXITING;

	res->left_reasons = why;
	return err;
}

int mr_fallback_check(enum mrelease_backend backend, uint32_t flags)
{
	if (flags & ~MRELEASE_KILL) {
		errno = EINVAL;
		return -1;
	}
	if (backend != MRELEASE_BACKEND_SYSCALL && !flags) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return 0;
}

uint64_t mr_fallback_deadline(uint32_t timeout_ms)
{
	if (!timeout_ms)
		timeout_ms = MRELEASE_FALLBACK_TIMEOUT_MS;
	return mr_sys_now() + timeout_ms * NSEC_PER_MSEC;
}

int mr_fallback_begin(int pidfd, uint32_t flags, struct mr_usage *before,
		      struct mrelease_result *res)
{
	res->notes = MRELEASE_NOTE_ESTIMATED;
	mr_usage_read(pidfd, before);
	if (!(flags & MRELEASE_KILL))
		return 0;

	if (check_victim(pidfd, before)) {
		if (errno == EBUSY) {
			res->left_bytes = total(before);
			res->left_reasons = MRELEASE_LEFT_DUMP;
		}
		return -1;
	}
	if (mr_sys_pidfd_signal(pidfd, SIGKILL))
		return -1;
	res->victims = 1;
	return 0;
}

int mr_fallback_finish(enum mrelease_backend backend, int pidfd,
		       const struct mr_usage *before, uint64_t deadline,
		       struct mrelease_result *res)
{
	bool reaping = backend == MRELEASE_BACKEND_SYSCALL;
	int err = 0;
	int ret;

	if (reaping)
		ret = reap(pidfd, res->victims, deadline);
	else
		ret = wait_for_exit(pidfd, deadline);
	if (ret)
		err = errno;

	fill_result(res, pidfd, before);
	err = explain(res, reaping, err);
	if (!err)
		return 0;
	errno = err;
	return -1;
}

int mr_fallback_release(enum mrelease_backend backend, int pidfd,
			uint32_t flags, uint32_t timeout_ms,
			struct mrelease_result *res)
{
	struct mr_usage before;
	uint64_t deadline;
	uint64_t start;
	int ret;

	if (mr_fallback_check(backend, flags))
		return -1;
	start = mr_sys_now();
	deadline = mr_fallback_deadline(timeout_ms);
	if (mr_fallback_begin(pidfd, flags, &before, res))
		return -1;
	ret = mr_fallback_finish(backend, pidfd, &before, deadline, res);
	res->elapsed_ns = mr_sys_now() - start;
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "cli.h"

int session_open(struct session *s, const struct options *opts)
{
	enum mrelease_backend want = opts->backend;
	struct mrelease *device;

	if (opts->no_fallback)
		want = MRELEASE_BACKEND_DEVICE;

	s->device_err = 0;
	s->handle = mrelease_open(want);
	if (!s->handle)
		return -1;
	if (mrelease_backend(s->handle) == MRELEASE_BACKEND_DEVICE)
		return 0;

	/* The library went on to the next without a word: find out why. */
	device = mrelease_open(MRELEASE_BACKEND_DEVICE);
	if (!device)
		s->device_err = errno;
	mrelease_close(device);
	return 0;
}

int session_begin(struct session *s, const struct options *opts)
{
	bool ours;

	if (!session_open(s, opts))
		return -1;
	ours = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
	complain("nothing was done: %s", session_strerror(errno));
	return ours ? EXIT_FAILED : EXIT_NO_DEVICE;
}

void session_close(struct session *s)
{
	mrelease_close(s->handle);
	s->handle = NULL;
}

const char *session_strerror(int err)
{
	/* The library's text for this one is about the victim. */
	if (err == EPERM)
		return "not permitted by a device cgroup, a security module "
		       "or a seccomp filter; ask whoever set it up";
	return mrelease_strerror(err, NULL);
}

const char *backend_title(enum mrelease_backend backend)
{
	switch (backend) {
	case MRELEASE_BACKEND_DEVICE:
		return "kernel module mrelease";
	case MRELEASE_BACKEND_SYSCALL:
		return "process_mrelease(2)";
	case MRELEASE_BACKEND_SIGNAL:
		return "SIGKILL and wait";
	default:
		return "none";
	}
}

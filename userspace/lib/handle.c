// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int open_backend(struct mrelease *h, enum mrelease_backend backend)
{
	h->backend = backend;
	h->fd = -1;
	memset(&h->info, 0, sizeof(h->info));

	if (backend == MRELEASE_BACKEND_DEVICE) {
		h->fd = mr_device_open(&h->info);
		return h->fd < 0 ? -1 : 0;
	}

	h->info.size = sizeof(h->info);
	h->info.features = MRELEASE_KILL;
	strcpy(h->info.primitive, backend == MRELEASE_BACKEND_SYSCALL ?
					  "process_mrelease" :
					  "pidfd_send_signal");
	return mr_fallback_probe(backend);
}

static bool out_of_resources(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

static int open_best(struct mrelease *h)
{
	static const enum mrelease_backend order[] = {
		MRELEASE_BACKEND_DEVICE,
		MRELEASE_BACKEND_SYSCALL,
		MRELEASE_BACKEND_SIGNAL,
	};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!open_backend(h, order[i]))
			return 0;
		if (out_of_resources(errno))
			return -1;
	}

	errno = ENOSYS;
	return -1;
}

MRELEASE_API struct mrelease *mrelease_open(enum mrelease_backend backend)
{
	struct mrelease *h;
	int ret;

	switch (backend) {
	case MRELEASE_BACKEND_AUTO:
	case MRELEASE_BACKEND_DEVICE:
	case MRELEASE_BACKEND_SYSCALL:
	case MRELEASE_BACKEND_SIGNAL:
		break;
	default:
		errno = EINVAL;
		return NULL;
	}

	h = malloc(sizeof(*h));
	if (!h)
		return NULL;

	if (backend == MRELEASE_BACKEND_AUTO)
		ret = open_best(h);
	else
		ret = open_backend(h, backend);
	if (ret) {
		int err = errno;

		free(h);
		errno = err;
		return NULL;
	}
	return h;
}

MRELEASE_API void mrelease_close(struct mrelease *h)
{
	int err = errno;

	if (!h)
		return;
	if (h->fd >= 0)
		close(h->fd);
	free(h);
	errno = err;
}

MRELEASE_API enum mrelease_backend mrelease_backend(const struct mrelease *h)
{
	if (!h) {
		errno = EINVAL;
		return MRELEASE_BACKEND_AUTO;
	}
	return h->backend;
}

MRELEASE_API int mrelease_fd(const struct mrelease *h)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	if (h->fd < 0)
		errno = ENODEV;
	return h->fd;
}

MRELEASE_API int mrelease_get_info(const struct mrelease *h,
				   struct mrelease_info *info)
{
	if (!h || !info) {
		errno = EINVAL;
		return -1;
	}
	*info = h->info;
	return 0;
}

MRELEASE_API uint64_t mrelease_features(const struct mrelease *h)
{
	if (!h) {
		errno = EINVAL;
		return 0;
	}
	return h->info.features;
}

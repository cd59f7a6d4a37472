/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several victims in one call, raw.
 */
#ifndef _BATCH_H
#define _BATCH_H

#include "sys.h"

#define BATCH_MAX 64

/*
 * struct batch - the arguments of one call, and its results
 * @ret: 0 or a negative errno
 * @many: of MRELEASE_IOC_RELEASE_MANY
 * @cgroup: of MRELEASE_IOC_RELEASE_CGROUP
 * @targets: the array of either
 */
struct batch {
	int ret;
	struct mrelease_many_args many;
	struct mrelease_cgroup_args cgroup;
	struct mrelease_target targets[BATCH_MAX];
};

/* Everything but the pidfds, which are -1 where the batch is not filled. */
void batch_init(struct batch *b, uint32_t flags, uint32_t timeout_ms);

/* The next element. */
void batch_add(struct batch *b, int pidfd);

int batch_call(int dev, struct batch *b);

/* The same for a cgroup with room for @room results. */
int batch_cgroup(int dev, struct batch *b, int fd, unsigned int room);

/* One line for each element, when something is wrong. */
void batch_note(const struct batch *b, unsigned int nr,
		const struct mrelease_result *total);

#endif /* _BATCH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Killing the process that a pidfd names, where kill(2) would be allowed.
 */
#ifndef _MR_TARGET_H
#define _MR_TARGET_H

#include <linux/pid.h>

int mr_target_kill(struct pid *pid, int refusal);

#endif /* _MR_TARGET_H */

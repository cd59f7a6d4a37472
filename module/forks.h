/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that are being made.
 */
#ifndef _MR_FORKS_H
#define _MR_FORKS_H

#include "module/request.h"

int mr_forks_wait(struct mr_request *rq);

#endif /* _MR_FORKS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is told of a call to others than its caller: tracepoints, counters, the
 * kernel log.
 */
#ifndef _MR_REPORT_H
#define _MR_REPORT_H

#include <linux/types.h>

struct mr_request;

/*
 * enum mr_refused - why nothing was done
 * @MR_REFUSED_ARGUMENTS: the structure or its flags make no sense
 * @MR_REFUSED_OFF: releases are switched off
 * @MR_REFUSED_PIDFD: not a pidfd
 * @MR_REFUSED_GONE: the process is gone, or has no memory any more
 * @MR_REFUSED_ALIVE: it is not being killed, and the call was not to do that
 * @MR_REFUSED_SHARED: a live process shares its memory
 * @MR_REFUSED_DUMP: it dumps core
 * @MR_REFUSED_SCOPE: the caller itself, or outside its pid namespace
 * @MR_REFUSED_PERMISSION: the caller may not kill it
 * @MR_REFUSED_FULL: too many releases at once, or no memory for so many victims
 * @MR_REFUSED_NR: number of the above
 */
enum mr_refused {
	MR_REFUSED_ARGUMENTS,
	MR_REFUSED_OFF,
	MR_REFUSED_PIDFD,
	MR_REFUSED_GONE,
	MR_REFUSED_ALIVE,
	MR_REFUSED_SHARED,
	MR_REFUSED_DUMP,
	MR_REFUSED_SCOPE,
	MR_REFUSED_PERMISSION,
	MR_REFUSED_FULL,
	MR_REFUSED_NR,
};

void mr_report_begin(const struct mr_request *rq);
void mr_report_end(const struct mr_request *rq, int error);
int mr_report_refused(u32 flags, int error);

#endif /* _MR_REPORT_H */

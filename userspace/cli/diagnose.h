/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the module does not work here, and what to do about it. */
#ifndef MRELEASE_DIAGNOSE_H
#define MRELEASE_DIAGNOSE_H

#include <stddef.h>

#define ADVICE_MAX 6

struct advice {
	const char *id; /* for programs */
	char problem[200];
	char remedy[300];
};

/*
 * device_err: errno of opening the device, 0 when it is usable.  Returns how
 * many there are, the first one first to be tried.
 */
size_t diagnose(int device_err, struct advice list[ADVICE_MAX]);

#endif /* MRELEASE_DIAGNOSE_H */

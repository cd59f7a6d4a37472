/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stddef.h>

/* What libFuzzer calls with each input. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#endif /* _FUZZ_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the running kernel have the functions that the module was compiled to
 * call?  Asked of the kernel's own BTF, once, before any of them is called.
 */
#ifndef _MR_PROTOTYPES_H
#define _MR_PROTOTYPES_H

#include "module/btf.h"

int mr_prototypes_open(void);
int mr_prototypes_check(const char *name, const char *prototype,
			char found[MR_BTF_TEXT]);
void mr_prototypes_close(void);

#endif /* _MR_PROTOTYPES_H */

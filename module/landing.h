/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which instructions of arm64 a call through a pointer may arrive at, where the
 * kernel has its own text guarded (BTI).  Pure: also compiled for user space by
 * the unit tests.
 */
#ifndef _MR_LANDING_H
#define _MR_LANDING_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

#define MR_INSN_BTI_C		0xd503245fU
#define MR_INSN_BTI_JC		0xd50324dfU
#define MR_INSN_PACIASP		0xd503233fU
#define MR_INSN_PACIBSP		0xd503237fU

static inline bool mr_landing_pad(unsigned int insn)
{
	return insn == MR_INSN_BTI_C || insn == MR_INSN_BTI_JC ||
	       insn == MR_INSN_PACIASP || insn == MR_INSN_PACIBSP;
}

#endif /* _MR_LANDING_H */

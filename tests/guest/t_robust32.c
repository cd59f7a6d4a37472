// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * t_robust_lists as a 32-bit program: its victims have the other kind of list.
 */
/*
 * guest: smp=2 mem=1024 disk=swap:64 disk=ext4:64 append=secretmem.enable=1
 *	  timeout=300 m32
 */
#include "chains.h"

int main(void)
{
	return robust_lists();
}

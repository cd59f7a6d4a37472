// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of robust futexes of every form, see robust_lists.c: a release leaves what
 * the exit of the victim needs of them, and whoever waits is told.
 */
/*
 * guest: smp=2 mem=1024 disk=swap:64 disk=ext4:64 append=secretmem.enable=1
 *	  timeout=300
 */
#include "chains.h"

int main(void)
{
	return robust_lists();
}

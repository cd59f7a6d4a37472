// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench PART: one part of the benchmark, see bench.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static int usage(void)
{
	fputs("usage: bench latency|pages|small|shapes|tlb\n"
	      "       bench wall [VICTIM]\n"
	      "       bench scale MIB\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	victims_init();
	methods_init();
	if (!strcmp(part, "wall"))
		return part_wall(argc > 2 ? argv[2] : NULL);
	if (!strcmp(part, "latency"))
		return part_latency();
	if (!strcmp(part, "pages"))
		return part_pages();
	if (!strcmp(part, "small"))
		return part_small();
	if (!strcmp(part, "shapes"))
		return part_shapes();
	if (!strcmp(part, "tlb"))
		return part_tlb();
	if (!strcmp(part, "scale") && argc > 2)
		return part_scale(strtoul(argv[2], NULL, 10));
	return usage();
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli.h"

void format_bytes(char *buf, size_t size, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t rest = 0;
	unsigned int i;

	for (i = 0; bytes >= 1024; i++) {
		rest = bytes % 1024;
		bytes /= 1024;
	}

	/* Rounded down: 1023.9M never becomes 1024M, nor do we boast. */
	if (!bytes && !i)
		snprintf(buf, size, "0");
	else if (!i || bytes >= 100)
		snprintf(buf, size, "%u%c", (unsigned int)bytes, units[i]);
	else
		snprintf(buf, size, "%u.%u%c", (unsigned int)bytes,
			 (unsigned int)(rest * 10 / 1024), units[i]);
}

void format_time(char *buf, size_t size, uint64_t ns)
{
	uint64_t us = ns / 1000;

	if (us < 1000)
		snprintf(buf, size, "%uus", (unsigned int)us);
	else if (us < 100000)
		snprintf(buf, size, "%u.%ums", (unsigned int)(us / 1000),
			 (unsigned int)(us % 1000 / 100));
	else if (us < 1000000)
		snprintf(buf, size, "%ums", (unsigned int)(us / 1000));
	else if (us < 1000000000)
		snprintf(buf, size, "%u.%us", (unsigned int)(us / 1000000),
			 (unsigned int)(us % 1000000 / 100000));
	else
		snprintf(buf, size, "%us",
			 (unsigned int)(us / 1000000 > 99999 ? 99999 :
							       us / 1000000));
}

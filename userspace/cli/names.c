// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cli.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Bits without a name are newer than this program and shown as their number.
 * Room for "+NN" is kept while more are to come.
 */
size_t names_join(char *buf, size_t size, uint32_t bits, name_fn name)
{
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	while (bits) {
		uint32_t bit = bits & -bits;
		const char *text = name(bit);
		char number[16];
		size_t need;

		if (!text) {
			snprintf(number, sizeof(number), "bit%d",
				 __builtin_ctz(bit));
			text = number;
		}
		need = strlen(text) + !!len;
		if (len + need + (bits & (bits - 1) ? 3 : 0) >= size) {
			if (len + 3 < size)
				len += snprintf(buf + len, size - len, "+%d",
						__builtin_popcount(bits));
			break;
		}
		len += snprintf(buf + len, size - len, "%s%s", len ? "," : "",
				text);
		bits &= bits - 1;
	}
	return len;
}

const char *command_name(unsigned int nr)
{
	static const char *const names[] = {
		"info", "release", "release-many", "release-cgroup", "arm",
	};

	return nr < ARRAY_SIZE(names) ? names[nr] : NULL;
}

/* For programs that read the JSON: numbers differ between architectures. */
const char *errno_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },	      { ENOENT, "ENOENT" },
		{ ESRCH, "ESRCH" },	      { EINTR, "EINTR" },
		{ ENXIO, "ENXIO" },	      { E2BIG, "E2BIG" },
		{ EBADF, "EBADF" },	      { EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" },	      { EACCES, "EACCES" },
		{ EFAULT, "EFAULT" },	      { EBUSY, "EBUSY" },
		{ ENODEV, "ENODEV" },	      { EINVAL, "EINVAL" },
		{ ENFILE, "ENFILE" },	      { EMFILE, "EMFILE" },
		{ ENOTTY, "ENOTTY" },	      { EIO, "EIO" },
		{ ENOSYS, "ENOSYS" },	      { EBADE, "EBADE" },
		{ EOPNOTSUPP, "EOPNOTSUPP" }, { ETIMEDOUT, "ETIMEDOUT" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].err == err)
			return names[i].name;
	}
	return "other";
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's reader of BTF, on BTF that says anything.
 */
#include <stdlib.h>
#include <string.h>

#include "module/btf.c"
#include "fuzz.h"

/* The input: one byte, the length of a prototype; the prototype; BTF. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const names[] = { "f", "g", "exit_mmap" };
	char found[MR_BTF_TEXT], prototype[257] = "";
	struct mr_btf btf;
	size_t len, i;
	__u32 *index;
	const __u16 magic = BTF_MAGIC;
	struct btf_header *header;
	void *exact;

	if (size < 1)
		return 0;
	len = data[0] < size ? data[0] : size - 1;
	memcpy(prototype, data + 1, len);
	data += 1 + len;
	size -= 1 + len;
	/* Of exactly this size, for the sanitizer to see who leaves it. */
	exact = malloc(size ? size : 1);
	index = malloc(mr_btf_index_size(size) + 1);
	if (!exact || !index)
		abort();
	memcpy(exact, data, size);
	/* Without a header that fits all ends at once. Strings are a quarter. */
	if (size >= sizeof(*header) + 32 &&
	    memcmp(exact, &magic, sizeof(magic))) {
		size_t left = size - sizeof(*header), types = left / 16 * 12;

		header = exact;
		header->magic = BTF_MAGIC;
		header->version = BTF_VERSION;
		header->hdr_len = sizeof(*header);
		header->type_off = 0;
		header->type_len = types;
		header->str_off = types;
		header->str_len = left - types;
		memcpy((char *)exact + size - 5, "\0f\0g", 5);
	}
	if (!mr_btf_init(&btf, exact, size, index)) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			memset(found, 'x', sizeof(found));
			mr_btf_compare(&btf, names[i], prototype, found);
		}
	}
	free(index);
	free(exact);
	return 0;
}

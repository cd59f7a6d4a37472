// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A copy of the kernel's BTF, see btf.h.  It is the kernel's own, and taken to be
 * well formed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/btf.h>

#include "btf.h"
#include "files.h"
#include "tap.h"

void btf_read(struct btf *btf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 64 << 20;
	ssize_t n;

	btf->bytes = 0;
	btf->data = malloc(room);
	btf->intact = malloc(room);
	if (fd < 0 || !btf->data || !btf->intact)
		tap_bail("%s", path);
	while ((n = read(fd, btf->intact + btf->bytes, room - btf->bytes)) > 0)
		btf->bytes += n;
	if (n < 0 || btf->bytes == room)
		tap_bail("reading %s", path);
	close(fd);
	btf_restore(btf);
}

void btf_free(struct btf *btf)
{
	free(btf->data);
	free(btf->intact);
}

void btf_restore(struct btf *btf)
{
	memcpy(btf->data, btf->intact, btf->bytes);
}

/* Bytes behind the header of a type.  Other kinds than these have none. */
static size_t extra(const struct btf_type *type)
{
	/* 16 bits in all kernels before 7.3, and 24 since; the others are 0. */
	size_t members = type->info & 0xffffff;

	switch (type->info >> 24 & 0x7f) {
	case 1: /* integer */
	case 14: /* variable */
	case 17: /* tag of a declaration */
		return 4;
	case 3: /* array */
		return 12;
	case 4: /* struct */
	case 5: /* union */
	case 15: /* section */
	case 19: /* enum of 64 bits */
		return 12 * members;
	case 6: /* enum */
	case 13: /* prototype */
		return 8 * members;
	}
	return 0;
}

/* The first function of this name. */
static struct btf_type *function(struct btf *btf, const char *name)
{
	const struct btf_header *header = (void *)btf->data;
	char *types = btf->data + header->hdr_len + header->type_off;
	const char *strings = btf->data + header->hdr_len + header->str_off;
	struct btf_type *type;
	size_t pos;

	for (pos = 0; pos < header->type_len;
	     pos += sizeof(*type) + extra(type)) {
		type = (void *)(types + pos);
		if ((type->info >> 24 & 0x7f) == BTF_KIND_FUNC &&
		    !strcmp(strings + type->name_off, name))
			return type;
	}
	tap_bail("no function %s in the BTF", name);
}

void btf_function_change(struct btf *btf, const char *name, const char *other)
{
	function(btf, name)->type = function(btf, other)->type;
}

void btf_function_remove(struct btf *btf, const char *name)
{
	function(btf, name)->name_off = 0;
}

void btf_damage(struct btf *btf, uint64_t *state)
{
	int i;

	for (i = 0; i < 16; i++) {
		size_t range = random_next(state) % 8 ?
				       btf->bytes :
				       sizeof(struct btf_header);

		btf->data[random_next(state) % range] = random_next(state);
	}
}

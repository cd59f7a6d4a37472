/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of the kernel's BTF, to be changed: what another kernel might tell of
 * itself.
 */
#ifndef _BTF_H
#define _BTF_H

#include <stddef.h>
#include <stdint.h>

struct btf {
	char *data;
	size_t bytes;
	char *intact;
};

/* Ends the program when it cannot. */
void btf_read(struct btf *btf, const char *path);
void btf_free(struct btf *btf);

/* Give the function the prototype of @other; both must be there. */
void btf_function_change(struct btf *btf, const char *name, const char *other);

/* Take the function's name away. */
void btf_function_remove(struct btf *btf, const char *name);

/* Some bytes become others, often in the header; @state is that of random_next(). */
void btf_damage(struct btf *btf, uint64_t *state);

/* As it was read. */
void btf_restore(struct btf *btf);

#endif /* _BTF_H */

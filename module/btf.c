// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading prototypes of functions out of BTF, see btf.h.
 *
 * A prototype is turned into text, as C spells it but without the names of the
 * parameters ("int (unsigned long, struct page *)"), and texts are compared: it
 * is what the log has to show anyway.  Types are compared by their names, not
 * by what is in them: the module is compiled with the headers of the kernel that
 * it is for, so a structure with this name is the one of this kernel.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <uapi/linux/btf.h>
#else
#include <errno.h>
#include <linux/btf.h>
#include <string.h>
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#include "module/btf.h"

/* Numbers of the format, since headers of old kernels lack the newer ones. */
enum mr_btf_kind {
	MR_BTF_INT = 1,
	MR_BTF_PTR,
	MR_BTF_ARRAY,
	MR_BTF_STRUCT,
	MR_BTF_UNION,
	MR_BTF_ENUM,
	MR_BTF_FWD,
	MR_BTF_TYPEDEF,
	MR_BTF_VOLATILE,
	MR_BTF_CONST,
	MR_BTF_RESTRICT,
	MR_BTF_FUNC,
	MR_BTF_FUNC_PROTO,
	MR_BTF_VAR,
	MR_BTF_DATASEC,
	MR_BTF_FLOAT,
	MR_BTF_DECL_TAG,
	MR_BTF_TYPE_TAG,
	MR_BTF_ENUM64,
	MR_BTF_KINDS
};

/* Bytes behind struct btf_type: always, and for each of its members. */
static const struct {
	unsigned char fixed;
	unsigned char each;
} mr_btf_extra[MR_BTF_KINDS] = {
	[MR_BTF_INT] = { 4, 0 },
	[MR_BTF_ARRAY] = { 12, 0 },
	[MR_BTF_STRUCT] = { 0, 12 },
	[MR_BTF_UNION] = { 0, 12 },
	[MR_BTF_ENUM] = { 0, 8 },
	[MR_BTF_FUNC_PROTO] = { 0, 8 },
	[MR_BTF_VAR] = { 4, 0 },
	[MR_BTF_DATASEC] = { 0, 12 },
	[MR_BTF_DECL_TAG] = { 4, 0 },
	[MR_BTF_ENUM64] = { 0, 12 },
};

/* Debug information names integers in full; C is shorter. */
static const char *const mr_btf_integers[][2] = {
	{ "long int", "long" },
	{ "long unsigned int", "unsigned long" },
	{ "long long int", "long long" },
	{ "long long unsigned int", "unsigned long long" },
	{ "short int", "short" },
	{ "short unsigned int", "unsigned short" },
	{ "_Bool", "bool" },
};

/* All of the header that there always is; 7.3 knows of more behind it. */
#define MR_BTF_HEADER	(offsetof(struct btf_header, str_len) + sizeof(__u32))

/* The longest chain of pointers and qualifiers that is followed. */
#define MR_BTF_DEPTH	8

static enum mr_btf_kind mr_btf_kind(const struct btf_type *type)
{
	return BTF_INFO_KIND(type->info);
}

static const char *mr_btf_name(const struct mr_btf *btf,
			       const struct btf_type *type)
{
	return type->name_off < btf->strings_size ?
	       btf->strings + type->name_off : "";
}

/* NULL for void, which has the number 0, and for numbers that there are not. */
static const struct btf_type *mr_btf_type(const struct mr_btf *btf, __u32 id)
{
	if (!id || id > btf->nr)
		return NULL;
	return (const struct btf_type *)(btf->types + btf->index[id - 1]);
}

static void mr_btf_put(char text[MR_BTF_TEXT], const char *word)
{
	size_t used = strlen(text), more = strlen(word);

	if (more > MR_BTF_TEXT - 1 - used)
		more = MR_BTF_TEXT - 1 - used;
	memcpy(text + used, word, more);
	text[used + more] = '\0';
}

/* "struct page *", but "struct page **". */
static void mr_btf_put_star(char text[MR_BTF_TEXT])
{
	size_t used = strlen(text);

	mr_btf_put(text, used && text[used - 1] == '*' ? "*" : " *");
}

static void mr_btf_put_integer(char text[MR_BTF_TEXT], const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mr_btf_integers); i++)
		if (!strcmp(name, mr_btf_integers[i][0]))
			name = mr_btf_integers[i][1];
	mr_btf_put(text, name);
}

/*
 * Append a type as C spells it.  What no prototype of ours has (arrays, pointers
 * to functions) becomes a question mark, which equals nothing.
 */
static void mr_btf_put_type(const struct mr_btf *btf, char text[MR_BTF_TEXT],
			    __u32 id)
{
	const struct btf_type *type;
	unsigned int stars = 0, depth;

	for (depth = 0; depth < MR_BTF_DEPTH; depth++) {
		type = mr_btf_type(btf, id);
		if (!type)
			break;
		switch (mr_btf_kind(type)) {
		case MR_BTF_PTR:
			stars++;
			break;
		case MR_BTF_CONST:
			mr_btf_put(text, "const ");
			break;
		case MR_BTF_VOLATILE:
			mr_btf_put(text, "volatile ");
			break;
		/* Those say nothing about how a value is passed. */
		case MR_BTF_RESTRICT:
		case MR_BTF_TYPE_TAG:
			break;
		default:
			goto last;
		}
		id = type->type;
	}
last:
	type = mr_btf_type(btf, id);
	switch (type ? mr_btf_kind(type) : 0) {
	case 0:
		mr_btf_put(text, id ? "?" : "void");
		break;
	case MR_BTF_INT:
		mr_btf_put_integer(text, mr_btf_name(btf, type));
		break;
	case MR_BTF_TYPEDEF:
		mr_btf_put(text, mr_btf_name(btf, type));
		break;
	case MR_BTF_STRUCT:
	case MR_BTF_FWD:
		mr_btf_put(text, "struct ");
		mr_btf_put(text, mr_btf_name(btf, type));
		break;
	case MR_BTF_UNION:
		mr_btf_put(text, "union ");
		mr_btf_put(text, mr_btf_name(btf, type));
		break;
	case MR_BTF_ENUM:
	case MR_BTF_ENUM64:
		mr_btf_put(text, "enum ");
		mr_btf_put(text, mr_btf_name(btf, type));
		break;
	default:
		mr_btf_put(text, "?");
	}
	while (stars--)
		mr_btf_put_star(text);
}

/* The whole prototype of a function. */
static void mr_btf_put_function(const struct mr_btf *btf,
				char text[MR_BTF_TEXT],
				const struct btf_type *function)
{
	const struct btf_type *proto = mr_btf_type(btf, function->type);
	const struct btf_param *param;
	unsigned int i, nr;

	text[0] = '\0';
	if (!proto || mr_btf_kind(proto) != MR_BTF_FUNC_PROTO) {
		mr_btf_put(text, "?");
		return;
	}
	nr = BTF_INFO_VLEN(proto->info);
	param = (const struct btf_param *)(proto + 1);

	mr_btf_put_type(btf, text, proto->type);
	mr_btf_put(text, " (");
	for (i = 0; i < nr; i++) {
		if (i)
			mr_btf_put(text, ", ");
		/* The last one of a function with any number of arguments. */
		if (!param[i].type)
			mr_btf_put(text, "...");
		else
			mr_btf_put_type(btf, text, param[i].type);
	}
	mr_btf_put(text, nr ? ")" : "void)");
}

/**
 * mr_btf_index_size() - how much memory the index needs
 * @size: of the BTF in bytes
 *
 * Return: bytes, enough for whatever is in it.
 */
size_t mr_btf_index_size(size_t size)
{
	return (size / sizeof(struct btf_type) + 1) * sizeof(__u32);
}

/**
 * mr_btf_init() - look through BTF
 * @btf: to be set up
 * @data: stays in use; aligned as memory from an allocator is
 * @size: of it in bytes
 * @index: memory of mr_btf_index_size() bytes; stays in use
 *
 * Return: 0; -EINVAL when it is no BTF, or has kinds of types that are not known.
 */
int mr_btf_init(struct mr_btf *btf, const void *data, size_t size, __u32 *index)
{
	const struct btf_header *header = data;
	size_t pos = 0, left;

	if (size < MR_BTF_HEADER || header->magic != BTF_MAGIC ||
	    header->version != BTF_VERSION ||
	    header->hdr_len < MR_BTF_HEADER || header->hdr_len > size)
		return -EINVAL;
	left = size - header->hdr_len;
	if (header->type_off > left || header->type_len > left - header->type_off ||
	    header->str_off > left || header->str_len > left - header->str_off ||
	    !header->str_len || header->hdr_len % 4 || header->type_off % 4)
		return -EINVAL;

	btf->types = (const char *)data + header->hdr_len + header->type_off;
	btf->types_size = header->type_len;
	btf->strings = (const char *)data + header->hdr_len + header->str_off;
	btf->strings_size = header->str_len;
	btf->index = index;
	btf->nr = 0;
	if (btf->strings[btf->strings_size - 1])
		return -EINVAL;

	while (pos < btf->types_size) {
		const struct btf_type *type = (const void *)(btf->types + pos);
		unsigned int kind;

		left = btf->types_size - pos;
		if (left < sizeof(*type))
			return -EINVAL;
		kind = mr_btf_kind(type);
		if (!kind || kind >= MR_BTF_KINDS)
			return -EINVAL;
		index[btf->nr++] = pos;
		pos += sizeof(*type) + mr_btf_extra[kind].fixed +
		       mr_btf_extra[kind].each * BTF_INFO_VLEN(type->info);
	}
	return pos == btf->types_size ? 0 : -EINVAL;
}

/**
 * mr_btf_compare() - has a function this prototype?
 * @btf: from mr_btf_init()
 * @name: of the function; there may be several static ones of this name, and
 *	then all must have it
 * @prototype: as C spells it, without names: "int (unsigned long, struct page *)"
 * @found: set to the prototype of the function, or of the first that differs
 *
 * Return: 0; -ENOEXEC when it differs; -ENOENT when there is no such function.
 */
int mr_btf_compare(const struct mr_btf *btf, const char *name,
		   const char *prototype, char found[MR_BTF_TEXT])
{
	int ret = -ENOENT;
	__u32 id;

	for (id = 1; id <= btf->nr; id++) {
		const struct btf_type *type = mr_btf_type(btf, id);

		if (mr_btf_kind(type) != MR_BTF_FUNC ||
		    strcmp(mr_btf_name(btf, type), name))
			continue;
		mr_btf_put_function(btf, found, type);
		if (strcmp(found, prototype))
			return -ENOEXEC;
		ret = 0;
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prototypes out of BTF.  The module's own file, compiled for user space, reads BTF
 * that is put together here, and BTF that is damaged in every place.
 */
#include <check.h>
#include <stdlib.h>

#include "module/btf.c"

/* BTF under construction. */
static struct {
	__u32 types[256];
	unsigned int words;
	unsigned int nr;
	char strings[1024];
	unsigned int used;
} made;

static void begin(void)
{
	memset(&made, 0, sizeof(made));
	made.used = 1;
}

static __u32 string(const char *text)
{
	__u32 at = made.used;

	if (!text)
		return 0;
	strcpy(made.strings + at, text);
	made.used += strlen(text) + 1;
	return at;
}

static __u32 type(int kind, unsigned int members, const char *name, __u32 to)
{
	made.types[made.words++] = string(name);
	made.types[made.words++] = (__u32)kind << 24 | members;
	made.types[made.words++] = to;
	return ++made.nr;
}

static __u32 integer(const char *name)
{
	__u32 id = type(MR_BTF_INT, 0, name, 4);

	made.types[made.words++] = 32;
	return id;
}

static __u32 pointer(__u32 to)
{
	return type(MR_BTF_PTR, 0, NULL, to);
}

static __u32 prototype(__u32 ret, unsigned int nr, const __u32 *params)
{
	__u32 id = type(MR_BTF_FUNC_PROTO, nr, NULL, ret);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		made.types[made.words++] = 0;
		made.types[made.words++] = params[i];
	}
	return id;
}

static __u32 function(const char *name, __u32 proto)
{
	return type(MR_BTF_FUNC, 0, name, proto);
}

/* In memory of exactly this size, for the sanitizer to see who leaves it. */
static void *finish(size_t *size)
{
	/* The first version's: what headers tell of may have grown since. */
	struct {
		__u16 magic;
		__u8 version;
		__u8 flags;
		__u32 hdr_len;
		__u32 type_off;
		__u32 type_len;
		__u32 str_off;
		__u32 str_len;
	} header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(header),
		.type_len = made.words * 4,
		.str_off = made.words * 4,
		.str_len = made.used,
	};
	char *data;

	*size = sizeof(header) + header.type_len + header.str_len;
	data = malloc(*size);
	ck_assert_ptr_nonnull(data);
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), made.types, header.type_len);
	memcpy(data + sizeof(header) + header.type_len, made.strings,
	       header.str_len);
	return data;
}

/* What mr_btf_compare() says; -EINVAL when it is no BTF at all. */
static int ask(const void *data, size_t size, const char *name,
	       const char *text, char found[MR_BTF_TEXT])
{
	__u32 *index = malloc(mr_btf_index_size(size));
	struct mr_btf btf;
	int ret;

	ck_assert_ptr_nonnull(index);
	ret = mr_btf_init(&btf, data, size, index);
	if (!ret)
		ret = mr_btf_compare(&btf, name, text, found);
	free(index);
	return ret;
}

static void expect(const char *name, const char *text, int want,
		   const char *want_found)
{
	char found[MR_BTF_TEXT] = "";
	size_t size;
	void *data = finish(&size);

	ck_assert_int_eq(ask(data, size, name, text, found), want);
	ck_assert_str_eq(found, want_found);
	free(data);
}

/* int work(unsigned long, const struct thing **, enum kind, bool_t, void *) */
#define WORK \
	"int (unsigned long, const struct thing **, enum kind, bool_t, void *)"

static void make_work(void)
{
	__u32 i, ul, thing, kind, flag, params[5];

	begin();
	i = integer("int");
	ul = integer("long unsigned int");
	thing = type(MR_BTF_STRUCT, 1, "thing", 4);
	made.types[made.words++] = string("member");
	made.types[made.words++] = i;
	made.types[made.words++] = 0;
	kind = type(MR_BTF_ENUM, 1, "kind", 4);
	made.types[made.words++] = string("VALUE");
	made.types[made.words++] = 0;
	flag = type(MR_BTF_TYPEDEF, 0, "bool_t", i);
	params[0] = ul;
	params[1] = pointer(pointer(type(MR_BTF_CONST, 0, NULL, thing)));
	params[2] = kind;
	params[3] = flag;
	params[4] = pointer(0);
	function("work", prototype(i, 5, params));
	function("nothing", prototype(0, 0, NULL));
}

START_TEST(a_prototype_is_spelled_as_in_c)
{
	make_work();
	expect("work", WORK, 0, WORK);
	expect("nothing", "void (void)", 0, "void (void)");
}
END_TEST

START_TEST(a_difference_is_shown)
{
	make_work();
	expect("work", "int (unsigned long)", -ENOEXEC, WORK);
	expect("work", "", -ENOEXEC, WORK);
	expect("nothing", "int (void)", -ENOEXEC, "void (void)");
}
END_TEST

START_TEST(a_function_that_is_not_there_is_missing)
{
	make_work();
	expect("wor", WORK, -ENOENT, "");
	expect("work2", WORK, -ENOENT, "");
	/* Not a function, though there is something of this name. */
	expect("thing", WORK, -ENOENT, "");
}
END_TEST

START_TEST(all_functions_of_one_name_must_agree)
{
	__u32 i;

	begin();
	i = integer("int");
	function("twin", prototype(i, 1, &i));
	function("twin", prototype(i, 1, &i));
	expect("twin", "int (int)", 0, "int (int)");
	function("twin", prototype(0, 1, &i));
	expect("twin", "int (int)", -ENOEXEC, "void (int)");
}
END_TEST

START_TEST(what_is_not_understood_equals_nothing)
{
	__u32 i, p, loop;

	begin();
	i = integer("int");
	p = pointer(prototype(i, 1, &i));
	function("callback", prototype(i, 1, &p));
	expect("callback", "int (int)", -ENOEXEC, "int (? *)");
	/* A pointer to itself ends somewhere. */
	loop = pointer(made.nr + 1);
	function("loop", prototype(i, 1, &loop));
	expect("loop", "int (int)", -ENOEXEC, "int (? ********)");
	/* No prototype, and a number of a type that there is not. */
	function("odd", i);
	expect("odd", "int (int)", -ENOEXEC, "?");
	p = 1000;
	function("beyond", prototype(i, 1, &p));
	expect("beyond", "int (int)", -ENOEXEC, "int (?)");
}
END_TEST

START_TEST(a_long_prototype_is_cut_off)
{
	char name[] = "a_structure_with_quite_a_long_name_which_goes_on_and_on";
	char found[MR_BTF_TEXT];
	__u32 params[8];
	size_t size;
	void *data;
	int i;

	begin();
	params[0] = pointer(type(MR_BTF_STRUCT, 0, name, 0));
	for (i = 1; i < 8; i++)
		params[i] = params[0];
	function("long", prototype(0, 8, params));
	data = finish(&size);
	ck_assert_int_eq(ask(data, size, "long", "void (void)", found),
			 -ENOEXEC);
	ck_assert_uint_eq(strlen(found), MR_BTF_TEXT - 1);
	free(data);
}
END_TEST

START_TEST(what_is_no_btf_is_refused)
{
	char found[MR_BTF_TEXT];
	size_t size, cut;
	char *data, *part;

	make_work();
	data = finish(&size);
	for (cut = 0; cut < size; cut++) {
		part = malloc(cut ? cut : 1);
		memcpy(part, data, cut);
		ck_assert_int_eq(ask(part, cut, "work", WORK, found), -EINVAL);
		free(part);
	}
	free(data);

	make_work();
	type(MR_BTF_KINDS, 0, "of the future", 0);
	data = finish(&size);
	ck_assert_int_eq(ask(data, size, "work", WORK, found), -EINVAL);
	free(data);
}
END_TEST

/* The sanitizer looks whether anything outside is touched. */
START_TEST(no_damage_leads_outside)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	char found[MR_BTF_TEXT];
	size_t size, at;
	unsigned int i;
	char *data;

	make_work();
	data = finish(&size);
	for (at = 0; at < size; at++) {
		char was = data[at];

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			int ret;

			data[at] = values[i];
			ret = ask(data, size, "work", WORK, found);
			ck_assert(ret == 0 || ret == -EINVAL ||
				  ret == -ENOENT || ret == -ENOEXEC);
		}
		data[at] = was;
	}
	ck_assert_int_eq(ask(data, size, "work", WORK, found), 0);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("btf");
	SRunner *runner = srunner_create(suite);
	TCase *text = tcase_create("text");
	TCase *damage = tcase_create("damage");
	int failed;

	tcase_add_test(text, a_prototype_is_spelled_as_in_c);
	tcase_add_test(text, a_difference_is_shown);
	tcase_add_test(text, a_function_that_is_not_there_is_missing);
	tcase_add_test(text, all_functions_of_one_name_must_agree);
	tcase_add_test(text, what_is_not_understood_equals_nothing);
	tcase_add_test(text, a_long_prototype_is_cut_off);
	suite_add_tcase(suite, text);

	tcase_add_test(damage, what_is_no_btf_is_refused);
	tcase_add_test(damage, no_damage_leads_outside);
	suite_add_tcase(suite, damage);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

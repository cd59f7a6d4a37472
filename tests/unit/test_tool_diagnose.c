// SPDX-License-Identifier: GPL-2.0-or-later
/* What `info` finds to be wrong, on machines made of a few files. */
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../../userspace/cli/diagnose.h"
#include "capture.h"
#include "fake.h"

#define ENABLED "/sys/module/mrelease/parameters/enabled"
#define SECURE_BOOT                  \
	"/sys/firmware/efi/efivars/" \
	"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define KALLSYMS                                     \
	"0000000000000000 T register_kprobe\n"       \
	"0000000000000000 t check_kill_permission\n" \
	"0000000000000000 T do_send_sig_info\n"      \
	"0000000000000000 T zap_page_range_single\n"

static struct captured c;
static struct advice list[ADVICE_MAX];
static char root[64];
static struct utsname name;

/* Directories too, when the last character is a slash. */
static void put_bytes(const char *file, const char *text, size_t len)
{
	char path[512];
	char *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, file);
	for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	if (path[strlen(path) - 1] == '/')
		return;
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static void put(const char *file, const char *text)
{
	put_bytes(file, text, strlen(text));
}

/* A file below /lib/modules of the running kernel. */
static void put_modules(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "/lib/modules/%s/%s", name.release, file);
	put(path, text);
}

static void setup(void)
{
	fake_reset();
	strcpy(root, "/tmp/mrelease-root.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(uname(&name), 0);
	cli_root = root;
	put("/proc/kallsyms", KALLSYMS "0000000000000000 T pidfd_get_pid\n");
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* The ids, in their order. */
static void assert_found(int err, const char *expected)
{
	char ids[256] = "";
	size_t nr = diagnose(err, list);
	size_t i;

	for (i = 0; i < nr; i++) {
		ck_assert_str_ne(list[i].problem, "");
		ck_assert_str_ne(list[i].remedy, "");
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%s",
			 i ? " " : "", list[i].id);
	}
	ck_assert_str_eq(ids, expected);
}

START_TEST(all_is_well)
{
	assert_found(0, "");
	put(ENABLED, "Y\n");
	assert_found(0, "");
}
END_TEST

START_TEST(releases_are_switched_off)
{
	put(ENABLED, "N\n");
	assert_found(0, "switched-off");
	run_tool(&c, "info");
	assert_contains(c.out, "problem      releases are switched off");
	assert_contains(c.out, "what to do   echo 1 | sudo tee " ENABLED);
}
END_TEST

START_TEST(the_user_may_not)
{
	put(ENABLED, "Y\n");
	assert_found(EACCES, "permission");
	assert_found(EPERM, "permission");
}
END_TEST

START_TEST(the_module_is_not_there)
{
	assert_found(ENOENT, "not-installed");
	assert_contains(list[0].remedy, name.release);
	put_modules("modules.dep", "kernel/fs/mrelease.kofoo/x.ko:\n"
				   "kernel/a.ko: updates/dkms/mrelease.ko\n"
				   "kernel/not-mrelease.ko:\n");
	assert_found(ENOENT, "not-installed");
}
END_TEST

START_TEST(dkms_has_not_built_it)
{
	put("/var/lib/dkms/mrelease/", "");
	assert_found(ENOENT, "not-built");
	assert_contains(list[0].remedy, "apt install linux-headers-");
	put_modules("build/", "");
	assert_found(ENOENT, "not-built");
	assert_contains(list[0].remedy, "dkms autoinstall");
}
END_TEST

static const char *const dep[] = {
	"kernel/a.ko:\nupdates/dkms/mrelease.ko:\n",
	"updates/dkms/mrelease.ko.xz: kernel/b.ko\n",
	"mrelease.ko:\n",
};

START_TEST(it_is_not_loaded)
{
	put_modules("modules.dep", dep[_i]);
	assert_found(ENOENT, "not-loaded");
	assert_contains(list[0].remedy, "sudo modprobe mrelease");
}
END_TEST

START_TEST(signatures_are_wanted)
{
	put_modules("modules.dep", dep[0]);
	put_bytes(SECURE_BOOT, "\6\0\0\0\0", 5);
	put("/sys/module/module/parameters/sig_enforce", "N\n");
	put("/sys/kernel/security/lockdown",
	    "[none] integrity confidentiality\n");
	assert_found(ENOENT, "not-loaded");

	put_bytes(SECURE_BOOT, "\6\0\0\0\1", 5);
	assert_found(ENOENT, "not-loaded signature");
	assert_contains(list[1].problem, "Secure Boot is on");
	put("/sys/module/module/parameters/sig_enforce", "Y\n");
	assert_found(ENOENT, "not-loaded signature");
	assert_contains(list[1].problem, "module.sig_enforce is on");
	put("/sys/kernel/security/lockdown",
	    "none [integrity] confidentiality\n");
	assert_found(ENOENT, "not-loaded signature");
	assert_contains(list[1].problem, "locked down");
	assert_contains(list[1].remedy, "mokutil --import");
}
END_TEST

START_TEST(the_kernel_has_no_kprobes)
{
	put_modules("modules.dep", dep[0]);
	put("/proc/kallsyms", "0000000000000000 T pidfd_get_pid\n");
	assert_found(ENOENT, "not-loaded no-kprobes");
}
END_TEST

START_TEST(the_kernel_has_one_name_or_another_for_the_zap)
{
	put_modules("modules.dep", dep[0]);
	put("/proc/kallsyms", "0000000000000000 T register_kprobe\n"
			      "0000000000000000 t check_kill_permission\n"
			      "0000000000000000 T do_send_sig_info\n"
			      "0000000000000000 T pidfd_get_pid\n"
			      "0000000000000000 t zap_page_range_other\n");
	assert_found(ENOENT, "not-loaded symbol-missing");
	assert_contains(list[1].problem, "zap_vma_range()");
}
END_TEST

START_TEST(the_kernel_lacks_a_function)
{
	put_modules("modules.dep", dep[0]);
	put("/proc/kallsyms",
	    KALLSYMS "0000000000000000 T pidfd_get_pid_not\n"
		     "0000000000000000 T not_pidfd_get_pid\n");
	assert_found(ENOENT, "not-loaded symbol-missing");
	assert_contains(list[1].problem, "pidfd_get_pid()");
}
END_TEST

START_TEST(an_unreadable_kallsyms_says_nothing)
{
	put_modules("modules.dep", dep[0]);
	put("/proc/kallsyms", "");
	assert_found(ENOENT, "not-loaded");
}
END_TEST

START_TEST(it_is_loaded_without_a_node)
{
	put(ENABLED, "Y\n");
	assert_found(ENOENT, "no-node");
	assert_found(ENODEV, "wrong-node");
}
END_TEST

START_TEST(it_is_told_to_programs)
{
	fake_unload();
	put_modules("modules.dep", dep[0]);
	run_tool(&c, "info", "--json");
	ck_assert_int_eq(c.status, 0);
	assert_contains(c.out, "  \"advice\": [\n    {\n"
			       "      \"id\": \"not-loaded\",\n");
	run_tool(&c, "info", "--no-fallback");
	ck_assert_int_eq(c.status, EXIT_NO_DEVICE);
	assert_contains(c.err, "what to do   sudo modprobe mrelease");
	ck_assert_str_eq(c.out, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diagnose");
	TCase *tc = tcase_create("diagnose");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_is_well);
	tcase_add_test(tc, releases_are_switched_off);
	tcase_add_test(tc, the_user_may_not);
	tcase_add_test(tc, the_module_is_not_there);
	tcase_add_test(tc, dkms_has_not_built_it);
	tcase_add_loop_test(tc, it_is_not_loaded, 0, ARRAY_SIZE(dep));
	tcase_add_test(tc, signatures_are_wanted);
	tcase_add_test(tc, the_kernel_has_no_kprobes);
	tcase_add_test(tc, the_kernel_lacks_a_function);
	tcase_add_test(tc, the_kernel_has_one_name_or_another_for_the_zap);
	tcase_add_test(tc, an_unreadable_kallsyms_says_nothing);
	tcase_add_test(tc, it_is_loaded_without_a_node);
	tcase_add_test(tc, it_is_told_to_programs);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}

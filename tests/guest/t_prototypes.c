// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module calls functions that are not exported, by the prototypes that it was
 * compiled with.  It loads only where the kernel's own BTF says that it has these
 * functions and that they have these prototypes; else it names in one line of
 * the log which one, what it was compiled for, and what there is.
 *
 * The same on a kernel that guards its own text (BTI), where a function has no
 * landing pad for a call through a pointer.
 *
 * Seen with modules that were compiled from wrong sources (prototypes/build), with
 * the right one on a kernel whose BTF tells of other functions (a changed copy,
 * mounted over it), without BTF, and with BTF that is damaged.
 */
/*
 * guest: smp=2 mem=1024 timeout=300 made=prototypes/mrelease-other.ko
 * made=prototypes/mrelease-missing.ko made=prototypes/mrelease-guarded.ko
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "btf.h"
#include "sys.h"
#include "tap.h"

#define MODULE "/lib/mrelease.ko"
#define OTHER "/add/mrelease-other.ko"
#define MISSING "/add/mrelease-missing.ko"
#define GUARDED "/add/mrelease-guarded.ko"
#define BTF_DIR "/sys/kernel/btf"
#define BTF_FILE BTF_DIR "/vmlinux"
#define COPY "/tmp/btf"

/* What the module looks up everywhere, and what it can do without it. */
static const struct symbol {
	const char *name;
	uint64_t feature; /* 0: it does not load */
} symbols[] = {
	{ "pidfd_get_pid", 0 },
	{ "check_kill_permission", 0 },
	{ "do_send_sig_info", 0 },
	{ "drain_local_pages", MRELEASE_FEAT_VISIBLE },
	{ "delete_from_page_cache_batch", MRELEASE_EVICT },
	{ "drain_all_pages", MRELEASE_FEAT_VISIBLE },
	{ "taskstats_exit", MRELEASE_FEAT_TAKEOVER },
};

#ifdef __x86_64__
#define DIRECT_CALLS true
#else
#define DIRECT_CALLS false
#endif

#define SYMBOLS ((int)(sizeof(symbols) / sizeof(symbols[0])))
#define DAMAGES 32
#define POINTS (14 + 2 * SYMBOLS)

/* The lines of the kernel's log since log_mark() that are the module's. */
static char log_text[1 << 16];
static int log_fd = -1;

static void log_mark(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0 || lseek(log_fd, 0, SEEK_END) < 0)
		tap_bail("/dev/kmsg");
}

/* Returns how many there are; all of them are in log_text. */
static int log_read(void)
{
	size_t used = 0;
	char record[8192];
	int lines = 0;
	ssize_t n;
	char *text;

	log_text[0] = '\0';
	while ((n = read(log_fd, record, sizeof(record) - 1)) > 0 ||
	       errno == EPIPE) {
		if (n <= 0)
			continue;
		record[n] = '\0';
		/* "6,123,4567,-;text\n DICTIONARY=..." */
		text = strchr(record, ';');
		if (!text || strncmp(text + 1, "mrelease: ", 10))
			continue;
		text[1 + strcspn(text + 1, "\n")] = '\0';
		used += snprintf(log_text + used, sizeof(log_text) - used,
				 "%s\n", text + 1);
		if (used >= sizeof(log_text))
			tap_bail("too much in the log");
		lines++;
	}
	return lines;
}

static int load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		tap_bail("%s", path);
	log_mark();
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static void unload(void)
{
	uint64_t end = now_ns() + 10000000000ULL;

	while (syscall(SYS_delete_module, "mrelease", O_NONBLOCK)) {
		if (errno != EAGAIN || now_ns() > end)
			tap_bail("rmmod");
		sleep_ms(1);
	}
}

static bool loaded(void)
{
	return !access("/sys/module/mrelease", F_OK) ||
	       !access(MRELEASE_DEVICE, F_OK);
}

static uint64_t features(void)
{
	struct mrelease_info info = { .size = sizeof(info) };
	int dev = dev_open();

	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("MRELEASE_IOC_INFO");
	close(dev);
	return info.features;
}

/*
 * One point: not loaded, and why is said in the last line, which is the only one
 * but for that of unchecked=1, with all of these words.
 */
static void refused(int ret, int want, int lines, const char *const words[],
		    const char *fmt, ...)
{
	bool said = log_read() == lines && strstr(log_text, "cannot load");
	char what[128];
	va_list ap;
	int i;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (i = 0; words[i]; i++)
		said = said && strstr(log_text, words[i]);
	if (!tap_ok(ret == want && said && !loaded(), "%s: %s, and the reason",
		    what, err_name(want)))
		tap_note("%s", err_name(ret));
	tap_note("%s", log_text);
	if (!ret)
		unload();
}

/* One point: loaded, without one feature, and that is said. */
static void loaded_without(int ret, const struct symbol *symbol,
			   uint64_t before, const char *how)
{
	bool without = !ret && features() == (before & ~symbol->feature);
	bool said = log_read() == 2 && strstr(log_text, symbol->name) &&
		    strstr(log_text, "going on without");

	if (!tap_ok(without && said, "%s %s: its feature is gone, and said so",
		    symbol->name, how))
		tap_note("%s: %s", err_name(ret), log_text);
	if (!ret)
		unload();
}

static void btf_hide(void)
{
	if (mount("none", BTF_DIR, "tmpfs", 0, NULL))
		tap_bail("mount over " BTF_DIR);
}

static void btf_show(const char *where)
{
	if (umount(where))
		tap_bail("umount %s", where);
}

/* Load the right module on a kernel that has @bytes of @data for BTF. */
static int load_with(const void *data, size_t bytes)
{
	int fd = open(COPY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes || close(fd))
		tap_bail(COPY);
	if (mount(COPY, BTF_FILE, NULL, MS_BIND, NULL))
		tap_bail("mount over " BTF_FILE);
	ret = load(MODULE, "");
	btf_show(BTF_FILE);
	return ret;
}

/* A call through a pointer to a function without a landing pad would be a fault. */
static void test_guarded(void)
{
	static const char *const words[] = { "without a landing pad", "BTI",
					     NULL };
	const char *what = "a kernel whose text is guarded";

	if (DIRECT_CALLS)
		tap_skip("here all calls are direct", "%s", what);
	else
		refused(load(GUARDED, "unchecked=1"), -ENOEXEC, 1, words, "%s",
			what);
}

static void test_sources(void)
{
	static const char *const other[] = {
		"do_send_sig_info()",
		"for int (unsigned long, struct kernel_siginfo *, struct task_struct *, enum pid_type); ",
		"has int (int, struct kernel_siginfo *, struct task_struct *, enum pid_type)",
		NULL
	};
	static const char *const missing[] = { "check_kill_permission_of_old()",
					       NULL };

	refused(load(OTHER, ""), -ENOEXEC, 1, other,
		"compiled with another prototype");
	refused(load(OTHER, "unchecked=1"), -ENOEXEC, 1, other,
		"compiled with another prototype, unchecked=1");
	refused(load(MISSING, ""), -ENOENT, 1, missing,
		"compiled for a function that is not there");
	test_guarded();
}

static void test_no_btf(uint64_t before)
{
	static const char *const words[] = { BTF_FILE, "unchecked=1", NULL };
	static const char *const missing[] = { "check_kill_permission_of_old()",
					       NULL };
	int ret;

	refused(load(MODULE, ""), -EOPNOTSUPP, 1, words, "no BTF");
	ret = load(MODULE, "unchecked=1");
	tap_ok(!ret && log_read() == 2 && strstr(log_text, "not checked"),
	       "no BTF, unchecked=1: loaded, and said so");
	tap_ok(!ret && features() == before,
	       "no BTF, unchecked=1: no feature is missing");
	if (!ret)
		unload();
	refused(load(MISSING, "unchecked=1"), -ENOENT, 2, missing,
		"no BTF, unchecked=1, a function that is not there");
}

/* Each function in turn has the prototype of the next, or is not there. */
static void test_kernels(struct btf *btf, uint64_t before)
{
	int i, ret;

	for (i = 0; i < SYMBOLS; i++) {
		const struct symbol *symbol = &symbols[i];
		const char *const words[] = { symbol->name, NULL };

		btf_function_change(btf, symbol->name,
				    symbols[(i + 1) % SYMBOLS].name);
		ret = load_with(btf->data, btf->bytes);
		if (symbol->feature)
			loaded_without(ret, symbol, before, "is another");
		else
			refused(ret, -ENOEXEC, 1, words, "%s is another",
				symbol->name);
		btf_restore(btf);

		btf_function_remove(btf, symbol->name);
		ret = load_with(btf->data, btf->bytes);
		if (symbol->feature)
			loaded_without(ret, symbol, before, "is missing");
		else
			refused(ret, -ENOENT, 1, words, "%s is missing",
				symbol->name);
		btf_restore(btf);
	}
}

/* Whatever the file has in it: it is refused, or nothing of ours is in what is bad. */
static void test_damage(struct btf *btf)
{
	static const char *const words[] = { BTF_FILE, NULL };
	uint64_t state = 88172645463325252ULL;
	int i, bad = 0, ret;

	refused(load_with("", 0), -EOPNOTSUPP, 1, words, "empty BTF");
	refused(load_with(btf->data, btf->bytes - 1), -EOPNOTSUPP, 1, words,
		"BTF cut off");
	refused(load_with(btf->data, 20), -EOPNOTSUPP, 1, words,
		"BTF cut off in its header");
	for (i = 0; i < DAMAGES; i++) {
		btf_damage(btf, &state);
		ret = load_with(btf->data, btf->bytes);
		bad += ret && ret != -EOPNOTSUPP && ret != -ENOENT &&
		       ret != -ENOEXEC;
		if (!ret)
			unload();
		btf_restore(btf);
	}
	tap_ok(!bad, "damaged BTF %d times: refused, or loaded all the same",
	       DAMAGES);
}

int main(void)
{
	const char *why = "this kernel has no BTF";
	struct btf btf;
	uint64_t before;
	int i;

	tap_plan(POINTS);
	before = features();
	unload();

	if (access(BTF_FILE, R_OK)) {
		test_no_btf(before);
		for (i = 4; i < POINTS - 2; i++)
			tap_skip(why, "with BTF");
	} else {
		test_sources();
		btf_hide();
		test_no_btf(before);
		btf_show(BTF_DIR);
		btf_read(&btf, BTF_FILE);
		test_kernels(&btf, before);
		test_damage(&btf);
		btf_free(&btf);
	}
	unlink(COPY);
	tap_ok(load(MODULE, "unchecked=1 victims=0") == -EINVAL &&
		       load(MODULE, "unchecked=1 victims=100000000") ==
			       -EINVAL &&
		       !loaded(),
	       "a parameter out of range: EINVAL, not loaded");
	tap_ok(!load(MODULE, access(BTF_FILE, R_OK) ? "unchecked=1" : "") &&
		       features() == before,
	       "loaded again at the end, with all features");
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../lib/sys.h"
#include "cli.h"
#include "diagnose.h"

#define DMESG "sudo dmesg | grep -iE 'mrelease|module verification|lockdown'"
#define SECURE_BOOT                  \
	"/sys/firmware/efi/efivars/" \
	"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What the module cannot do without: module/symbols.c; lint compares. */
static const char *const needed[] = {
	"pidfd_get_pid",
	"check_kill_permission",
	"do_send_sig_info",
};

/* Of these it needs the one that the kernel has: module/compat/zap.h. */
static const char *const zaps[] = {
	"zap_vma_range",
	"zap_page_range",
	"zap_page_range_single",
};

struct finding {
	struct advice *list;
	size_t nr;
};

__attribute__((format(printf, 3, 4))) static struct advice *
add(struct finding *found, const char *id, const char *fmt, ...)
{
	struct advice *a;
	va_list args;

	if (found->nr == ADVICE_MAX)
		found->nr--;
	a = &found->list[found->nr++];
	a->id = id;
	va_start(args, fmt);
	vsnprintf(a->problem, sizeof(a->problem), fmt, args);
	va_end(args);
	return a;
}

__attribute__((format(printf, 2, 3))) static void remedy(struct advice *a,
							 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->remedy, sizeof(a->remedy), fmt, args);
	va_end(args);
}

static bool is_there(const char *path)
{
	char full[PATH_ROOM];

	root_path(full, sizeof(full), path);
	return !access(full, F_OK);
}

static bool says(const char *path, const char *word)
{
	char text[256];

	return file_read(path, text, sizeof(text)) > 0 && strstr(text, word);
}

/* mr_read_lines() below the root that the tests may have set. */
static bool each_line(const char *path, mr_line_fn fn, void *data)
{
	char full[PATH_ROOM];

	root_path(full, sizeof(full), path);
	return mr_read_lines(full, fn, data);
}

/* modules.dep: "updates/dkms/mrelease.ko.xz: ..." */
static void look_for_module(const char *line, void *data)
{
	static const char file[] = "mrelease.ko";
	const char *colon = strchr(line, ':');
	const char *name = strstr(line, file);
	char next;

	if (!name || !colon || name > colon)
		return;
	next = name[sizeof(file) - 1];
	if ((next == ':' || next == '.') && (name == line || name[-1] == '/'))
		*(bool *)data = true;
}

struct symbols {
	bool any;
	bool kprobes;
	bool zap;
	bool found[ARRAY_SIZE(needed)];
};

/* kallsyms: "0000000000000000 T pidfd_get_pid", and " [module]" behind some */
static void look_for_symbol(const char *line, void *data)
{
	struct symbols *symbols = data;
	const char *name = strrchr(line, ' ');
	size_t i;

	if (!name)
		return;
	name++;
	symbols->any = true;
	if (!strcmp(name, "register_kprobe"))
		symbols->kprobes = true;
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!strcmp(name, needed[i]))
			symbols->found[i] = true;
	}
	for (i = 0; i < ARRAY_SIZE(zaps); i++)
		symbols->zap |= !strcmp(name, zaps[i]);
}

static void add_missing(struct finding *found, const char *symbol)
{
	remedy(add(found, "symbol-missing",
		   "this kernel has no function %s(), which the module needs",
		   symbol),
	       "use a kernel that the module supports (README.md), or "
	       "report this one; the other back ends work without it");
}

static void check_kernel(struct finding *found)
{
	struct symbols symbols = { 0 };
	size_t i;

	if (!each_line("/proc/kallsyms", look_for_symbol, &symbols) ||
	    !symbols.any)
		return;
	if (!symbols.kprobes) {
		remedy(add(found, "no-kprobes",
			   "this kernel has no kprobes (CONFIG_KPROBES), by "
			   "which the module finds functions"),
		       "use a kernel that has them, as Debian's have; until "
		       "then the other back ends work without the module");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!symbols.found[i])
			add_missing(found, needed[i]);
	}
	if (!symbols.zap)
		add_missing(found, zaps[0]);
}

/* Whoever demands signatures says no to a module without a known one. */
static void check_signature(struct finding *found)
{
	char var[8];
	const char *who = NULL;

	if (file_read(SECURE_BOOT, var, sizeof(var)) >= 5 && var[4] == 1)
		who = "Secure Boot is on";
	if (says("/sys/module/module/parameters/sig_enforce", "Y"))
		who = "module.sig_enforce is on";
	if (says("/sys/kernel/security/lockdown", "[integrity]") ||
	    says("/sys/kernel/security/lockdown", "[confidentiality]"))
		who = "the kernel is locked down";
	if (!who)
		return;
	remedy(add(found, "signature",
		   "%s: a module is loaded only when its signature is known",
		   who),
	       "sudo mokutil --import /var/lib/dkms/mok.pub, reboot, enrol the "
	       "key there; or sign the module with a key that the firmware has");
}

static void check_installed(struct finding *found, const char *release)
{
	char path[PATH_ROOM];
	struct advice *a;

	if (!is_there("/var/lib/dkms/mrelease")) {
		remedy(add(found, "not-installed",
			   "the module is not installed for this kernel (%s)",
			   release),
		       "install mrelease-dkms and linux-headers-%s, or "
		       "sudo make dkms-install in the source",
		       release);
		return;
	}

	a = add(found, "not-built",
		"dkms has the module, but not for this kernel (%s)", release);
	snprintf(path, sizeof(path), "/lib/modules/%s/build", release);
	if (!is_there(path))
		remedy(a,
		       "sudo apt install linux-headers-%s, which has dkms "
		       "build it",
		       release);
	else
		remedy(a, "sudo dkms autoinstall; if that does not build it: "
			  "the kernel is not supported, or make.log below "
			  "/var/lib/dkms/mrelease says why");
}

static void check_loading(struct finding *found)
{
	bool installed = false;
	struct utsname name;
	char path[PATH_ROOM];
	struct advice *a;

	if (uname(&name))
		return;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep",
		 name.release);
	each_line(path, look_for_module, &installed);
	if (!installed) {
		check_installed(found, name.release);
	} else {
		a = add(found, "not-loaded",
			"the module is installed, but not loaded");
		remedy(a, "sudo modprobe mrelease; if that fails, " DMESG
			  " says why");
	}
	check_kernel(found);
	check_signature(found);
}

size_t diagnose(int device_err, struct advice list[ADVICE_MAX])
{
	struct finding found = { list, 0 };

	memset(list, 0, ADVICE_MAX * sizeof(*list));
	if (!device_err) {
		if (says("/sys/module/mrelease/parameters/enabled", "N"))
			remedy(add(&found, "switched-off",
				   "releases are switched off: each is EPERM"),
			       "echo 1 | sudo tee "
			       "/sys/module/mrelease/parameters/enabled");
		return found.nr;
	}
	if (device_err == EACCES || device_err == EPERM) {
		remedy(add(&found, "permission",
			   "this user may not open " MRELEASE_DEVICE),
		       "use sudo, or join the group that ls -l " MRELEASE_DEVICE
		       " shows; in a service see "
		       "DeviceAllow= of systemd.resource-control(5)");
		return found.nr;
	}
	if (!is_there("/sys/module/mrelease")) {
		check_loading(&found);
		return found.nr;
	}
	if (device_err == ENOENT)
		remedy(add(&found, "no-node",
			   "the module is loaded, but there is no " MRELEASE_DEVICE),
		       "mount a devtmpfs on /dev; or, in a container, have the "
		       "device passed in (--device " MRELEASE_DEVICE ")");
	else
		remedy(add(&found, "wrong-node",
			   "the module is loaded, but " MRELEASE_DEVICE
			   " is something else, or /sys is not mounted"),
		       "sudo rm " MRELEASE_DEVICE
		       "; sudo modprobe -r mrelease; sudo modprobe mrelease");
	return found.nr;
}

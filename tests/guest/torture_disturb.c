// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Torture: what goes on beside the calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "group.h"
#include "kinds.h"
#include "sys.h"
#include "tap.h"
#include "torture.h"

#define GROUP "/sys/fs/cgroup/test." TORTURE_GROUP
#define SUBGROUP "/sys/fs/cgroup/test." TORTURE_SUBGROUP
#define KSM "/sys/kernel/mm/ksm/"
#define CPU1 "/sys/devices/system/cpu/cpu1/online"
#define CORE "/tmp/torture.core"

static char core_pattern[128];
static int dir_fd = -1;
static unsigned int unloaded;

static struct prey *some_prey(uint64_t *rng)
{
	return &world->prey[pick(rng, world->preys)];
}

static void d_drop(uint64_t *rng)
{
	(void)rng;
	write_file("/proc/sys/vm/drop_caches", "3");
}

static void d_compact(uint64_t *rng)
{
	(void)rng;
	write_file("/proc/sys/vm/compact_memory", "1");
}

static void d_reclaim(uint64_t *rng)
{
	(void)rng;
	write_file(GROUP "/memory.reclaim", "4M");
}

static void d_freeze(uint64_t *rng)
{
	write_file(GROUP "/cgroup.freeze", "1");
	usleep(pick(rng, 5000));
	write_file(GROUP "/cgroup.freeze", "0");
}

static void d_move(uint64_t *rng)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", some_prey(rng)->pid);
	write_file(pick(rng, 2) ? SUBGROUP "/cgroup.procs" :
				  GROUP "/cgroup.procs",
		   text);
}

static void d_rmdir(uint64_t *rng)
{
	(void)rng;
	if (!rmdir(SUBGROUP))
		mkdir(SUBGROUP, 0755);
}

static void d_ptrace(uint64_t *rng)
{
	pid_t pid = some_prey(rng)->pid;
	unsigned int i;

	/* One that did not stop in time is still ours: or nobody would see it die. */
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   pick(rng, 2) ? PTRACE_O_TRACEEXIT : 0)) {
		ptrace(PTRACE_DETACH, pid, 0, 0);
		return;
	}
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	usleep(pick(rng, 3000));
	/*
	 * Only a stopped one can be let go, and one that dies stops in its exit.  It is
	 * not waited for here: whether it has ended is somebody else's to ask.
	 */
	for (i = 0; i < 2000 && ptrace(PTRACE_DETACH, pid, 0, 0); i++)
		usleep(100);
}

static void d_stop(uint64_t *rng)
{
	struct prey *prey = some_prey(rng);

	sys_pidfd_send_signal(prey->pidfd, SIGSTOP);
	usleep(pick(rng, 2000));
	sys_pidfd_send_signal(prey->pidfd, SIGCONT);
}

static void d_look(uint64_t *rng)
{
	static const char *const files[] = {
		"smaps",     "maps",	"status",  "stack",	   "pagemap",
		"numa_maps", "environ", "cmdline", "smaps_rollup", "exe"
	};
	char path[64], bytes[4096];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", some_prey(rng)->pid,
		 files[pick(rng, ARRAY_SIZE(files))]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, bytes, sizeof(bytes)) > 0 && pick(rng, 16))
		;
	close(fd);
}

static void d_clear(uint64_t *rng)
{
	char path[64], text[2] = { '1' + pick(rng, 5), 0 };

	snprintf(path, sizeof(path), "/proc/%d/clear_refs",
		 some_prey(rng)->pid);
	write_file(path, text);
}

/* A mapping of a victim, from its list. */
static bool some_mapping(pid_t pid, uint64_t *rng, struct iovec *iov)
{
	unsigned long start, end;
	unsigned int skip = pick(rng, 12);
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		iov->iov_base = (void *)start;
		iov->iov_len = end - start;
		found = true;
		if (!skip--)
			break;
	}
	fclose(f);
	return found;
}

static void d_read(uint64_t *rng)
{
	static char bytes[TORTURE_DISTURBANCES * 65536];
	struct prey *prey = some_prey(rng);
	struct iovec there, here = { bytes, sizeof(bytes) };

	if (some_mapping(prey->pid, rng, &there))
		process_vm_readv(prey->pid, &here, 1, &there, 1, 0);
}

static void d_advise(uint64_t *rng)
{
	struct prey *prey = some_prey(rng);
	struct iovec there;

	/* MADV_COLD, MADV_PAGEOUT */
	if (some_mapping(prey->pid, rng, &there))
		syscall(440, prey->pidfd, &there, 1UL, pick(rng, 2) ? 20 : 21,
			0);
}

static void d_ksm(uint64_t *rng)
{
	write_file(KSM "pages_to_scan", "1000");
	write_file(KSM "sleep_millisecs", "1");
	write_file(KSM "run", pick(rng, 4) ? "1" : "2");
}

static void d_cpu(uint64_t *rng)
{
	/* An emulated one takes long to come back. */
	if (pick(rng, world->slow ? 200 : 40))
		return;
	write_file(CPU1, "0");
	usleep(pick(rng, 5000));
	write_file(CPU1, "1");
}

static void d_fs_freeze(uint64_t *rng)
{
	if (ioctl(dir_fd, FIFREEZE, 0))
		return;
	usleep(pick(rng, 20000));
	ioctl(dir_fd, FITHAW, 0);
}

static void d_sync(uint64_t *rng)
{
	(void)rng;
	syncfs(dir_fd);
}

static void d_unload(uint64_t *rng)
{
	(void)rng;
	if (!syscall(SYS_delete_module, "mrelease", O_NONBLOCK))
		__atomic_fetch_add(&unloaded, 1, __ATOMIC_SEQ_CST);
}

static void d_swap(uint64_t *rng)
{
	if (!world->swap || pick(rng, 8))
		return;
	swapoff("/dev/zram0");
	swapon("/dev/zram0", 0);
}

/* To one of two nodes, from wherever it is. */
static void d_nodes(uint64_t *rng)
{
	unsigned long from = 3, to = 1UL << pick(rng, 2);

	if (world->nodes)
		syscall(SYS_migrate_pages, some_prey(rng)->pid,
			8 * sizeof(from), &from, &to);
}

static void d_handles(uint64_t *rng)
{
	struct mrelease_arm_args args = { .size = sizeof(args) };

	args.pidfd = some_prey(rng)->pidfd;
	args.flags = pick(rng, 2) ? MRELEASE_TEARDOWN : 0;
	if (!ioctl(world->dev, MRELEASE_IOC_ARM, &args))
		close(args.fd);
}

static const struct disturbance {
	const char *name;
	void (*step)(uint64_t *rng);
} disturbances[] = {
	{ "drop_caches", d_drop },
	{ "compaction", d_compact },
	{ "reclaim", d_reclaim },
	{ "cgroup freeze", d_freeze },
	{ "cgroup move", d_move },
	{ "cgroup removal", d_rmdir },
	{ "ptrace", d_ptrace },
	{ "stop", d_stop },
	{ "/proc", d_look },
	{ "clear_refs", d_clear },
	{ "vm_readv", d_read },
	{ "process_madvise", d_advise },
	{ "ksm", d_ksm },
	{ "CPU hotplug", d_cpu },
	{ "fs freeze", d_fs_freeze },
	{ "syncfs", d_sync },
	{ "unload", d_unload },
	{ "swapoff", d_swap },
	{ "handles", d_handles },
	{ "migration", d_nodes },
};

static struct {
	pthread_t thread;
	const struct disturbance *what;
	uint64_t rng;
} running[TORTURE_DISTURBANCES];
static unsigned int nr_running, counts[ARRAY_SIZE(disturbances)];
static int stop;

static void *disturb(void *arg)
{
	unsigned int i = (uintptr_t)arg;
	uint64_t rng = running[i].rng;

	do {
		running[i].what->step(&rng);
		__atomic_fetch_add(&counts[running[i].what - disturbances], 1,
				   __ATOMIC_RELAXED);
		usleep(pick(&rng, world->slow ? 5000 : 500));
	} while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST));
	return NULL;
}

void torture_disturb_setup(void)
{
	FILE *f = fopen("/proc/sys/kernel/core_pattern", "re");

	if (!f || !fgets(core_pattern, sizeof(core_pattern), f))
		tap_bail("core_pattern");
	fclose(f);
	write_file("/proc/sys/kernel/core_pattern", CORE);
	dir_fd = open(world->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		tap_bail("open %s", world->dir);
	thaw_at_the_end(dir_fd, world->dev);
	group_make(TORTURE_GROUP);
	group_make(TORTURE_SUBGROUP);
	world->swap = !no_swap();
	world->huge = !no_hugetlb();
	world->nodes = !access("/sys/devices/system/node/node1", F_OK);
	/* On demand: to load it where nobody has a use for it takes time. */
	if (getenv("MRELEASE_KVM"))
		no_kvm();
	tap_note("swap %s, huge pages %s, nodes %d, /dev/kvm %s",
		 world->swap ? "on zram" : "none",
		 world->huge ? "there" : "none", 1 + world->nodes,
		 access("/dev/kvm", F_OK) ? "none" : "there");
}

void torture_room(unsigned int processes)
{
	static unsigned int now;
	char text[16];

	if (processes == now)
		return;
	now = processes;
	snprintf(text, sizeof(text), "%u", processes);
	group_set(TORTURE_GROUP, "pids.max", text);
}

void torture_disturb_begin(uint64_t *rng)
{
	unsigned int i;

	stop = 0;
	nr_running = pick(rng, TORTURE_DISTURBANCES + 1);
	for (i = 0; i < nr_running; i++) {
		running[i].what =
			&disturbances[pick(rng, ARRAY_SIZE(disturbances))];
		running[i].rng = random_next(rng) | 1;
		torture_spawn(&running[i].thread, TORTURE_CALLERS + i, disturb,
			      (void *)(uintptr_t)i);
	}
}

void torture_disturb_end(void)
{
	unsigned int i;

	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < nr_running; i++)
		pthread_join(running[i].thread, NULL);
	nr_running = 0;
	write_file(KSM "run", "2");
	write_file(KSM "run", "0");
}

void torture_disturb_note(void)
{
	unsigned int i;
	char line[512];
	size_t len = 0;

	for (i = 0; i < ARRAY_SIZE(disturbances); i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%s %u",
				i ? ", " : "", disturbances[i].name, counts[i]);
	tap_note("%s", line);
	group_remove(TORTURE_SUBGROUP);
	group_remove(TORTURE_GROUP);
	kinds_end();
	write_file("/proc/sys/kernel/core_pattern", core_pattern);
	unlink(CORE);
	close(dir_fd);
	tap_ok(!unloaded, "the module is never unloaded under its users");
}

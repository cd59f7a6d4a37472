// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../userspace/lib/sys.h"
#include "fake.h"

struct fake fake;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int fail(int err)
{
	errno = err;
	return -1;
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.mode = S_IFCHR | 0600;
	fake.ino = 5;
	fake.subsystem = "../../../../class/misc";
	fake.devpath = "../../devices/virtual/misc/mrelease";
	fake.info.abi_version = MRELEASE_ABI_VERSION;
	fake.info.features = MRELEASE_KILL | MRELEASE_FEAT_CMD(0) |
			     MRELEASE_FEAT_CMD(1) | MRELEASE_FEAT_VISIBLE;
	strcpy(fake.info.primitive, "zap_page_range_single");
	strcpy(fake.info.version, "9.8.7");
	fake.probe_mrelease_err = EBADF;
	fake.probe_signal_err = EBADF;
	fake.now = 1000 * FAKE_MS;
	fake.exit_at = FAKE_NEVER;
	fake.fdinfo_pid = 42;
	fake.before = "Name:\tvictim\nCoreDumping:\t0\nVmSwap:\t     256 kB\n"
		      "RssAnon:\t    2048 kB\nRssFile:\t     512 kB\n"
		      "RssShmem:\t     128 kB\nHugetlbPages:\t   0 kB\n";
	fake.after = "Name:\tvictim\n";
	fake.stat = "42 (a) b) S 1 42 42 0 -1 4194560 0 0\n";
	fake_add(42, "victim");
}

void fake_unload(void)
{
	fake.open_err = ENOENT;
}

struct fake_victim *fake_add(pid_t pid, const char *comm)
{
	struct fake_victim *v = &fake.victims[fake.nr_victims++];

	memset(v, 0, sizeof(*v));
	v->pid = pid;
	v->comm = comm;
	v->fd = -1;
	return v;
}

static int null_fd(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int text_fd(const char *text)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return fail(EIO);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int release(struct mrelease_args *args)
{
	size_t i;
	int err;

	fake.args = *args;
	fake.now += fake.ioctl_ns;
	for (i = 0; i < fake.nr_victims; i++) {
		struct fake_victim *v = &fake.victims[i];

		/* Some tests bring a descriptor of their own. */
		if (v->fd != args->pidfd && fake.nr_victims > 1)
			continue;
		args->result = v->result;
		err = v->err;
		if (fake.once) {
			memset(&v->result, 0, sizeof(v->result));
			v->err = fake.later_err;
		}
		return err ? fail(err) : 0;
	}
	return fail(EBADF);
}

static int release_many(struct mrelease_many_args *args)
{
	struct mrelease_target *targets = (void *)(uintptr_t)args->targets;
	uint32_t i;
	size_t j;

	fake.many = *args;
	for (i = 0; i < args->nr; i++) {
		targets[i].error = -EBADF;
		for (j = 0; j < fake.nr_victims; j++) {
			struct fake_victim *v = &fake.victims[j];

			if (v->fd != targets[i].pidfd)
				continue;
			targets[i].error = -v->err;
			targets[i].pid = v->pid;
			targets[i].result = v->result;
			args->total.anon_bytes += v->result.anon_bytes;
			args->total.victims += v->result.victims;
			/* It dies, and leaves its cgroup. */
			if (!v->err)
				fake.killed |= 1U << j;
		}
	}
	return fake.many_err ? fail(fake.many_err) : 0;
}

static int release_cgroup(struct mrelease_cgroup_args *args)
{
	struct mrelease_target *targets = (void *)(uintptr_t)args->targets;
	uint32_t room = args->nr;
	uint32_t i;

	fake.cgroup = *args;
	args->nr = 0;
	if (fake.cgroup_err && fake.cgroup_err != EPERM)
		return fail(fake.cgroup_err);
	for (i = 0; i < fake.nr_victims; i++) {
		struct fake_victim *v = &fake.victims[i];

		if (i < room) {
			targets[i].pid = v->pid;
			targets[i].error = -v->err;
			targets[i].result = v->result;
		}
		args->total.anon_bytes += v->result.anon_bytes;
		args->total.victims += v->result.victims;
		args->nr++;
	}
	return fake.cgroup_err ? fail(fake.cgroup_err) : 0;
}

int mr_sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	fake.ioctls++;
	fake.ioctl_fd = fd;
	fake.request = request;
	if (request == MRELEASE_IOC_INFO) {
		struct mrelease_info *info = arg;

		fake.asked = *info;
		if (fake.info_err)
			ret = fail(fake.info_err);
		else
			*info = fake.info;
	} else if (request == MRELEASE_IOC_RELEASE) {
		ret = release(arg);
	} else if (request == MRELEASE_IOC_RELEASE_MANY) {
		ret = release_many(arg);
	} else if (request == MRELEASE_IOC_RELEASE_CGROUP) {
		ret = release_cgroup(arg);
	} else if (request == MRELEASE_IOC_ARM) {
		struct mrelease_arm_args *args = arg;

		fake.arm_args = *args;
		if (fake.arm_err)
			ret = fail(fake.arm_err);
		else
			args->fd = null_fd();
	} else {
		ret = fail(ENOTTY);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

int mr_sys_pidfd_open(pid_t pid)
{
	size_t i;

	if (fake.pidfd_open_err)
		return fail(fake.pidfd_open_err);
	for (i = 0; i < fake.nr_victims; i++) {
		if (fake.victims[i].pid == pid)
			return fake.victims[i].fd = null_fd();
	}
	return fail(ESRCH);
}

int mr_sys_pidfd_signal(int pidfd, int sig)
{
	if (pidfd < 0)
		return fail(fake.probe_signal_err);
	if (!sig)
		return fake.signal0_err ? fail(fake.signal0_err) : 0;
	if (sig != SIGKILL)
		return fail(EINVAL);
	if (fake.sigkill_err)
		return fail(fake.sigkill_err);
	fake.kills++;
	return 0;
}

int mr_sys_process_mrelease(int pidfd)
{
	size_t i;
	int err;

	if (pidfd < 0)
		return fail(fake.probe_mrelease_err);

	i = fake.mreleases++;
	if (!fake.nr_mrelease_errs)
		return 0;
	if (i >= fake.nr_mrelease_errs)
		i = fake.nr_mrelease_errs - 1;
	err = fake.mrelease_errs[i];
	return err ? fail(err) : 0;
}

static int open_procs(void);

static int open_proc(const char *path)
{
	char text[64];
	char name[64];
	size_t i;

	if (strstr(path, "/cgroup.procs"))
		return fake.procs_err ? fail(fake.procs_err) : open_procs();
	if (fake.no_proc)
		return fail(ENOENT);

	if (strstr(path, "/fdinfo/")) {
		long pid = fake.fdinfo_pid;

		if (fake.fdinfo_reads++ && fake.recycled)
			pid = -1;
		if (fake.not_pidfd)
			return text_fd("pos:\t0\nflags:\t02000000\n");
		snprintf(text, sizeof(text), "pos:\t0\nPid:\t%ld\n", pid);
		return text_fd(text);
	}
	for (i = 0; i < fake.nr_victims; i++) {
		snprintf(name, sizeof(name), "/proc/%d/comm",
			 (int)fake.victims[i].pid);
		if (!strcmp(path, name) && fake.victims[i].comm)
			return text_fd(fake.victims[i].comm);
	}
	snprintf(name, sizeof(name), "/proc/%ld/status", fake.fdinfo_pid);
	if (!strcmp(path, name))
		return text_fd(fake.kills || fake.mreleases ? fake.after :
							      fake.before);
	snprintf(name, sizeof(name), "/proc/%ld/stat", fake.fdinfo_pid);
	if (!strcmp(path, name) && fake.stat)
		return text_fd(fake.stat);
	return fail(ENOENT);
}

int mr_sys_open(const char *path, int flags)
{
	if (!strncmp(path, "/proc/", 6))
		return open_proc(path);
	/* A tree of the test's own. */
	if (strcmp(path, MRELEASE_DEVICE))
		return open(path, flags | O_CLOEXEC);
	fake.opens++;
	return fake.open_err ? fail(fake.open_err) : null_fd();
}

ssize_t mr_sys_read(int fd, void *buf, size_t size)
{
	/* In small pieces, as /proc may do it. */
	return read(fd, buf, size < 7 ? size : 7);
}

int mr_sys_fstat(int fd, struct stat *st)
{
	/* Another file may have got the number of a device that was closed. */
	if (fstat(fd, st))
		return -1;
	if (!S_ISCHR(st->st_mode))
		return 0;
	memset(st, 0, sizeof(*st));
	st->st_mode = fake.mode;
	st->st_rdev = makedev(10, 123);
	st->st_ino = fake.ino;
	return 0;
}

bool mr_sys_is_cgroup(int fd)
{
	(void)fd;
	return !fake.no_cgroup;
}

/* The cgroup.procs of the root of a fake cgroup: who is not dead. */
static int open_procs(void)
{
	char text[FAKE_VICTIMS * 12 + 12] = "";
	size_t len = 0;
	size_t i;

	fake.procs_reads++;
	for (i = 0; i < fake.nr_victims; i++) {
		if (!(fake.killed & 1U << i))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%d\n",
						(int)fake.victims[i].pid);
	}
	if (fake.inside)
		snprintf(text + len, sizeof(text) - len, "%d\n", getpid());
	return text_fd(text);
}

ssize_t mr_sys_readlink(const char *path, char *buf, size_t size)
{
	const char *target = NULL;

	if (!strcmp(path, "/sys/dev/char/10:123"))
		target = fake.devpath;
	else if (!strcmp(path, "/sys/dev/char/10:123/subsystem"))
		target = fake.subsystem;
	if (!target)
		return fail(ENOENT);
	if (strlen(target) < size)
		size = strlen(target);
	memcpy(buf, target, size);
	return (ssize_t)size;
}

int mr_sys_poll(int fd, uint32_t timeout_ms)
{
	(void)fd;
	if (fake.poll_err)
		return fail(fake.poll_err);
	if (fake.now >= fake.exit_at)
		return 1;
	if (fake.exit_at <= fake.now + timeout_ms * FAKE_MS) {
		fake.now = fake.exit_at;
		return 1;
	}
	fake.now += timeout_ms * FAKE_MS;
	return 0;
}

void mr_sys_sleep(uint32_t ms)
{
	fake.sleeps++;
	fake.slept_ms += ms;
	fake.now += ms * FAKE_MS;
}

uint64_t mr_sys_now(void)
{
	return fake.now;
}

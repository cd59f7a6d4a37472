// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The numbers of a result against what the page tables of the victim held just
 * before the call.  The victims sleep, or are held in their exit, so the counts
 * are exact to the page.
 */
/* guest: smp=2 mem=2048 timeout=120 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1024UL * 1024)
#define HUGE_PAGES 4
#define FILE_BYTES (4 * MIB)
#define CHILD_BYTES (8 * MIB)
#define VISIBLE_BYTES (256 * MIB)
/* More than a process has from its parent after fork(2), here. */
#define PARENT_BYTES (256 * 1024UL)

/* A ramfs: its pages are page cache and not shmem, on any kernel. */
#define FILES "/tmp/files"
#define FILE_PATH FILES "/file"

static int dev;

/* The forked victim says who its child is, and the test when that may go on. */
static int child_pipe[2];
static int go_pipe[2];

static char *map_file(int prot, int flags)
{
	int fd = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	char *mem;

	mem = mmap(NULL, FILE_BYTES, prot, flags, fd, 0);
	if (fd < 0 || mem == MAP_FAILED)
		_exit(95);
	return mem;
}

/* Read every page from @mem to @mem + @bytes. */
static void live(void)
{
	victim_ready();
	victim_live(VICTIM_SLEEP, NULL, 0);
}

static void anon_body(void *arg)
{
	(void)arg;
	map_touched(16 * MIB, false);
	map_touched(16 * MIB, true);
	live();
}

static void clean_body(void *arg)
{
	(void)arg;
	read_pages(map_file(PROT_READ, MAP_PRIVATE), FILE_BYTES);
	live();
}

static void copies_body(void *arg)
{
	char *mem = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	(void)arg;
	read_pages(mem, FILE_BYTES);
	memset(mem, 3, FILE_BYTES / 2);
	live();
}

static void shared_file_body(void *arg)
{
	(void)arg;
	map_touched(MIB, false);
	memset(map_file(PROT_READ | PROT_WRITE, MAP_SHARED), 4, FILE_BYTES);
	live();
}

/* A memfd mapped twice: what is private goes, what is shared stays. */
static void memfd_body(void *arg)
{
	int fd = memfd_create("mrelease-test", MFD_CLOEXEC);
	char *mem;

	(void)arg;
	if (fd < 0 || ftruncate(fd, FILE_BYTES))
		_exit(95);
	mem = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		_exit(95);
	memset(mem, 5, FILE_BYTES);
	mem = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		   0);
	if (mem == MAP_FAILED)
		_exit(95);
	read_pages(mem, FILE_BYTES);
	memset(mem, 6, MIB);
	live();
}

static void hugetlb_body(void *arg)
{
	size_t bytes = HUGE_PAGES * 2 * MIB;
	char *mem;

	(void)arg;
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		_exit(95);
	memset(mem, 7, bytes);
	live();
}

/* The child has all of the victim's pages as well, and must keep them. */
static void forked_body(void *arg)
{
	size_t bytes = CHILD_BYTES, off;
	char *mem = map_touched(bytes, false);
	char byte;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (pid < 0)
		_exit(95);
	if (!pid) {
		close(go_pipe[1]);
		if (read(go_pipe[0], &byte, 1) != 1)
			_exit(1);
		for (off = 0; off < bytes; off += 4096)
			if (mem[off] != 1)
				_exit(2);
		_exit(0);
	}
	if (write(child_pipe[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(95);
	live();
}

static bool same_counts(const struct mrelease_result *res,
			const struct footprint *fp, uint64_t shared_file,
			uint64_t shared_shmem)
{
	bool ret = res->anon_bytes == fp->anon &&
		   res->file_bytes == fp->file - shared_file &&
		   res->shmem_bytes == fp->shmem - shared_shmem &&
		   res->swap_bytes == 0 && res->hugetlb_bytes == 0 &&
		   res->evicted_bytes == 0;

	if (!ret)
		tap_note(
			"anon %llu file %llu shmem %llu of %llu, %llu, %llu bytes",
			(unsigned long long)res->anon_bytes,
			(unsigned long long)res->file_bytes,
			(unsigned long long)res->shmem_bytes,
			(unsigned long long)fp->anon,
			(unsigned long long)(fp->file - shared_file),
			(unsigned long long)(fp->shmem - shared_shmem));
	return ret;
}

/*
 * struct kind - a kind of memory
 * @shared_file: bytes of shared file mappings, which stay
 * @shared_shmem: the same of shmem
 * @reasons: left_reasons
 */
struct kind {
	const char *name;
	void (*body)(void *arg);
	uint64_t shared_file;
	uint64_t shared_shmem;
	uint32_t reasons;
};

static const struct kind kinds[] = {
	{ "anonymous", anon_body, 0, 0, 0 },
	{ "private file, clean", clean_body, 0, 0, 0 },
	{ "private file, copies", copies_body, 0, 0, 0 },
	{ "shared file", shared_file_body, FILE_BYTES, 0,
	  MRELEASE_LEFT_SHARED_MAP },
	{ "memfd", memfd_body, 0, FILE_BYTES, MRELEASE_LEFT_SHARED_MAP },
	{ "shared with a child", forked_body, 0, 0, 0 },
	{ "hugetlb", hugetlb_body, 0, 0, MRELEASE_LEFT_HUGETLB },
};

/*
 * What others have as well is not freed: the pages of a child, and a few that
 * the victim has from its own parent.  An estimate is an upper bound.
 */
static bool right_freed(const struct mrelease_result *res, uint64_t child_bytes)
{
	uint64_t most = res->anon_bytes - child_bytes;

	if (res->notes & MRELEASE_NOTE_ESTIMATED)
		return res->freed_bytes <= res->anon_bytes;
	if (res->freed_bytes <= most && res->freed_bytes + PARENT_BYTES >= most)
		return true;
	tap_note("freed %llu of %llu bytes at most",
		 (unsigned long long)res->freed_bytes,
		 (unsigned long long)most);
	return false;
}

/* 6 points. */
static void check_kind(const struct kind *kind)
{
	struct victim victim = victim_start(kind->body, NULL);
	static const struct mrelease_result zero;
	struct mrelease_result res;
	struct footprint fp;
	uint64_t start, wall;
	bool sane;
	int ret;

	proc_wait_state(victim.pid, "S", 1000);
	footprint_read(victim.pid, &fp);
	/* The test's mappings are what @kind says, or the test is wrong. */
	sane = fp.shared_map == kind->shared_file + kind->shared_shmem;

	start = now_ns();
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
	wall = now_ns() - start;

	tap_ok(sane && !ret, "%s: released", kind->name);
	tap_ok(same_counts(&res, &fp, kind->shared_file, kind->shared_shmem),
	       "%s: counts are those of the page tables", kind->name);
	if (!tap_ok(res.left_bytes == fp.shared_map + fp.hugetlb &&
			    res.left_reasons == kind->reasons,
		    "%s: what is left, and why", kind->name))
		tap_note("left %llu bytes, reasons %#x",
			 (unsigned long long)res.left_bytes, res.left_reasons);
	tap_ok(right_freed(&res, kind->body == forked_body ? CHILD_BYTES : 0),
	       "%s: freed is what nobody else has", kind->name);
	tap_ok(res.victims == 1 && res.elapsed_ns && res.elapsed_ns <= wall &&
		       !res.pad &&
		       !memcmp(res.reserved, zero.reserved,
			       sizeof(zero.reserved)),
	       "%s: the rest of the result", kind->name);
	tap_ok(was_killed(victim_reap(&victim)), "%s: killed by SIGKILL",
	       kind->name);
}

/* 1 point. */
static void check_child_unharmed(void)
{
	int status = -1;
	pid_t pid;

	if (read(child_pipe[0], &pid, sizeof(pid)) != sizeof(pid) ||
	    write(go_pipe[1], "", 1) != 1)
		tap_bail("pipe");
	if (waitpid(pid, &status, 0) != pid)
		tap_bail("waitpid");
	tap_ok(WIFEXITED(status) && !WEXITSTATUS(status),
	       "the child of the victim has its pages still");
}

/* 5 points: a victim that was killed by kill(2) before, and has not got away. */
static void check_killed_before(void)
{
	struct victim victim = victim_start(memfd_body, NULL);
	struct mrelease_result first, again;
	struct footprint fp;

	/* It may be on its way to where it sleeps, and to a page more. */
	hold_freeze(victim.pid);
	footprint_read(victim.pid, &fp);
	tap_ok(dev_release(dev, victim.pidfd, 0, NULL) == -EINVAL,
	       "flags 0: EINVAL before the kill");
	sys_pidfd_send_signal(victim.pidfd, SIGKILL);
	tap_ok(!dev_release(dev, victim.pidfd, 0, &first) &&
		       same_counts(&first, &fp, 0, FILE_BYTES),
	       "flags 0 after kill(2): counts are those of the page tables");
	tap_ok(first.left_bytes == FILE_BYTES &&
		       first.left_reasons == MRELEASE_LEFT_SHARED_MAP &&
		       !first.victims,
	       "flags 0 after kill(2): what is left, and why");
	tap_ok(!dev_release(dev, victim.pidfd, 0, &again) &&
		       !again.anon_bytes && !again.file_bytes &&
		       !again.shmem_bytes && again.left_bytes == FILE_BYTES,
	       "flags 0 once more: nothing came back, the same is left");
	hold_thaw();
	tap_ok(was_killed(victim_reap(&victim)),
	       "flags 0 after kill(2): killed by SIGKILL");
}

static bool is_visible(void)
{
	struct mrelease_info info = { .size = sizeof(info) };

	if (ioctl(dev, MRELEASE_IOC_INFO, &info))
		tap_bail("MRELEASE_IOC_INFO");
	return info.features & MRELEASE_FEAT_VISIBLE;
}

/* 1 point. */
static void check_memfree(void)
{
	struct victim victim = victim_anon(VISIBLE_BYTES, VICTIM_SLEEP, -1);
	long before = proc_kib("/proc/meminfo", "MemFree");
	struct mrelease_result res;
	long rise;
	int ret;

	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
	rise = proc_kib("/proc/meminfo", "MemFree") - before;
	victim_reap(&victim);
	tap_note("anon_bytes %llu KiB, MemFree at return up by %ld KiB",
		 (unsigned long long)res.anon_bytes / 1024, rise);
	if (is_visible())
		tap_ok(!ret && rise >= (long)(VISIBLE_BYTES / 1024 * 9 / 10),
		       "MemFree rises at return");
	else
		tap_skip("this kernel has not the feature",
			 "MemFree rises at return");
}

static bool make_file(void)
{
	static char block[65536];
	size_t off;
	int fd;

	mkdir("/tmp", 01777);
	mkdir(FILES, 0700);
	if (mount("ramfs", FILES, "ramfs", 0, NULL))
		return false;
	fd = open(FILE_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	memset(block, 9, sizeof(block));
	for (off = 0; off < FILE_BYTES; off += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return false;
	return !close(fd);
}

int main(void)
{
	unsigned int i;
	bool huge;

	tap_plan(6 * ARRAY_SIZE(kinds) + 1 + 5 + 1);
	khugepaged_rest();
	dev = dev_open();
	hold_setup();
	if (!make_file())
		tap_bail("a file in a ramfs");
	if (pipe2(child_pipe, O_CLOEXEC) || pipe2(go_pipe, O_CLOEXEC))
		tap_bail("pipe2");
	/* The child of a dead victim is ours to wait for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	write_file("/proc/sys/vm/nr_hugepages", "4");
	huge = proc_kib("/proc/meminfo", "HugePages_Free") >= HUGE_PAGES;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].body == hugetlb_body && !huge) {
			unsigned int n;

			for (n = 0; n < 6; n++)
				tap_skip("no huge pages", "%s", kinds[i].name);
			continue;
		}
		check_kind(&kinds[i]);
		if (kinds[i].body == forked_body)
			check_child_unharmed();
	}
	write_file("/proc/sys/vm/nr_hugepages", "0");
	check_killed_before();
	check_memfree();
	umount2(FILES, MNT_DETACH);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A victim that dumps core is refused, and its dump is not disturbed: whoever
 * reads it, slowly here, finds every page as it was.
 */
/* guest: smp=2 mem=1024 timeout=120 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define BYTES (8UL * 1024 * 1024)
#define PAGE 4096
#define PATTERN "/proc/sys/kernel/core_pattern"
/* The program that reads the dump says by files how far it is. */
#define DIR "/tmp/mrelease-core"
#define BEGUN DIR "/begun"
#define GO DIR "/go"
#define PART DIR "/part"
#define CORE DIR "/core"

/* Each page begins with its own address, so that none can stand for another. */
struct page {
	uint64_t address;
	char rest[PAGE - sizeof(uint64_t)];
};

static struct page *pages;

static void crash_body(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < BYTES / PAGE; i++)
		pages[i].address = (uintptr_t)&pages[i];
	victim_ready();
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

/* What the kernel starts, with the dump as stdin: nobody's child here. */
static int read_core(void)
{
	static char block[65536];
	int out = open(PART, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int begun = open(BEGUN, O_WRONLY | O_CREAT, 0600);
	ssize_t n;
	int i;

	if (out < 0 || begun < 0)
		return 1;
	/* Not for ever, else a test that ended early would leave a process. */
	for (i = 0; i < 6000 && access(GO, F_OK); i++)
		sleep_ms(10);
	while ((n = read(0, block, sizeof(block))) > 0)
		if (write(out, block, n) != n)
			return 1;
	return rename(PART, CORE) ? 1 : 0;
}

static bool wait_file(const char *path)
{
	int i;

	for (i = 0; i < 3000; i++) {
		if (!access(path, F_OK))
			return true;
		sleep_ms(10);
	}
	return false;
}

/* How many pages of the victim are in the dump as they were. */
static size_t intact_pages(void)
{
	int fd = open(CORE, O_RDONLY | O_CLOEXEC);
	uintptr_t start = (uintptr_t)pages;
	size_t i, found = 0;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;
	int n;

	if (fd < 0 || read(fd, &eh, sizeof(eh)) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return 0;
	for (n = 0; n < eh.e_phnum; n++) {
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + n * sizeof(ph)) !=
		    sizeof(ph))
			break;
		if (ph.p_type != PT_LOAD)
			continue;
		for (i = 0; i < BYTES / PAGE; i++) {
			uint64_t address = start + i * PAGE, word;

			if (address >= ph.p_vaddr &&
			    address < ph.p_vaddr + ph.p_filesz &&
			    pread(fd, &word, sizeof(word),
				  ph.p_offset + address - ph.p_vaddr) ==
				    sizeof(word))
				found += word == address;
		}
	}
	close(fd);
	return found;
}

static char old_pattern[256];

static void set_pattern(void)
{
	char self[128], text[192];
	ssize_t n;
	int fd;

	fd = open(PATTERN, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, old_pattern, sizeof(old_pattern) - 1) < 0)
		tap_bail(PATTERN);
	close(fd);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		tap_bail("/proc/self/exe");
	self[n] = '\0';
	snprintf(text, sizeof(text), "|%s read-core", self);
	errno = -write_file(PATTERN, text);
	if (errno)
		tap_bail(PATTERN);
}

static void clean(void)
{
	unlink(BEGUN);
	unlink(GO);
	unlink(PART);
	unlink(CORE);
}

int main(int argc, char **argv)
{
	struct mrelease_result res;
	struct victim victim;
	size_t intact;
	bool dumping;
	int dev, ret, status;

	if (argc == 2 && !strcmp(argv[1], "read-core"))
		return read_core();

	tap_plan(6);
	dev = dev_open();
	mkdir("/tmp", 01777);
	mkdir(DIR, 0700);
	clean();
	pages = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		tap_bail("mmap");
	set_pattern();

	victim = victim_start(crash_body, NULL);
	dumping = wait_file(BEGUN);
	write_file(PATTERN, old_pattern);

	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
	tap_ok(dumping && ret == -EBUSY && !res.victims &&
		       res.left_reasons == MRELEASE_LEFT_DUMP,
	       "KILL: EBUSY while it dumps core, nobody signalled");
	tap_ok(dev_release(dev, victim.pidfd, 0, &res) == -EINVAL &&
		       res.left_reasons == MRELEASE_LEFT_DUMP,
	       "flags 0: EINVAL while it dumps core");
	if (have_process_mrelease())
		tap_ok(sys_process_mrelease(victim.pidfd, 0) == -EINVAL,
		       "process_mrelease(2): EINVAL as well");
	else
		tap_skip("this kernel has not that call",
			 "process_mrelease(2): EINVAL as well");

	if (creat(GO, 0600) < 0 || !wait_file(CORE))
		tap_bail(CORE);
	intact = intact_pages();
	if (!tap_ok(intact == BYTES / PAGE, "the dump has every page"))
		tap_note("%zu of %lu", intact, BYTES / PAGE);
	proc_wait_state(victim.pid, "Z", 10000);
	tap_ok(dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL) == -ESRCH,
	       "ESRCH when the dump is complete and the victim gone");
	status = victim_reap(&victim);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV &&
		       WCOREDUMP(status),
	       "ended by its own signal, with a dump");
	clean();
	rmdir(DIR);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The OOM notifier (module parameter oom_notifier).  A release that goes on only while
 * the OOM killer waits for it, an eater that needs what is coming back, and a bystander
 * whom the OOM killer would take: it does so without the notifier, does not with it,
 * does when the release is stuck, and does in a memory cgroup in any case.
 */
/* guest: smp=2 mem=512 disk=ext4:64 timeout=300 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "files.h"
#include "robust.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"
#include "weigh.h"

#define PARAM "/sys/module/mrelease/parameters/oom_notifier"
#define GROUP "/sys/fs/cgroup/oom"
#define PAGE 4096UL
#define VICTIM_BYTES (160 * MIB)
#define BYSTANDER_BYTES (16 * MIB)
#define MEAL (104 * MIB)
/* What is left when the eater has had its first course. */
#define LEFT (16 * MIB)
/* How long the release may go on before it is held again. */
#define STEP_MS 20
#define PATIENCE_MS 60000
/* Three quarters of what the OOM killer waits for a release at most. */
#define GIVE_UP_NS 1500000000LL

enum scene { PLAIN, STUCK, GROUPED };

/* struct shared - what the processes tell each other */
struct shared {
	enum scene kind;
	bool full;
	volatile bool eat;
	volatile bool eaten;
	volatile bool call;
	volatile bool called;
	volatile bool returned;
	volatile bool held;
	int ret;
	uint64_t ate_ns;
};

static struct shared *sh;
static int dev;
static int disk;
static int go_pipe[2];
static struct victim *target;

static void score(const char *text)
{
	if (write_file("/proc/self/oom_score_adj", text))
		_exit(94);
}

static void join_group(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (sh->kind == GROUPED && write_file(GROUP "/cgroup.procs", pid))
		_exit(93);
}

static char *take(size_t bytes)
{
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		_exit(96);
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	return mem;
}

/*
 * The robust list begins in a page that is in the page cache and not mapped, so it
 * cannot be followed before the thread has done so; which is in state D.
 */
static void get_stuck(void)
{
	int list = open("/tmp/oom-list", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int fd = open("/mnt/stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct robust_list_head head = { .futex_offset = ROBUST_OFFSET };
	struct robust_list_head *mem;
	char byte;

	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, list, 0);
	head.list.next = &mem->list;
	if (mem == MAP_FAILED || fd < 0 ||
	    pwrite(list, &head, sizeof(head), 0) != sizeof(head) ||
	    ftruncate(list, PAGE))
		_exit(92);
	robust_register(mem);
	victim_ready();
	if (read(go_pipe[0], &byte, 1) != 1 || write(fd, "", 1) != 1)
		_exit(91);
	_exit(90);
}

static void victim_body(void *arg)
{
	(void)arg;
	score("-1000");
	join_group();
	memset(take(VICTIM_BYTES), 1, VICTIM_BYTES);
	if (sh->kind == STUCK)
		get_stuck();
	victim_ready();
	for (;;)
		pause();
}

static void bystander_body(void *arg)
{
	(void)arg;
	score("1000");
	join_group();
	memset(take(BYSTANDER_BYTES), 1, BYSTANDER_BYTES);
	victim_ready();
	for (;;)
		pause();
}

/* Its second course is what it was told to wait for. */
static void eater_body(void *arg)
{
	size_t first = *(size_t *)arg, i;
	char *mem = take(GIB);
	uint64_t start;

	/* After the bystander, whatever it has eaten by then. */
	score("0");
	join_group();
	pin_to_cpu(1);
	memset(mem, 1, first);
	victim_ready();
	while (!sh->eat)
		sleep_ms(1);
	start = now_ns();
	for (i = 0; i < MEAL; i += PAGE)
		mem[first + i] = 1;
	sh->ate_ns = now_ns() - start;
	sh->eaten = true;
	for (;;)
		pause();
}

/*
 * On a CPU that it has only while nobody else wants it.  It must be so from the first:
 * up to 6.5 a process that is SCHED_IDLE for a moment only pays for what it ran then as
 * if it were a hundred times more, and has no CPU for seconds after.
 */
static void releaser_body(void *arg)
{
	struct sched_param param = {};

	(void)arg;
	score("-1000");
	pin_to_cpu(0);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		_exit(89);
	victim_ready();
	while (!sh->call)
		sleep_ms(1);
	sh->called = true;
	sh->ret = dev_release(dev, target->pidfd, MRELEASE_KILL, NULL);
	sh->returned = true;
	_exit(0);
}

/*
 * On the CPU of the release, and wants it while that is to be held; the kernel's own
 * threads have what they need.
 */
static void spinner_body(void *arg)
{
	(void)arg;
	score("-1000");
	pin_to_cpu(0);
	victim_ready();
	for (;;) {
		while (sh->held)
			;
		sleep_ms(1);
	}
}

static uint64_t group_bytes(void)
{
	char text[32] = "";
	int fd = open(GROUP "/memory.current", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		tap_bail("memory.current");
	close(fd);
	return strtoull(text, NULL, 10);
}

/* What there is to be had, where it matters. */
static int64_t available(uint64_t limit)
{
	if (sh->kind == GROUPED)
		return limit - group_bytes();
	return (int64_t)proc_kib("/proc/meminfo", "MemAvailable") * 1024;
}

static uint64_t group_oom_kills(void)
{
	FILE *f = fopen(GROUP "/memory.events", "re");
	unsigned long long n = 0;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "oom_kill %llu", &n);
	if (f)
		fclose(f);
	return n;
}

static bool await(volatile bool *what, unsigned int ms)
{
	for (; !*what && ms; ms--)
		sleep_ms(1);
	return *what;
}

/* struct outcome - of one run */
struct outcome {
	uint64_t kills;
	unsigned int asked; /* so often it went on since the notifier waited */
	bool bystander;
	bool eaten;
	bool in_time; /* the release was still at work when that was seen */
	bool released;
	int64_t idle_ns; /* STUCK: what the eater slept between that and its end */
};

static bool alive(const struct victim *v)
{
	return proc_pid_kib(v->pid, "status", "VmRSS") > 0;
}

/* The eater has what it wanted, or the bystander is dead.  Takes no memory. */
static bool decided(const struct victim *bystander)
{
	siginfo_t info = {};

	waitid(P_PID, bystander->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return sh->eaten || info.si_pid;
}

/* How long the eater slept until now: neither on a CPU nor waiting for one. */
static int64_t slept_ns(const struct victim *eater)
{
	unsigned long long ran = 0, waited = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", eater->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu %llu", &ran, &waited) != 2)
		tap_bail(path);
	fclose(f);
	return now_ns() - ran - waited;
}

/* The next time it is at the end of its memory, the eater is taken itself. */
static int64_t slept_till_its_end(const struct victim *eater)
{
	int64_t before = slept_ns(eater);

	proc_wait_state(eater->pid, "Z", PATIENCE_MS);
	return slept_ns(eater) - before;
}

/*
 * Does the notifier make the eater wait?  @where is its /proc/PID/wchan, which takes no
 * memory to read.  Before 5.16 that does not know, and it is its /proc/PID/stack: that
 * takes some, which is the same each time unless what was freed is kept for a while, as
 * with KASAN.
 */
static bool asks(int where)
{
	static char text[4096];
	ssize_t n = pread(where, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return strstr(text, "mr_oom_notify");
}

static void step(void)
{
	sh->held = false;
	sleep_ms(STEP_MS);
	sh->held = true;
}

/*
 * Begin the release, and hold it; let it go on for a moment whenever it is waited for.
 * Nothing here takes memory, or this would wait for what it holds.
 */
static unsigned int go_when_asked(const struct victim *eater,
				  const struct victim *bystander)
{
	uint64_t end = now_ns() + PATIENCE_MS * 1000000ULL;
	unsigned int asked = 0;
	char path[64];
	int where;

	snprintf(path, sizeof(path), "/proc/%d/%s", eater->pid,
		 kernel_before(5, 16) ? "stack" : "wchan");
	where = open(path, O_RDONLY | O_CLOEXEC);
	if (where < 0 || asks(where))
		tap_bail(path);
	sh->call = true;
	step();
	sh->eat = true;
	while (!decided(bystander) && now_ns() < end) {
		if (asks(where)) {
			asked++;
			step();
		} else {
			sleep_ms(1);
		}
	}
	close(where);
	return asked;
}

/* PLAIN: the release goes on when it is asked for, GROUPED: it is held all the time. */
static struct outcome run(enum scene kind, bool notifier)
{
	struct victim victim, bystander, eater, releaser, spinner;
	uint64_t limit = 224 * MIB, before, end;
	struct outcome out = {};
	uint64_t begun = now_ns();
	char text[32];
	int64_t had;
	size_t first;

	memset(sh, 0, sizeof(*sh));
	sh->kind = kind;
	write_file(PARAM, notifier ? "1" : "0");
	if (kind == GROUPED) {
		mkdir(GROUP, 0700);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)limit);
		if (write_file(GROUP "/memory.max", text))
			tap_bail("memory.max");
	}
	drop_caches();
	victim = victim_start(victim_body, NULL);
	bystander = victim_start(bystander_body, NULL);
	spinner = victim_start(spinner_body, NULL);
	target = &victim;
	if (kind == STUCK) {
		if (ioctl(disk, FIFREEZE, 0) || write(go_pipe[1], "", 1) != 1)
			tap_bail("FIFREEZE");
		proc_wait_state(victim.pid, "D", 10000);
	}
	had = available(limit);
	first = had > (int64_t)LEFT ? had - LEFT : 0;
	eater = victim_start(eater_body, &first);

	before = kind == GROUPED ? group_oom_kills() : vmstat("oom_kill");
	releaser = victim_start(releaser_body, NULL);
	if (kind == PLAIN) {
		out.asked = go_when_asked(&eater, &bystander);
	} else {
		sh->held = kind != STUCK;
		sh->call = true;
		await(&sh->called, PATIENCE_MS);
		if (kind == STUCK)
			sleep_ms(500);
		sh->eat = true;
		end = now_ns() + PATIENCE_MS * 1000000ULL;
		while (!decided(&bystander) && now_ns() < end)
			sleep_ms(1);
	}

	out.in_time = !sh->returned;
	out.eaten = sh->eaten;
	out.bystander = alive(&bystander);
	sh->held = false;
	if (kind == STUCK)
		out.idle_ns = slept_till_its_end(&eater);
	/* The counter is as of the kill, which may be a little later. */
	sleep_ms(100);
	out.kills = (kind == GROUPED ? group_oom_kills() : vmstat("oom_kill")) -
		    before;
	victim_end(&eater);
	if (kind == STUCK && ioctl(disk, FITHAW, 0))
		tap_bail("FITHAW");
	out.released = await(&sh->returned, PATIENCE_MS) && !sh->ret;
	victim_reap(&releaser);
	victim_end(&spinner);
	victim_end(&victim);
	victim_end(&bystander);
	if (kind == GROUPED)
		rmdir(GROUP);
	tap_note(
		"kind %d, notifier %d: oom_kill +%llu, asked %u, bystander %s, eater %s after %.0f ms, release %s; %.1f s",
		kind, notifier, (unsigned long long)out.kills, out.asked,
		out.bystander ? "alive" : "killed",
		out.eaten ? "done" : "not done", sh->ate_ns / 1e6,
		err_name(sh->ret), (now_ns() - begun) / 1e9);
	return out;
}

int main(void)
{
	struct outcome out;

	tap_plan(10);
	dev = dev_open();
	disk = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sh = caller_shared(sizeof(*sh));
	if (disk < 0 || pipe2(go_pipe, O_CLOEXEC))
		tap_bail("/mnt");
	thaw_at_the_end(disk, dev);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	pin_to_cpu(1);
	score("-1000");
	write_file("/dev/kmsg", "<6>mrelease-test: expect Call Trace");

	tap_ok(!access(PARAM, F_OK), "the parameter exists");
	out = run(PLAIN, false);
	tap_ok(out.kills && !out.bystander && out.in_time,
	       "off: the OOM killer takes a second victim during a release");
	tap_ok(out.released, "off: released");
	out = run(PLAIN, true);
	tap_ok(!out.kills && out.bystander && out.asked,
	       "on: the OOM killer takes no second victim");
	tap_ok(out.eaten && out.released,
	       "on: released, and what came is used");
	out = run(STUCK, true);
	tap_ok(out.kills && !out.bystander && out.in_time,
	       "on, a stuck release: the OOM killer takes its victim");
	if (!tap_ok(out.kills > 1 && out.idle_ns < GIVE_UP_NS,
		    "on, a stuck release: for the next victim there is no wait"))
		tap_note("kills %llu", (unsigned long long)out.kills);
	tap_note("the next one: %.1f ms asleep", out.idle_ns / 1e6);
	tap_ok(out.released, "on, a stuck release: released after the thaw");
	out = run(GROUPED, true);
	tap_ok(out.kills && !out.bystander && out.in_time,
	       "on, memory cgroup: its OOM killer takes a victim");
	tap_ok(out.released, "on, memory cgroup: released");
	write_file(PARAM, "0");
	return tap_done();
}

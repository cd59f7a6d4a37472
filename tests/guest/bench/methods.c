// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways to end a process, and what is measured of each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "group.h"
#include "tap.h"

#define GROUP "bench-victim"
#define CALLERS_MAX 4

/* How long MemFree is looked at after the call. */
#define BACK_MS 150

#define KILL_EVERYTHING                                                        \
	(MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED | MRELEASE_HUGETLB | \
	 MRELEASE_KILL_SHARERS | MRELEASE_TEARDOWN)

const struct way ways[METHODS] = {
	[KILL_WAIT] = { "kill, wait", 0, 0 },
	[KILL_SYSCALL] = { "kill, process_mrelease", 0, 0 },
	[CGROUP_KILL] = { "cgroup.kill, wait", 0, 0 },
	[MUNMAP] = { "munmap of one's own", 0, 0 },
	[FLAGS_0] = { "kill, mrelease 0", 0, 1 },
	[KILL] = { "KILL", MRELEASE_KILL, 1 },
	[KILL_EVICT] = { "KILL|EVICT", MRELEASE_KILL | MRELEASE_EVICT, 1 },
	[KILL_SHARED] = { "KILL|EVICT|SHARED",
			  MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_SHARED, 1 },
	[KILL_TEARDOWN] = { "KILL|TEARDOWN", MRELEASE_KILL | MRELEASE_TEARDOWN,
			    1 },
	[KILL_ALL] = { "all flags", KILL_EVERYTHING, 1 },
	[KILL_TWO] = { "KILL, 2 callers", MRELEASE_KILL, 2 },
	[KILL_FOUR] = { "KILL, 4 callers", MRELEASE_KILL, 4 },
	[EVICT_TWO] = { "KILL|EVICT, 2 callers", MRELEASE_KILL | MRELEASE_EVICT,
			2 },
	[EVICT_FOUR] = { "KILL|EVICT, 4 callers",
			 MRELEASE_KILL | MRELEASE_EVICT, 4 },
};

/*
 * struct team - who calls
 * @arrived: of those who wait for @go
 */
struct team {
	enum method method;
	const struct victim *victim;
	atomic_uint arrived;
	atomic_bool go;
	struct caller {
		struct team *team;
		unsigned int nr;
		pthread_t thread;
		int ret;
		uint64_t cpu_ns;
		uint64_t end_ns;
		struct mrelease_result res;
	} callers[CALLERS_MAX];
};

static int dev;
static bool has_syscall;
static bool has_cgroup_kill;
static struct shot *own;

void (*around_call)(bool begin);
static int drain_ask[2];
static int drain_done[2];

static void pause_body(void *arg)
{
	(void)arg;
	victim_ready();
	for (;;)
		pause();
}

/*
 * A process that empties the lists of free pages of all CPUs when it is asked to, so
 * that each measurement begins with nothing in them: a release with TEARDOWN does.
 */
static void start_drainer(void)
{
	struct victim victim;
	char byte;

	if (pipe2(drain_ask, O_CLOEXEC) || pipe2(drain_done, O_CLOEXEC))
		tap_bail("pipe2");
	switch (fork()) {
	case -1:
		tap_bail("fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (read(drain_ask[0], &byte, 1) == 1) {
			victim = victim_start(pause_body, NULL);
			dev_release(dev, victim.pidfd,
				    MRELEASE_KILL | MRELEASE_TEARDOWN, NULL);
			victim_reap(&victim);
			if (write(drain_done[1], "", 1) != 1)
				break;
		}
		_exit(0);
	}
}

static void drain(void)
{
	char byte;

	if (write(drain_ask[1], "", 1) != 1 ||
	    read(drain_done[0], &byte, 1) != 1)
		tap_bail("drainer");
}

void methods_init(void)
{
	dev = dev_open();
	start_drainer();
	has_syscall = have_process_mrelease();
	group_make(GROUP);
	has_cgroup_kill =
		!access("/sys/fs/cgroup/test." GROUP "/cgroup.kill", W_OK);
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		tap_bail("mmap");
}

bool method_possible(enum method method)
{
	return (method != KILL_SYSCALL || has_syscall) &&
	       (method != CGROUP_KILL || has_cgroup_kill);
}

static void await(const struct victim *victim)
{
	siginfo_t info;

	/* It is still there for victim_end(). */
	if (waitid(P_PID, victim->pid, &info, WEXITED | WNOWAIT))
		tap_bail("waitid");
}

int method_call(enum method method, const struct victim *victim,
		struct mrelease_result *res)
{
	int ret = 0;

	switch (method) {
	case KILL_WAIT:
		ret = sys_pidfd_send_signal(victim->pidfd, SIGKILL);
		await(victim);
		return ret;
	case CGROUP_KILL:
		group_set(GROUP, "cgroup.kill", "1");
		await(victim);
		return 0;
	case KILL_SYSCALL:
		return sys_pidfd_send_signal(victim->pidfd, SIGKILL) ?:
			       sys_process_mrelease(victim->pidfd, 0);
	case FLAGS_0:
		ret = sys_pidfd_send_signal(victim->pidfd, SIGKILL);
		break;
	default:
		break;
	}
	return ret ?: dev_release(dev, victim->pidfd, ways[method].flags, res);
}

/* A daemon that frees memory in a crisis has seen to it that it gets its CPU. */
static void become_caller(int cpu)
{
	pin_to_cpu(cpu % nr_cpus());
	setpriority(PRIO_PROCESS, 0, -20);
}

static void become_parent(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	setpriority(PRIO_PROCESS, 0, 0);
}

static void take_part(struct caller *caller)
{
	struct team *team = caller->team;
	uint64_t cpu = thread_cpu_ns();

	caller->ret = method_call(team->method, team->victim, &caller->res);
	caller->cpu_ns = thread_cpu_ns() - cpu;
	caller->end_ns = now_ns();
}

static void *other_caller(void *arg)
{
	struct caller *caller = arg;

	become_caller(caller->nr);
	atomic_fetch_add(&caller->team->arrived, 1);
	while (!atomic_load(&caller->team->go))
		sched_yield();
	take_part(caller);
	return NULL;
}

/* All callers at once; fills what can be said when the last has returned. */
static void call_together(enum method method, const struct victim *victim,
			  struct shot *shot)
{
	unsigned int nr = ways[method].callers ?: 1, i;
	struct team team = { .method = method, .victim = victim };
	uint64_t start, end = 0;
	uint64_t before;

	drain();
	for (i = 1; i < nr; i++) {
		team.callers[i].team = &team;
		team.callers[i].nr = i;
		if (pthread_create(&team.callers[i].thread, NULL, other_caller,
				   &team.callers[i]))
			tap_bail("pthread_create");
	}
	while (atomic_load(&team.arrived) < nr - 1)
		sched_yield();
	team.callers[0].team = &team;
	before = free_bytes();
	if (around_call)
		around_call(true);
	start = now_ns();
	atomic_store(&team.go, true);
	take_part(&team.callers[0]);
	shot->at_return = free_bytes() - before;
	if (around_call)
		around_call(false);
	for (i = 0; i < nr; i++) {
		struct caller *caller = &team.callers[i];

		if (i)
			pthread_join(caller->thread, NULL);
		/* Who came too late to find it is no news. */
		if (!caller->ret)
			shot->res = caller->res;
		else if (!i || caller->ret != -ESRCH)
			shot->ret = caller->ret;
		shot->cpu_ns += caller->cpu_ns;
		if (caller->end_ns > end)
			end = caller->end_ns;
	}
	/* Nobody is told more than there was when all had returned. */
	if (nr > 1)
		shot->at_return = free_bytes() - before;
	shot->call_ns = end - start;
	while (shot->expected && !shot->back_ns) {
		uint64_t now = now_ns();

		shot->watched_ns = now - start;
		if ((int64_t)(free_bytes() - before) >=
		    shot->expected / 100 * 95)
			shot->back_ns = now - start;
		else if (now < end + BACK_MS * 1000000ULL)
			usleep(200);
		else
			break;
	}
}

/* Wakes up to let the victim die, unless it is over before. */
struct rescue {
	const struct kind *kind;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool over;
	bool came;
};

static void *rescue_run(void *arg)
{
	struct rescue *rescue = arg;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += RESCUE_MS / 1000;
	pthread_mutex_lock(&rescue->lock);
	while (!rescue->over &&
	       pthread_cond_timedwait(&rescue->cond, &rescue->lock, &end) !=
		       ETIMEDOUT)
		;
	rescue->came = !rescue->over;
	pthread_mutex_unlock(&rescue->lock);
	kind_let_go(rescue->kind);
	return NULL;
}

static void rescue_begin(struct rescue *rescue)
{
	if (pthread_create(&rescue->thread, NULL, rescue_run, rescue))
		tap_bail("pthread_create");
}

static void rescue_end(struct rescue *rescue)
{
	pthread_mutex_lock(&rescue->lock);
	rescue->over = true;
	pthread_cond_signal(&rescue->cond);
	pthread_mutex_unlock(&rescue->lock);
	pthread_join(rescue->thread, NULL);
}

/* In the child; what it has besides its region stays. */
static void unmap_own(void)
{
	uint64_t before, cpu, start;

	drain();
	become_caller(0);
	before = free_bytes();
	cpu = thread_cpu_ns();
	start = now_ns();
	munmap(region, region_bytes);
	own->call_ns = now_ns() - start;
	own->cpu_ns = thread_cpu_ns() - cpu;
	own->at_return = free_bytes() - before;
	if (own->expected && own->at_return >= own->expected / 100 * 95)
		own->back_ns = own->call_ns;
}

static int64_t expected(enum method method, const struct kind *kind)
{
	int64_t bytes = kind->anon + kind->shmem;

	if (ways[method].flags & MRELEASE_EVICT)
		bytes += kind->file;
	if (ways[method].flags & MRELEASE_SHARED)
		bytes += kind->shared;
	return bytes;
}

void method_take(enum method method, const struct kind *kind, struct shot *shot)
{
	struct rescue rescue = {
		.kind = kind,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
	};
	struct victim victim;
	uint64_t flushes;

	memset(shot, 0, sizeof(*shot));
	shot->expected = expected(method, kind);
	if (kind->path)
		drop_page_cache();
	if (method == MUNMAP) {
		*own = *shot;
		when_set_up = unmap_own;
		victim = kind_start(kind);
		when_set_up = NULL;
		*shot = *own;
		victim_end(&victim);
		return;
	}
	victim = kind_start(kind);
	if (method == CGROUP_KILL)
		group_move(GROUP, victim.pid);
	if (kind->hindrance)
		rescue_begin(&rescue);
	flushes = tlb_interrupts();
	become_caller(0);
	call_together(method, &victim, shot);
	become_parent();
	shot->flushes = tlb_interrupts() - flushes;
	if (kind->hindrance)
		rescue_end(&rescue);
	shot->let_go = rescue.came;
	victim_end(&victim);
}

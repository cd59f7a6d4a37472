// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Torture: who calls, with what, and what may come of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arm.h"
#include "batch.h"
#include "caller.h"
#include "files.h"
#include "sys.h"
#include "tap.h"
#include "torture.h"

#define GROUPS "/sys/fs/cgroup/test."

enum op {
	OP_RELEASE,
	OP_MANY,
	OP_CGROUP,
	OP_ARM_RELEASE,
	OP_ARM_WAIT,
	OP_KILL,
	OP_SYSCALL,
	OP_REFUSED,
	OPS
};

static const char *const op_names[] = {
	"release", "many", "cgroup",  "armed",
	"wait",	   "kill", "syscall", "refused"
};

/* A caller that finds so many victims dead, one after the other, goes. */
#define MISSES 3

/* How a caller ends. */
enum fate { FATE_THREAD, FATE_PROCESS, FATE_KILLED, FATE_STOPPED, FATES };

/* struct tally - calls of one kind, by what they said */
struct tally {
	unsigned int calls;
	unsigned int done;
	unsigned int refused;
	unsigned int late;
};

/*
 * struct call - one caller of a round, in shared memory
 * @delay: before it calls, in us
 * @later: after which it is killed or stopped, in us
 * @target: which victim, or for OP_REFUSED which of those who may not be killed
 * @more: calls after this one
 * @rng: from which those are drawn
 * @ret: what the call said
 * @wrong: why that cannot be, or NULL
 * @victims: processes that were signalled, by all of its calls
 * @tallies: its calls
 */
struct call {
	enum op op;
	enum fate fate;
	uint32_t flags;
	uint32_t timeout;
	unsigned int delay;
	unsigned int later;
	unsigned int target;
	unsigned int more;
	uint64_t rng;
	int ret;
	const char *wrong;
	unsigned int victims;
	struct tally tallies[OPS];
	pid_t pid;
	pthread_t thread;
};

static struct call *calls;
static struct tally tallies[OPS];

static void sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static bool gone(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, TORTURE_PATIENCE) == 1;
}

/* What holds of each result, whatever happened. */
static const char *result_wrong(int ret, const struct mrelease_result *res,
				uint32_t flags)
{
	static const uint64_t zeroes[5];
	uint64_t sum = res->anon_bytes | res->file_bytes | res->shmem_bytes |
		       res->swap_bytes | res->hugetlb_bytes |
		       res->evicted_bytes | res->freed_bytes | res->left_bytes;

	if (res->pad || memcmp(res->reserved, zeroes, sizeof(zeroes)))
		return "padding";
	if (sum % FILES_PAGE || sum >> 46)
		return "a count that cannot be";
	if (res->evicted_bytes > res->file_bytes + res->shmem_bytes)
		return "more evicted than unmapped";
	if (!ret && res->left_bytes && !res->left_reasons)
		return "left without a reason";
	if (!ret && !res->left_bytes && res->left_reasons)
		return "a reason with nothing left";
	if (!ret && flags & MRELEASE_TEARDOWN && res->left_bytes)
		return "left after a teardown";
	return NULL;
}

static const char *release_wrong(const struct call *c, int ret, int pidfd,
				 const struct mrelease_result *res)
{
	const char *wrong = result_wrong(ret, res, c->flags);

	if (wrong)
		return wrong;
	switch (ret) {
	case 0:
		return gone(pidfd) ? NULL : "released, but not gone";
	case -ETIMEDOUT:
		if (!c->timeout)
			return "ETIMEDOUT without a limit";
		return !res->victims || gone(pidfd) ? NULL :
						      "signalled, but not gone";
	case -ESRCH:
	case -EINVAL:
	case -EBUSY:
	case -EAGAIN:
		return res->victims ? "refused, but somebody was signalled" :
				      NULL;
	default:
		return "an error that cannot be";
	}
}

static void call_release(struct call *c, int fd, int pidfd)
{
	struct prey *prey = &world->prey[c->target];
	struct mrelease_result res;

	c->ret = dev_release_timeout(fd, pidfd, c->flags, c->timeout, &res);
	c->wrong = release_wrong(c, c->ret, prey->pidfd, &res);
	c->victims += res.victims;
}

static void call_many(struct call *c)
{
	struct batch b;
	unsigned int i;

	batch_init(&b, c->flags, c->timeout);
	for (i = 0; i < world->preys; i++)
		batch_add(&b, world->prey[i].pidfd);
	/* Some twice, and one that is none. */
	batch_add(&b, world->prey[c->target].pidfd);
	batch_add(&b, -1);
	c->ret = batch_call(world->dev, &b);
	/* Of the flags, or of the time. */
	if (c->ret && c->ret != -EINVAL && c->ret != -ETIMEDOUT)
		c->wrong = "an error that cannot be";
	if (c->ret == -EINVAL)
		return;
	for (i = 0; i <= world->preys && !c->wrong; i++) {
		struct mrelease_target *t = &b.targets[i];

		/* Those beyond the room are killed, and left. */
		if (t->error == -EAGAIN)
			continue;
		c->wrong = release_wrong(c, t->error, t->pidfd, &t->result);
	}
	if (b.targets[i].error != -EBADF && !c->wrong &&
	    b.targets[i].error != -ETIMEDOUT)
		c->wrong = "no EBADF for what is no pidfd";
	c->victims += b.many.total.victims;
}

static void call_cgroup(struct call *c)
{
	/* It may be gone for a moment, or be another one by now. */
	int fd = open(c->target % 2 ? GROUPS TORTURE_SUBGROUP :
				      GROUPS TORTURE_GROUP,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct batch b;

	if (fd < 0)
		return;

	batch_init(&b, c->flags, c->timeout);
	c->ret = batch_cgroup(world->dev, &b, fd, BATCH_MAX);
	close(fd);
	c->victims += b.cgroup.total.victims;
	switch (c->ret) {
	case 0:
	case -ETIMEDOUT:
	case -EINVAL:
	case -ENOENT:
	case -EPERM: /* a member dumps core */
		break;
	default:
		c->wrong = "an error that cannot be";
	}
}

static void call_armed(struct call *c)
{
	struct prey *prey = &world->prey[c->target];
	int fd = arm(world->dev, prey->pidfd, c->flags & MRELEASE_TEARDOWN);

	if (fd < 0) {
		c->ret = fd;
		if (fd != -ESRCH)
			c->wrong = "ARM with an error that cannot be";
		return;
	}
	sleep_us(c->later);
	if (c->op == OP_ARM_RELEASE) {
		call_release(c, fd, -1);
	} else {
		sys_pidfd_send_signal(prey->pidfd, SIGKILL);
		/* Until the others are dead, it need not: just wait for a while. */
		if (prey->kind->traits & KIND_SHARES)
			arm_poll(fd, c->timeout % 1000);
		else if (!arm_poll(fd, TORTURE_PATIENCE))
			c->wrong = "a victim fd that never says POLLIN";
	}
	close(fd);
}

/* The caller itself, init, a kernel thread, and what is no process. */
static void call_refused(struct call *c)
{
	static const pid_t never[] = { 0, 1, 2 };
	struct mrelease_result res;
	int pidfd = -1;

	if (c->target < ARRAY_SIZE(never))
		pidfd = sys_pidfd_open(never[c->target] ?: getpid());
	c->ret = dev_release_timeout(world->dev, pidfd, c->flags, c->timeout,
				     &res);
	if (pidfd >= 0)
		close(pidfd);
	if (c->ret != -EINVAL && c->ret != -EPERM && c->ret != -EBADF &&
	    c->ret != -ESRCH)
		c->wrong = "it was not refused";
	if (res.victims)
		c->wrong = "somebody was signalled";
}

static void call_once(struct call *c)
{
	struct prey *prey = &world->prey[c->target];

	switch (c->op) {
	case OP_RELEASE:
		call_release(c, world->dev, prey->pidfd);
		break;
	case OP_MANY:
		call_many(c);
		break;
	case OP_CGROUP:
		call_cgroup(c);
		break;
	case OP_ARM_RELEASE:
	case OP_ARM_WAIT:
		call_armed(c);
		break;
	case OP_KILL:
		c->ret = sys_pidfd_send_signal(prey->pidfd, SIGKILL);
		break;
	case OP_SYSCALL:
		__atomic_store_n(&prey->stock, 1, __ATOMIC_SEQ_CST);
		c->ret = sys_process_mrelease(prey->pidfd, 0);
		break;
	default:
		call_refused(c);
	}
}

static void call_draw(struct call *c)
{
	static const uint32_t limits[] = { 0, 0, 1, 5, 50, 20000 };
	uint64_t *rng = &c->rng;

	c->ret = 0;
	c->op = pick(rng, 3) ? OP_RELEASE : pick(rng, OPS);
	c->flags = pick(rng, MRELEASE_TEARDOWN << 1);
	/* Without it most are refused. */
	if (pick(rng, 8))
		c->flags |= MRELEASE_KILL;
	c->timeout = limits[pick(rng, ARRAY_SIZE(limits))];
	c->delay = pick(rng, 4) ? pick(rng, 3000) : 0;
	c->target = pick(rng, c->op == OP_REFUSED ? 4 : world->preys);
}

static void call_count(struct call *c)
{
	struct tally *t = &c->tallies[c->op];

	t->calls++;
	t->done += !c->ret;
	t->late += c->ret == -ETIMEDOUT;
	t->refused += c->ret && c->ret != -ETIMEDOUT;
}

static void *call_thread(void *arg)
{
	struct call *c = arg;
	unsigned int missed = 0;

	for (;;) {
		sleep_us(c->delay);
		call_once(c);
		call_count(c);
		if (c->wrong || !c->more)
			return NULL;
		/* Most are dead by now, it seems: there are more where they came from. */
		missed = c->ret == -ESRCH ? missed + 1 : 0;
		if (missed == MISSES)
			return NULL;
		c->more--;
		call_draw(c);
	}
}

static void call_setup(struct call *c, uint64_t *rng, unsigned int each)
{
	memset(c, 0, sizeof(*c));
	c->rng = random_next(rng) | 1;
	c->fate = pick(rng, 3) ? FATE_THREAD : pick(rng, FATES);
	c->later = pick(rng, 3000);
	c->more = each - 1;
	call_draw(c);
}

static void call_begin(struct call *c)
{
	pid_t pid;

	if (c->fate == FATE_THREAD) {
		torture_spawn(&c->thread, c - calls, call_thread, c);
		return;
	}
	/* Shared memory: the child must not write its 0 there. */
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (pid) {
		c->pid = pid;
		return;
	}
	call_thread(c);
	_exit(0);
}

static bool call_end(struct call *c)
{
	struct timespec ts;
	int status;

	if (c->fate != FATE_THREAD) {
		sleep_us(c->later);
		if (c->fate == FATE_STOPPED) {
			kill(c->pid, SIGSTOP);
			sleep_us(c->later);
			kill(c->pid, SIGCONT);
		} else if (c->fate == FATE_KILLED) {
			kill(c->pid, SIGKILL);
		}
		/* It has its own patience; whoever is not gone is waited for. */
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		return true;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 2 * TORTURE_PATIENCE / 1000;
	return !pthread_timedjoin_np(c->thread, NULL, &ts);
}

static bool call_judge(const struct call *c)
{
	unsigned int i;

	for (i = 0; i < OPS; i++) {
		tallies[i].calls += c->tallies[i].calls;
		tallies[i].done += c->tallies[i].done;
		tallies[i].refused += c->tallies[i].refused;
		tallies[i].late += c->tallies[i].late;
	}
	world->kills += c->victims;
	if (!c->wrong)
		return true;
	tap_note("%s flags %#x timeout %u of %s said %s: %s", op_names[c->op],
		 c->flags, c->timeout,
		 c->op == OP_REFUSED || c->op == OP_CGROUP ?
			 "nobody" :
			 world->prey[c->target].kind->name,
		 err_name(c->ret), c->wrong);
	return false;
}

bool torture_calls(uint64_t *rng, unsigned int each)
{
	unsigned int n = 1 + pick(rng, TORTURE_CALLERS), i;
	bool ok = true;

	if (!calls)
		calls = caller_shared(TORTURE_CALLERS * sizeof(*calls));
	/* A fork in between would hold what a thread holds: draw and fork first. */
	for (i = 0; i < n; i++)
		call_setup(&calls[i], rng, each);
	for (i = 0; i < n; i++)
		if (calls[i].fate != FATE_THREAD)
			call_begin(&calls[i]);
	for (i = 0; i < n; i++)
		if (calls[i].fate == FATE_THREAD)
			call_begin(&calls[i]);
	for (i = 0; i < n; i++) {
		/* It still has its stack, which the next round would use. */
		if (!call_end(&calls[i]))
			tap_bail("%s flags %#x does not come back",
				 op_names[calls[i].op], calls[i].flags);
		ok &= call_judge(&calls[i]);
	}
	return ok;
}

bool torture_sweep(void)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct call c = {
			.op = OP_CGROUP,
			.flags = MRELEASE_KILL,
			.timeout = TORTURE_PATIENCE,
			.target = i,
		};

		call_cgroup(&c);
		call_count(&c);
		ok &= call_judge(&c);
	}
	return ok;
}

void torture_calls_note(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		tap_note("%-8s %7u calls, %7u done, %7u refused, %6u late",
			 op_names[i], tallies[i].calls, tallies[i].done,
			 tallies[i].refused, tallies[i].late);
}

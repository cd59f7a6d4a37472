// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is told of calls to others than the caller: after each kind of call the
 * tracepoints that were hit, with all their fields, and every counter, those that
 * must not have changed included.
 *
 * Few objects for victims, so that there soon is one release too many.
 */
/* guest: smp=2 mem=1024 params=victims=3 timeout=180 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mrelease.h>

#include "caller.h"
#include "hold.h"
#include "proc.h"
#include "states.h"
#include "sys.h"
#include "tap.h"
#include "victim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DIR_PATH "/sys/class/misc/mrelease/statistics/"
#define BYTES (8UL * 1024 * 1024)
#define BUCKETS 22
/* For victims, as asked for above. */
#define OBJECTS 3

/* Every file there is, but for latency_us. */
enum count {
	RELEASED,
	TIMEOUTS,
	INTERRUPTED,
	FAILED,
	KILLS,
	JOINED,
	FREED,
	EVICTED,
	LEFT,
	ELAPSED,
	REFUSED_ARGUMENTS,
	REFUSED_OFF,
	REFUSED_PIDFD,
	REFUSED_GONE,
	REFUSED_ALIVE,
	REFUSED_SHARED,
	REFUSED_DUMP,
	REFUSED_SCOPE,
	REFUSED_PERMISSION,
	REFUSED_FULL,
	COUNTS,
};

static const char *const names[COUNTS] = {
	"released",
	"timeouts",
	"interrupted",
	"failed",
	"kills",
	"joined",
	"freed_bytes",
	"evicted_bytes",
	"left_bytes",
	"elapsed_ns",
	"refused_arguments",
	"refused_off",
	"refused_pidfd",
	"refused_gone",
	"refused_alive",
	"refused_shared",
	"refused_dump",
	"refused_scope",
	"refused_permission",
	"refused_full",
};

/* struct counters - all of them, and the histogram as it stands in the file */
struct counters {
	uint64_t count[COUNTS];
	char bounds[BUCKETS][16];
	uint64_t up_to[BUCKETS];
};

static int dev;
static char instance[128];
static struct counters before;

static FILE *open_file(const char *dir, const char *name, const char *mode)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	f = fopen(path, mode);
	if (!f)
		tap_bail("%s", path);
	return f;
}

static void counters_read(struct counters *c)
{
	unsigned long long n;
	FILE *f;
	int i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < COUNTS; i++) {
		f = open_file(DIR_PATH, names[i], "re");
		if (fscanf(f, "%llu", &n) != 1)
			tap_bail("%s", names[i]);
		c->count[i] = n;
		fclose(f);
	}
	f = open_file(DIR_PATH, "latency_us", "re");
	for (i = 0; i < BUCKETS; i++) {
		if (fscanf(f, "%15s %llu", c->bounds[i], &n) != 2)
			tap_bail("latency_us, line %d", i + 1);
		c->up_to[i] = n;
	}
	fclose(f);
}

/* The events of this program's own trace buffer, which is emptied. */
struct events {
	int nr;
	char text[4][400];
};

static void events_read(struct events *ev)
{
	char line[600];
	const char *at;
	FILE *f;

	memset(ev, 0, sizeof(*ev));
	f = open_file(instance, "/trace", "re");
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, ": release_");
		if (line[0] == '#' || !at)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (ev->nr < 4)
			snprintf(ev->text[ev->nr], sizeof(ev->text[0]),
				 "%.390s", at + 2);
		ev->nr++;
	}
	fclose(f);
	/* Opening it to be truncated empties the buffer. */
	fclose(open_file(instance, "/trace", "we"));
}

/* From here on a call, and then expect(). */
static void begin(void)
{
	struct events drop;

	events_read(&drop);
	counters_read(&before);
}

/* A histogram is made of sums, and has grown by @calls, one of them @ns long. */
static bool latency_right(const struct counters *now, uint64_t calls,
			  uint64_t ns)
{
	int i;

	for (i = 0; i < BUCKETS; i++) {
		uint64_t grown = now->up_to[i] - before.up_to[i];
		uint64_t bound = strtoull(now->bounds[i], NULL, 10) * 1000;
		bool last = i == BUCKETS - 1;

		if (i && now->up_to[i] < now->up_to[i - 1])
			return false;
		if (last != !strcmp(now->bounds[i], "inf") ||
		    (!last && bound != 16000ULL << i))
			return false;
		if (calls <= 1 && grown != (last || ns <= bound ? calls : 0))
			return false;
		if (last && grown != calls)
			return false;
	}
	return true;
}

/*
 * Every counter has grown by what @want has for it, but for the time, which is not
 * told to the nanosecond: in sum over @calls it is at most @ns.
 */
static void expect_counts(const char *what, const uint64_t *want,
			  uint64_t calls, uint64_t ns)
{
	struct counters now;
	uint64_t took, grown;
	bool ok = true;
	int i;

	counters_read(&now);
	for (i = 0; i < COUNTS; i++) {
		grown = now.count[i] - before.count[i];
		if (i == ELAPSED || grown == want[i])
			continue;
		tap_note("%s: %s: +%llu, not +%llu", what, names[i],
			 (unsigned long long)grown,
			 (unsigned long long)want[i]);
		ok = false;
	}
	tap_ok(ok, "%s: counters", what);
	took = now.count[ELAPSED] - before.count[ELAPSED];
	tap_ok(!took == !calls && took <= ns &&
		       latency_right(&now, calls, took),
	       "%s: time", what);
}

/* The events are @first, if there is to be one, and @last, which may go on. */
static void expect_events(const char *what, const char *first, const char *last)
{
	int nr = first ? 2 : 1, i;
	struct events ev;
	bool ok;

	events_read(&ev);
	ok = ev.nr == nr && (!first || !strcmp(ev.text[0], first)) &&
	     !strncmp(ev.text[nr - 1], last, strlen(last));
	for (i = 0; i < ev.nr && i < 4 && !ok; i++)
		tap_note("%s: %s", what, ev.text[i]);
	if (!ok)
		tap_note("%s: wanted: %s, %s", what, first ? first : "none",
			 last);
	tap_ok(ok, "%s: events", what);
}

/* "kill|evict" */
static const char *join_names(char *buf, size_t size, uint32_t bits,
			      const char *(*name)(uint32_t bit))
{
	size_t n = 0;

	buf[0] = '\0';
	for (; bits; bits &= bits - 1)
		n += snprintf(buf + n, size - n, "%s%s", n ? "|" : "",
			      name(bits & -bits));
	return buf;
}

/* 3 points: a call that was not refused. */
static void expect_release(const char *what, const struct victim *victim,
			   uint32_t flags, int ret,
			   const struct mrelease_result *res)
{
	char first[200], second[400], f[100], l[100], n[100];
	uint64_t want[COUNTS] = {
		[RELEASED] = !ret,
		[TIMEOUTS] = ret == -ETIMEDOUT,
		[KILLS] = res->victims,
		[FREED] = res->freed_bytes,
		[EVICTED] = res->evicted_bytes,
		[LEFT] = res->left_bytes,
	};

	join_names(f, sizeof(f), flags, mrelease_flag_name);
	snprintf(first, sizeof(first),
		 "release_begin: victim=%d victim_comm=%s flags=%s",
		 (int)victim->pid, program_invocation_short_name, f);
	snprintf(
		second, sizeof(second),
		"release_end: victim=%d error=%d flags=%s victims=%u freed=%llu evicted=%llu left=%llu left_reasons=%s notes=%s ns=",
		(int)victim->pid, ret, f, res->victims, res->freed_bytes,
		res->evicted_bytes, res->left_bytes,
		join_names(l, sizeof(l), res->left_reasons, mrelease_left_name),
		join_names(n, sizeof(n), res->notes, mrelease_note_name));
	expect_events(what, first, second);
	expect_counts(what, want, 1, res->elapsed_ns);
}

/* 4 points: a refusal; @pid 0 when the victim was not looked for. */
static void expect_refusal(const char *reason, enum count count, pid_t pid,
			   uint32_t flags, int ret, int err)
{
	char what[64], first[200], second[200], f[100];
	uint64_t want[COUNTS] = {};

	want[count] = 1;
	snprintf(what, sizeof(what), "refused: %s", reason);
	join_names(f, sizeof(f), flags & 0x3f, mrelease_flag_name);
	snprintf(first, sizeof(first),
		 "release_begin: victim=%d victim_comm=%s flags=%s", (int)pid,
		 program_invocation_short_name, f);
	/* Bits without a name are printed as a number. */
	snprintf(second, sizeof(second),
		 "release_refused: victim=%d error=%d flags=%s%s reason=%s",
		 (int)pid, -err, f, flags & ~0x3fU ? "|0x80000000" : "",
		 reason);
	tap_ok(ret == -err, "%s: %s", what, err_name(err));
	expect_events(what, pid ? first : NULL, second);
	expect_counts(what, want, 0, 0);
}

static void check_releases(void)
{
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	uint32_t flags = MRELEASE_KILL;
	struct mrelease_result res;
	int ret;

	begin();
	ret = dev_release(dev, victim.pidfd, flags, &res);
	tap_ok(!ret && res.freed_bytes >= BYTES / 100 * 95 && res.victims == 1,
	       "a release: it does its work");
	expect_release("a release", &victim, flags, ret, &res);
	victim_reap(&victim);

	/* Stopped on its way out, so that its end does not come. */
	victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	hold_prepare(&victim);
	flags = MRELEASE_KILL | MRELEASE_EVICT | MRELEASE_TEARDOWN;
	begin();
	ret = dev_release_timeout(dev, victim.pidfd, flags, DEADLINE_MS, &res);
	tap_ok(ret == -ETIMEDOUT, "a timeout: it is one");
	expect_release("a timeout", &victim, flags, ret, &res);
	hold_wait(&victim);

	/* Flags 0: nobody is signalled, and there is no line in the log. */
	begin();
	ret = dev_release(dev, victim.pidfd, 0, &res);
	tap_ok(!ret && !res.victims, "flags 0: they do their work");
	expect_release("flags 0", &victim, 0, ret, &res);
	hold_end(&victim);
}

static int sharer_fn(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* It shares its memory with a child of its own, which dies with it. */
static void sharing_body(void *arg)
{
	static char stack[16384] __attribute__((aligned(16)));

	(void)arg;
	if (clone(sharer_fn, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) <
	    0)
		_exit(1);
	victim_ready();
	for (;;)
		pause();
}

static int nobody_kills(void *arg)
{
	struct victim *victim = arg;

	caller_become(65534, 65534, 65534);
	return dev_release(dev, victim->pidfd, MRELEASE_KILL, NULL);
}

/* In the middle of a core dump, which nobody reads. */
static struct victim start_dumping(void)
{
	struct victim victim;
	unsigned int i;

	for (i = 0; strcmp(states_plain[i].name, "dumping core"); i++)
		if (i + 1 == states_plain_nr)
			tap_bail("no such state");
	states_plain[i].prepare();
	victim = victim_start(states_plain[i].body, NULL);
	if (!states_plain[i].settle(&victim))
		tap_bail("core dump");
	return victim;
}

static void check_refusals(void)
{
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1), sharing,
		      dumping;
	struct mrelease_result res;
	uint32_t kill_all = MRELEASE_KILL | MRELEASE_KILL_SHARERS;
	int self = sys_pidfd_open(getpid());
	int ret;

	begin();
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL | 1U << 31, NULL);
	expect_refusal("arguments", REFUSED_ARGUMENTS, 0,
		       MRELEASE_KILL | 1U << 31, ret, EINVAL);

	write_file("/sys/module/mrelease/parameters/enabled", "0");
	begin();
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL);
	write_file("/sys/module/mrelease/parameters/enabled", "1");
	expect_refusal("off", REFUSED_OFF, 0, MRELEASE_KILL, ret, EPERM);

	begin();
	ret = dev_release(dev, -1, MRELEASE_KILL, NULL);
	expect_refusal("pidfd", REFUSED_PIDFD, 0, MRELEASE_KILL, ret, EBADF);

	begin();
	ret = dev_release(dev, victim.pidfd, 0, NULL);
	expect_refusal("alive", REFUSED_ALIVE, victim.pid, 0, ret, EINVAL);

	begin();
	ret = dev_release(dev, self, MRELEASE_KILL, NULL);
	expect_refusal("scope", REFUSED_SCOPE, getpid(), MRELEASE_KILL, ret,
		       EINVAL);
	close(self);

	begin();
	ret = caller_run(nobody_kills, &victim);
	expect_refusal("permission", REFUSED_PERMISSION, victim.pid,
		       MRELEASE_KILL, ret, EPERM);

	dumping = start_dumping();
	begin();
	ret = dev_release(dev, dumping.pidfd, MRELEASE_KILL, NULL);
	expect_refusal("dump", REFUSED_DUMP, dumping.pid, MRELEASE_KILL, ret,
		       EBUSY);
	victim_end(&dumping);

	sharing = victim_start(sharing_body, NULL);
	begin();
	ret = dev_release(dev, sharing.pidfd, MRELEASE_KILL, &res);
	expect_refusal("shared", REFUSED_SHARED, sharing.pid, MRELEASE_KILL,
		       ret, EINVAL);
	begin();
	ret = dev_release(dev, sharing.pidfd, kill_all, &res);
	tap_ok(!ret && res.victims == 2, "sharers: both are killed");
	expect_release("sharers", &sharing, kill_all, ret, &res);
	victim_reap(&sharing);

	victim_end(&victim);
}

static int call(unsigned long command, void *args)
{
	return ioctl(dev, command, args) ? -errno : 0;
}

/* What is found out only when the structure itself is all right. */
static void check_late(void)
{
	struct mrelease_many_args many = {
		.size = sizeof(many),
		.flags = MRELEASE_KILL,
		.nr = 1,
		.target_size = sizeof(struct mrelease_target),
	};
	struct mrelease_cgroup_args group = {
		.size = sizeof(group),
		.cgroup_fd = -1,
		.flags = MRELEASE_KILL,
	};
	int ret;

	begin();
	ret = call(MRELEASE_IOC_RELEASE_MANY, &many);
	expect_refusal("arguments", REFUSED_ARGUMENTS, 0, MRELEASE_KILL, ret,
		       EFAULT);

	begin();
	ret = call(MRELEASE_IOC_RELEASE_CGROUP, &group);
	expect_refusal("arguments", REFUSED_ARGUMENTS, 0, MRELEASE_KILL, ret,
		       EBADF);
}

/* Waits for the end of a victim that does not get on. */
static void *wait_for_end(void *arg)
{
	struct victim *victim = arg;

	return (void *)(long)dev_release(
		dev, victim->pidfd, MRELEASE_KILL | MRELEASE_TEARDOWN, NULL);
}

/* Others have all the objects. */
static void check_full(void)
{
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	struct victim held[OBJECTS];
	pthread_t threads[OBJECTS];
	bool ok = true;
	void *end;
	int ret, i;

	for (i = 0; i < OBJECTS; i++) {
		held[i] = victim_anon(BYTES, VICTIM_SLEEP, -1);
		hold_prepare(&held[i]);
		if (pthread_create(&threads[i], NULL, wait_for_end, &held[i]))
			tap_bail("pthread_create");
		/* Signalled, so it has been pinned, and is until the end. */
		hold_wait(&held[i]);
	}
	begin();
	ret = dev_release(dev, victim.pidfd, MRELEASE_KILL, NULL);
	expect_refusal("full", REFUSED_FULL, victim.pid, MRELEASE_KILL, ret,
		       EAGAIN);
	for (i = 0; i < OBJECTS; i++) {
		hold_end(&held[i]);
		pthread_join(threads[i], &end);
		ok &= !end;
	}
	tap_ok(ok, "and the others come to their end");
	victim_end(&victim);
}

/*
 * 3 points: a caller who is killed is told nothing, but the others are: the event has
 * the numbers by which the counters have grown.
 */
static void check_interrupted(void)
{
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	unsigned long long freed = 0, evicted = 1, left = 1;
	uint64_t want[COUNTS] = { [INTERRUPTED] = 1, [KILLS] = 1 };
	struct events ev;
	pid_t caller;
	int status;

	hold_prepare(&victim);
	begin();
	caller = fork();
	if (caller < 0)
		tap_bail("fork");
	if (!caller)
		_exit(!!wait_for_end(&victim));
	hold_wait(&victim);
	kill(caller, SIGKILL);
	if (waitpid(caller, &status, 0) != caller)
		tap_bail("waitpid");
	events_read(&ev);
	tap_ok(was_killed(status) && ev.nr == 2 &&
		       sscanf(ev.text[1],
			      "release_end: victim=%*d error=-4 flags=kill|teardown victims=1 freed=%llu evicted=%llu left=%llu left_reasons=",
			      &freed, &evicted, &left) == 3,
	       "interrupted: events");
	want[FREED] = freed;
	want[EVICTED] = evicted;
	want[LEFT] = left;
	expect_counts("interrupted", want, 1, UINT64_MAX);
	hold_end(&victim);
}

static void check_gone(void)
{
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	int pidfd = fcntl(victim.pidfd, F_DUPFD_CLOEXEC, 0);
	int ret;

	victim_end(&victim);
	begin();
	ret = dev_release(dev, pidfd, MRELEASE_KILL, NULL);
	expect_refusal("gone", REFUSED_GONE, 0, MRELEASE_KILL, ret, ESRCH);
	close(pidfd);
}

/* struct together - two callers on one victim */
struct together {
	struct victim victim;
	pthread_barrier_t barrier;
	struct mrelease_result res[2];
	int ret[2];
};

static struct together together;

static void *release_together(void *arg)
{
	int i = (int)(long)arg;

	pthread_barrier_wait(&together.barrier);
	together.ret[i] = dev_release(dev, together.victim.pidfd, MRELEASE_KILL,
				      &together.res[i]);
	return NULL;
}

/* Whether they meet or come one after the other: what was freed counts once. */
static void check_joined(void)
{
	uint64_t want[COUNTS] = { [RELEASED] = 2 }, ns = 0;
	pthread_t threads[2];
	long i;

	hold_setup();
	together.victim = victim_anon(4 * BYTES, VICTIM_SLEEP, -1);
	hold_freeze(together.victim.pid);
	pthread_barrier_init(&together.barrier, NULL, 2);
	begin();
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, release_together,
				   (void *)i))
			tap_bail("pthread_create");
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		want[KILLS] += together.res[i].victims;
		want[JOINED] +=
			!!(together.res[i].notes & MRELEASE_NOTE_JOINED);
		ns += together.res[i].elapsed_ns;
		if (want[FREED] < together.res[i].freed_bytes)
			want[FREED] = together.res[i].freed_bytes;
	}
	tap_ok(!together.ret[0] && !together.ret[1] &&
		       want[FREED] >= 4 * BYTES / 100 * 95,
	       "together: both succeed");
	tap_note("together: %d of 2 callers joined", (int)want[JOINED]);
	expect_counts("together", want, 2, ns);
	hold_thaw();
	victim_reap(&together.victim);
}

/* Those files and no others; root's; and nobody else's. */
static int nobody_reads(void *arg)
{
	(void)arg;
	caller_become(65534, 65534, 65534);
	return open(DIR_PATH "released", O_RDONLY | O_CLOEXEC) < 0 ? -errno : 0;
}

static void check_files(void)
{
	struct dirent *entry;
	bool ok = true;
	struct stat st;
	int i, nr = 0;
	DIR *dir;

	dir = opendir(DIR_PATH);
	if (!dir)
		tap_bail(DIR_PATH);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !strcmp(entry->d_name, "latency_us"))
			continue;
		for (i = 0; i < COUNTS && strcmp(names[i], entry->d_name); i++)
			;
		if (i == COUNTS)
			tap_note("unknown: %s", entry->d_name);
		ok &= i < COUNTS &&
		      !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		      (st.st_mode & 0777) == 0400 && !st.st_uid;
		nr++;
	}
	closedir(dir);
	tap_ok(ok && nr == COUNTS, "a file for each counter, for root only");
	tap_ok(caller_run(nobody_reads, NULL) == -EACCES,
	       "somebody else may not read them");
}

/* In the format of an event each bit has the name that the library has for it. */
static bool named(const char *event, const char *(*name)(uint32_t bit))
{
	char path[300], wanted[64];
	static char text[8192];
	uint32_t bit;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/events/mrelease/%s/format", event);
	f = open_file(instance, path, "re");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (bit = 1; bit && name(bit); bit <<= 1) {
		snprintf(wanted, sizeof(wanted), "(1U << %d), \"%s\" }",
			 __builtin_ctz(bit), name(bit));
		if (!strstr(text, wanted)) {
			tap_note("%s: no %s", event, wanted);
			return false;
		}
	}
	return bit > 1;
}

/* struct sample - a line of the tool's output that is no comment */
struct sample {
	char name[100];
	double value;
};

static int tool_read(struct sample *list, int max)
{
	char line[300], *blank;
	int n = 0;
	FILE *f = popen("mrelease info --openmetrics", "re");

	if (!f)
		tap_bail("popen");
	while (n < max && fgets(line, sizeof(line), f)) {
		blank = strrchr(line, ' ');
		if (line[0] == '#' || !blank)
			continue;
		*blank = '\0';
		snprintf(list[n].name, sizeof(list[n].name), "%.99s", line);
		list[n++].value = atof(blank + 1);
	}
	return pclose(f) ? -1 : n;
}

/* 2 points: what the tool makes of the files; nothing in it ever falls. */
static void check_tool(void)
{
	static struct sample first[100], second[100];
	struct victim victim = victim_anon(BYTES, VICTIM_SLEEP, -1);
	int n = tool_read(first, ARRAY_SIZE(first)), i;
	struct mrelease_result res;
	bool fell = false;
	int right = 0;

	begin();
	tap_ok(n > COUNTS, "the tool has samples");
	dev_release(dev, victim.pidfd, MRELEASE_KILL, &res);
	victim_reap(&victim);
	if (tool_read(second, ARRAY_SIZE(second)) != n)
		n = 0;
	for (i = 0; i < n; i++) {
		const char *name = second[i].name;
		double grown = second[i].value - first[i].value;

		fell |= strcmp(name, first[i].name) || grown < 0;
		right +=
			!strcmp(name,
				"mrelease_releases_total{result=\"released\"}") &&
			second[i].value == before.count[RELEASED] + 1;
		right += !strcmp(name, "mrelease_freed_bytes_total") &&
			 second[i].value ==
				 before.count[FREED] + res.freed_bytes;
		right += !strcmp(name, "mrelease_release_seconds_count") &&
			 grown == 1;
	}
	tap_ok(n && !fell && right == 3,
	       "they grow as the counters do, and none falls");
}

static void tracing_setup(void)
{
	char path[300];

	snprintf(instance, sizeof(instance),
		 "/sys/kernel/tracing/instances/mrelease-%d", getpid());
	if (mkdir(instance, 0700))
		tap_bail("%s", instance);
	snprintf(path, sizeof(path), "%s/events/mrelease/enable", instance);
	if (write_file(path, "1"))
		tap_bail("%s", path);
}

int main(void)
{
	tap_plan(76);
	dev = dev_open();
	tracing_setup();
	check_files();
	tap_ok(named("release_begin", mrelease_flag_name) &&
		       named("release_end", mrelease_left_name) &&
		       named("release_end", mrelease_note_name),
	       "the events have the library's names for all bits");
	check_releases();
	check_refusals();
	check_late();
	check_full();
	check_gone();
	check_interrupted();
	check_joined();
	check_tool();
	rmdir(instance);
	return tap_done();
}

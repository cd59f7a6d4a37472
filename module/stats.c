// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters, in /sys/class/misc/mrelease/statistics/, a file for each, for root.
 *
 * They begin with 0 when the module is loaded, and only grow.  A call adds to eight
 * of them when it is over, which is nothing beside what it has done; so they are
 * plain atomics, and nothing has to be allocated or summed up.  Those of one call
 * are added one after the other: who reads two files may see it in one of them only.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/math64.h>

#include "module/request.h"
#include "module/stats.h"

/* Of the histogram: up to 16 us, 32 us, and so on to 16.8 s; and what is beyond. */
#define MR_LATENCY_FIRST	4
#define MR_LATENCY_BOUNDS	21

enum mr_count {
	MR_COUNT_RELEASED,
	MR_COUNT_TIMEOUTS,
	MR_COUNT_INTERRUPTED,
	MR_COUNT_FAILED,
	MR_COUNT_KILLS,
	MR_COUNT_JOINED,
	MR_COUNT_FREED,
	MR_COUNT_EVICTED,
	MR_COUNT_LEFT,
	MR_COUNT_ELAPSED,
	MR_COUNT_REFUSED,
	MR_COUNT_NR = MR_COUNT_REFUSED + MR_REFUSED_NR,
};

/* struct mr_counter - a number and its file */
struct mr_counter {
	struct device_attribute attr;
	atomic64_t value;
};

static ssize_t mr_counter_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	struct mr_counter *counter = container_of(attr, struct mr_counter, attr);

	return sysfs_emit(buf, "%lld\n", atomic64_read(&counter->value));
}

#define MR_COUNTER(name)	{ .attr = __ATTR(name, 0400, mr_counter_show, NULL) }
#define MR_REFUSED(name)	MR_COUNTER(refused_##name)

static struct mr_counter mr_counters[MR_COUNT_NR] = {
	[MR_COUNT_RELEASED] = MR_COUNTER(released),
	[MR_COUNT_TIMEOUTS] = MR_COUNTER(timeouts),
	[MR_COUNT_INTERRUPTED] = MR_COUNTER(interrupted),
	[MR_COUNT_FAILED] = MR_COUNTER(failed),
	[MR_COUNT_KILLS] = MR_COUNTER(kills),
	[MR_COUNT_JOINED] = MR_COUNTER(joined),
	[MR_COUNT_FREED] = MR_COUNTER(freed_bytes),
	[MR_COUNT_EVICTED] = MR_COUNTER(evicted_bytes),
	[MR_COUNT_LEFT] = MR_COUNTER(left_bytes),
	[MR_COUNT_ELAPSED] = MR_COUNTER(elapsed_ns),
	[MR_COUNT_REFUSED + MR_REFUSED_ARGUMENTS] = MR_REFUSED(arguments),
	[MR_COUNT_REFUSED + MR_REFUSED_OFF] = MR_REFUSED(off),
	[MR_COUNT_REFUSED + MR_REFUSED_PIDFD] = MR_REFUSED(pidfd),
	[MR_COUNT_REFUSED + MR_REFUSED_GONE] = MR_REFUSED(gone),
	[MR_COUNT_REFUSED + MR_REFUSED_ALIVE] = MR_REFUSED(alive),
	[MR_COUNT_REFUSED + MR_REFUSED_SHARED] = MR_REFUSED(shared),
	[MR_COUNT_REFUSED + MR_REFUSED_DUMP] = MR_REFUSED(dump),
	[MR_COUNT_REFUSED + MR_REFUSED_SCOPE] = MR_REFUSED(scope),
	[MR_COUNT_REFUSED + MR_REFUSED_PERMISSION] = MR_REFUSED(permission),
	[MR_COUNT_REFUSED + MR_REFUSED_FULL] = MR_REFUSED(full),
};

static atomic64_t mr_latency[MR_LATENCY_BOUNDS + 1];

/* A line for each bound: microseconds, and how many calls took that or less. */
static ssize_t latency_us_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	s64 sum = 0;
	int at = 0;
	int i;

	for (i = 0; i < MR_LATENCY_BOUNDS; i++) {
		sum += atomic64_read(&mr_latency[i]);
		at += sysfs_emit_at(buf, at, "%lu %lld\n",
				    1UL << (i + MR_LATENCY_FIRST), sum);
	}
	sum += atomic64_read(&mr_latency[i]);
	return at + sysfs_emit_at(buf, at, "inf %lld\n", sum);
}
static DEVICE_ATTR_ADMIN_RO(latency_us);

static struct attribute *mr_stats_attrs[MR_COUNT_NR + 2];

static const struct attribute_group mr_stats_group = {
	.name = "statistics",
	.attrs = mr_stats_attrs,
};

static const struct attribute_group *mr_stats_list[] = {
	&mr_stats_group,
	NULL,
};

/**
 * mr_stats_groups() - the files
 *
 * Return: groups for a struct device that is not there yet.
 */
const struct attribute_group **mr_stats_groups(void)
{
	int i;

	for (i = 0; i < MR_COUNT_NR; i++)
		mr_stats_attrs[i] = &mr_counters[i].attr.attr;
	mr_stats_attrs[i] = &dev_attr_latency_us.attr;
	return mr_stats_list;
}

static void mr_stats_add(unsigned int count, u64 value)
{
	atomic64_add(value, &mr_counters[count].value);
}

/* The first bound that @ns is not beyond. */
static unsigned int mr_latency_bucket(u64 ns)
{
	u64 us = DIV_ROUND_UP_ULL(ns, NSEC_PER_USEC);
	unsigned int log = us > 1 ? ilog2(us - 1) + 1 : 0;

	if (log < MR_LATENCY_FIRST)
		return 0;
	return min(log - MR_LATENCY_FIRST, (unsigned int)MR_LATENCY_BOUNDS);
}

/**
 * mr_stats_end() - count a release that was not refused
 * @rq: the call, with its result
 * @error: what it came to
 * @ns: how long it took
 */
void mr_stats_end(const struct mr_request *rq, int error, u64 ns)
{
	const struct mrelease_result *result = rq->result;

	if (!error)
		mr_stats_add(MR_COUNT_RELEASED, 1);
	else if (error == -ETIMEDOUT)
		mr_stats_add(MR_COUNT_TIMEOUTS, 1);
	else if (error == -EINTR)
		mr_stats_add(MR_COUNT_INTERRUPTED, 1);
	else
		mr_stats_add(MR_COUNT_FAILED, 1);

	mr_stats_add(MR_COUNT_KILLS, result->victims);
	mr_stats_add(MR_COUNT_JOINED, !!(result->notes & MRELEASE_NOTE_JOINED));
	/* Callers who release together are all told the sum. */
	if (!rq->again) {
		mr_stats_add(MR_COUNT_FREED, result->freed_bytes);
		mr_stats_add(MR_COUNT_EVICTED, result->evicted_bytes);
		mr_stats_add(MR_COUNT_LEFT, result->left_bytes);
	}
	mr_stats_add(MR_COUNT_ELAPSED, ns);
	atomic64_inc(&mr_latency[mr_latency_bucket(ns)]);
}

/**
 * mr_stats_refused() - count a call that was refused
 * @reason: why
 */
void mr_stats_refused(enum mr_refused reason)
{
	mr_stats_add(MR_COUNT_REFUSED + reason, 1);
}

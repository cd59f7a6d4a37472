/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints mrelease:*, one at each end of a call and none on the way: what a
 * page or a piece costs is for perf and for function tracing.
 *
 * Every call comes to exactly one of release_end and release_refused.  Both, and
 * release_begin, run in the caller's context, so that "comm" and "pid" of the
 * event are the caller's, and "victim" is the process in question, in the initial
 * pid namespace; 0 when the call did not come so far as to look for it.  It has no
 * name when it is gone, and only a victim fd knows what it has left behind.
 *
 * Names are arrays, and reasons small numbers with a name for each: the string
 * macros changed in 6.10, and nothing here needs them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mrelease

#if !defined(_MR_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MR_TRACE_H

#include <linux/mrelease.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "module/report.h"
#include "module/request.h"

TRACE_DEFINE_ENUM(MR_REFUSED_ARGUMENTS);
TRACE_DEFINE_ENUM(MR_REFUSED_OFF);
TRACE_DEFINE_ENUM(MR_REFUSED_PIDFD);
TRACE_DEFINE_ENUM(MR_REFUSED_GONE);
TRACE_DEFINE_ENUM(MR_REFUSED_ALIVE);
TRACE_DEFINE_ENUM(MR_REFUSED_SHARED);
TRACE_DEFINE_ENUM(MR_REFUSED_DUMP);
TRACE_DEFINE_ENUM(MR_REFUSED_SCOPE);
TRACE_DEFINE_ENUM(MR_REFUSED_PERMISSION);
TRACE_DEFINE_ENUM(MR_REFUSED_FULL);

#define mr_show_refusal(reason)						\
	__print_symbolic(reason,					\
			 { MR_REFUSED_ARGUMENTS,	"arguments" },	\
			 { MR_REFUSED_OFF,		"off" },	\
			 { MR_REFUSED_PIDFD,		"pidfd" },	\
			 { MR_REFUSED_GONE,		"gone" },	\
			 { MR_REFUSED_ALIVE,		"alive" },	\
			 { MR_REFUSED_SHARED,		"shared" },	\
			 { MR_REFUSED_DUMP,		"dump" },	\
			 { MR_REFUSED_SCOPE,		"scope" },	\
			 { MR_REFUSED_PERMISSION,	"permission" },	\
			 { MR_REFUSED_FULL,		"full" })

#define mr_show_flags(flags)						\
	__print_flags(flags, "|",					\
		      { MRELEASE_KILL,		"kill" },		\
		      { MRELEASE_EVICT,		"evict" },		\
		      { MRELEASE_SHARED,	"shared" },		\
		      { MRELEASE_HUGETLB,	"hugetlb" },		\
		      { MRELEASE_KILL_SHARERS,	"kill-sharers" },	\
		      { MRELEASE_TEARDOWN,	"teardown" })

#define mr_show_left(reasons)						\
	__print_flags(reasons, "|",					\
		      { MRELEASE_LEFT_SHARED,		"shared" },	\
		      { MRELEASE_LEFT_SHARED_MAP,	"shared-map" },	\
		      { MRELEASE_LEFT_HUGETLB,		"hugetlb" },	\
		      { MRELEASE_LEFT_PFNMAP,		"pfnmap" },	\
		      { MRELEASE_LEFT_LOCKED,		"locked" },	\
		      { MRELEASE_LEFT_NOTIFIER,		"notifier" },	\
		      { MRELEASE_LEFT_ROBUST,		"robust" },	\
		      { MRELEASE_LEFT_TIMEOUT,		"timeout" },	\
		      { MRELEASE_LEFT_SIGNAL,		"signal" },	\
		      { MRELEASE_LEFT_EXITING,		"exiting" },	\
		      { MRELEASE_LEFT_DUMP,		"dump" },	\
		      { MRELEASE_LEFT_OTHER,		"other" })

#define mr_show_notes(notes)						\
	__print_flags(notes, "|",					\
		      { MRELEASE_NOTE_ESTIMATED,	"estimated" },	\
		      { MRELEASE_NOTE_JOINED,		"joined" },	\
		      { MRELEASE_NOTE_NEW_MM,		"new-mm" },	\
		      { MRELEASE_NOTE_SKIPPED,		"skipped" })

TRACE_EVENT(release_begin,

	TP_PROTO(const struct mr_request *rq),

	TP_ARGS(rq),

	TP_STRUCT__entry(
		__field(pid_t,	victim)
		__array(char,	victim_comm,	TASK_COMM_LEN)
		__field(u32,	flags)
	),

	TP_fast_assign(
		__entry->victim = pid_nr(rq->pid);
		if (rq->task)
			memcpy(__entry->victim_comm, rq->task->comm, TASK_COMM_LEN);
		else
			memset(__entry->victim_comm, 0, TASK_COMM_LEN);
		__entry->flags = rq->flags;
	),

	TP_printk("victim=%d victim_comm=%s flags=%s",
		  __entry->victim, __entry->victim_comm,
		  mr_show_flags(__entry->flags))
);

TRACE_EVENT(release_end,

	TP_PROTO(const struct mr_request *rq, int error, u64 ns),

	TP_ARGS(rq, error, ns),

	TP_STRUCT__entry(
		__field(pid_t,	victim)
		__field(int,	error)
		__field(u32,	flags)
		__field(u32,	victims)
		__field(u64,	freed)
		__field(u64,	evicted)
		__field(u64,	left)
		__field(u32,	left_reasons)
		__field(u32,	notes)
		__field(u64,	ns)
	),

	TP_fast_assign(
		__entry->victim = pid_nr(rq->pid);
		__entry->error = error;
		__entry->flags = rq->flags;
		__entry->victims = rq->result->victims;
		__entry->freed = rq->result->freed_bytes;
		__entry->evicted = rq->result->evicted_bytes;
		__entry->left = rq->result->left_bytes;
		__entry->left_reasons = rq->result->left_reasons;
		__entry->notes = rq->result->notes;
		__entry->ns = ns;
	),

	TP_printk("victim=%d error=%d flags=%s victims=%u freed=%llu evicted=%llu left=%llu left_reasons=%s notes=%s ns=%llu",
		  __entry->victim, __entry->error,
		  mr_show_flags(__entry->flags), __entry->victims,
		  __entry->freed, __entry->evicted, __entry->left,
		  mr_show_left(__entry->left_reasons),
		  mr_show_notes(__entry->notes), __entry->ns)
);

TRACE_EVENT(release_refused,

	TP_PROTO(pid_t victim, u32 flags, int error, enum mr_refused reason),

	TP_ARGS(victim, flags, error, reason),

	TP_STRUCT__entry(
		__field(pid_t,	victim)
		__field(int,	error)
		__field(u32,	flags)
		__field(u32,	reason)
	),

	TP_fast_assign(
		__entry->victim = victim;
		__entry->error = error;
		__entry->flags = flags;
		__entry->reason = reason;
	),

	TP_printk("victim=%d error=%d flags=%s reason=%s",
		  __entry->victim, __entry->error,
		  mr_show_flags(__entry->flags),
		  mr_show_refusal(__entry->reason))
);

#endif /* _MR_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding kernel functions that are not exported, see symbols.h.
 */
#include <linux/kprobes.h>
#include <linux/mrelease.h>

#include "module/compat/call.h"
#include "module/prototypes.h"
#include "module/symbols.h"

#ifndef CONFIG_KPROBES
#error "mrelease needs a kernel with CONFIG_KPROBES"
#endif

/*
 * struct mr_symbol - a function to find
 * @name: as in kallsyms
 * @prototype: as in symbols.h
 * @feature: 0 when the module cannot work without it; else the feature bit that
 *	is lost with it
 * @bind: patches the address into its callers
 */
struct mr_symbol {
	const char *name;
	const char *prototype;
	u64 feature;
	void (*bind)(void *addr);
};

#define MR_DEFINE_SYMBOL(sym)						\
DEFINE_STATIC_CALL_NULL(mr_##sym, mr_proto_##sym);			\
static void __init mr_bind_##sym(void *addr)				\
{									\
	static_call_update(mr_##sym, (typeof(mr_proto_##sym) *)addr);	\
}

MR_DEFINE_SYMBOL(pidfd_get_pid)
MR_DEFINE_SYMBOL(check_kill_permission)
MR_DEFINE_SYMBOL(do_send_sig_info)
MR_DEFINE_SYMBOL(drain_local_pages)
MR_DEFINE_SYMBOL(drain_all_pages)
MR_DEFINE_SYMBOL(delete_from_page_cache_batch)
MR_DEFINE_SYMBOL(css_task_iter_start)
MR_DEFINE_SYMBOL(css_task_iter_next)
MR_DEFINE_SYMBOL(css_task_iter_end)
MR_DEFINE_SYMBOL(taskstats_exit)
#ifndef MR_ZAP_EXPORTED
MR_DEFINE_SYMBOL(zap)
#endif

#define MR_SYMBOL(sym, name, feature) { name, mr_text_##sym, feature, mr_bind_##sym }

static const struct mr_symbol mr_symbols[] __initconst = {
	MR_SYMBOL(pidfd_get_pid, "pidfd_get_pid", 0),
	MR_SYMBOL(check_kill_permission, "check_kill_permission", 0),
	MR_SYMBOL(do_send_sig_info, "do_send_sig_info", 0),
	MR_SYMBOL(drain_local_pages, "drain_local_pages", MRELEASE_FEAT_VISIBLE),
	MR_SYMBOL(drain_all_pages, "drain_all_pages", MRELEASE_FEAT_VISIBLE),
	MR_SYMBOL(delete_from_page_cache_batch, "delete_from_page_cache_batch",
		  MRELEASE_EVICT),
	MR_SYMBOL(css_task_iter_start, "css_task_iter_start", MRELEASE_FEAT_CMD(3)),
	MR_SYMBOL(css_task_iter_next, "css_task_iter_next", MRELEASE_FEAT_CMD(3)),
	MR_SYMBOL(css_task_iter_end, "css_task_iter_end", MRELEASE_FEAT_CMD(3)),
	MR_SYMBOL(taskstats_exit, "taskstats_exit", MRELEASE_FEAT_TAKEOVER),
#ifndef MR_ZAP_EXPORTED
	MR_SYMBOL(zap, MR_ZAP_NAME, 0),
#endif
};

/* Feature bits that depend on a symbol, less those whose symbol is missing. */
static u64 mr_features __ro_after_init;

/*
 * A probe that is registered disabled touches no kernel text: all that is used
 * of it is the look-up of the address.  On kernels built for indirect branch
 * tracking the address is that behind the landing pad, which is as good for a
 * direct call.
 */
static void * __init mr_symbol_find(const char *name)
{
	struct kprobe kp = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};
	void *addr;
	int ret;

	ret = register_kprobe(&kp);
	if (ret)
		return ERR_PTR(ret);
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

/*
 * Find a function that is what it was when the module was compiled.  Returns its
 * address, or an ERR_PTR after saying in the log what is wrong.
 */
static void * __init mr_symbol_resolve(const struct mr_symbol *sym)
{
	void *addr = mr_symbol_find(sym->name);
	char found[MR_BTF_TEXT];
	int ret;

	if (IS_ERR(addr)) {
		ret = -ENOENT;
		snprintf(found, sizeof(found), "none that a kprobe finds (%ld)",
			 PTR_ERR(addr));
	} else if (!mr_compat_callable(addr)) {
		ret = -ENOEXEC;
		snprintf(found, sizeof(found),
			 "one without a landing pad, which BTI forbids to call");
	} else {
		ret = mr_prototypes_check(sym->name, sym->prototype, found);
		if (!ret)
			return addr;
	}

	if (sym->feature)
		pr_notice("going on without %s(): compiled for %s; this kernel has %s\n",
			  sym->name, sym->prototype, found);
	else
		pr_err("cannot load: %s(): compiled for %s; this kernel has %s\n",
		       sym->name, sym->prototype, found);
	return ERR_PTR(ret);
}

/* All of them.  Returns 0, or an error when one that is needed is not there. */
static int __init mr_symbols_resolve(void *addr[])
{
	u64 lost = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mr_symbols); i++) {
		addr[i] = mr_symbol_resolve(&mr_symbols[i]);
		mr_features |= mr_symbols[i].feature;
		if (!IS_ERR(addr[i]))
			continue;
		if (!mr_symbols[i].feature)
			return PTR_ERR(addr[i]);
		lost |= mr_symbols[i].feature;
	}
	/* A feature may need several. */
	mr_features &= ~lost;
	return 0;
}

/**
 * mr_symbols_init() - find every function and patch it into its callers
 *
 * All are looked up before the first is bound, so that a refusal leaves no
 * trace.  Process context: both kprobes and static calls take sleeping locks.
 *
 * Return: 0; -ENOENT when a function is missing, -ENOEXEC when it has another
 * prototype, -EOPNOTSUPP when that cannot be found out; the log says more.
 */
int __init mr_symbols_init(void)
{
	void *addr[ARRAY_SIZE(mr_symbols)];
	size_t i;
	int ret;

	ret = mr_prototypes_open() ?: mr_symbols_resolve(addr);
	mr_prototypes_close();
	if (ret)
		return ret;

	for (i = 0; i < ARRAY_SIZE(mr_symbols); i++) {
		if (!IS_ERR(addr[i]))
			mr_symbols[i].bind(addr[i]);
	}
	return 0;
}

/**
 * mr_symbols_features() - what the found symbols allow
 *
 * Return: MRELEASE_FEAT_* bits.
 */
u64 mr_symbols_features(void)
{
	return mr_features;
}

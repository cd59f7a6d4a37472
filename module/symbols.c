// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding kernel functions that are not exported, see symbols.h.
 */
#include <linux/kprobes.h>
#include <linux/mrelease.h>

#include "module/symbols.h"

#ifndef CONFIG_KPROBES
#error "mrelease needs a kernel with CONFIG_KPROBES"
#endif

/*
 * struct mr_symbol - a function to find
 * @name: as in kallsyms
 * @feature: 0 when the module cannot work without it; else the feature bit that
 *	is lost with it
 * @bind: patches the address into its callers
 */
struct mr_symbol {
	const char *name;
	u64 feature;
	void (*bind)(void *addr);
};

#define MR_DEFINE_SYMBOL(sym)						\
DEFINE_STATIC_CALL_NULL(mr_##sym, mr_proto_##sym);			\
static void __init mr_bind_##sym(void *addr)				\
{									\
	static_call_update(mr_##sym, addr);				\
}

MR_DEFINE_SYMBOL(pidfd_get_pid)
MR_DEFINE_SYMBOL(check_kill_permission)
MR_DEFINE_SYMBOL(do_send_sig_info)
MR_DEFINE_SYMBOL(drain_local_pages)
MR_DEFINE_SYMBOL(delete_from_page_cache_batch)
#ifndef MR_ZAP_EXPORTED
MR_DEFINE_SYMBOL(zap)
#endif

static const struct mr_symbol mr_symbols[] __initconst = {
	{ "pidfd_get_pid", 0, mr_bind_pidfd_get_pid },
	{ "check_kill_permission", 0, mr_bind_check_kill_permission },
	{ "do_send_sig_info", 0, mr_bind_do_send_sig_info },
	{ "drain_local_pages", MRELEASE_FEAT_VISIBLE, mr_bind_drain_local_pages },
	{ "delete_from_page_cache_batch", MRELEASE_EVICT,
	  mr_bind_delete_from_page_cache_batch },
#ifndef MR_ZAP_EXPORTED
	{ MR_ZAP_NAME, 0, mr_bind_zap },
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

/**
 * mr_symbols_init() - find every function and patch it into its callers
 *
 * All are looked up before the first is bound, so that a refusal leaves no
 * trace.  Process context: both kprobes and static calls take sleeping locks.
 *
 * Return: 0, or -ENOENT after naming in the log what is missing.
 */
int __init mr_symbols_init(void)
{
	void *addr[ARRAY_SIZE(mr_symbols)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mr_symbols); i++) {
		const struct mr_symbol *sym = &mr_symbols[i];

		addr[i] = mr_symbol_find(sym->name);
		if (!IS_ERR(addr[i])) {
			mr_features |= sym->feature;
			continue;
		}
		if (!sym->feature) {
			pr_err("cannot load: this kernel has no function %s() that can be found (kprobe: %ld)\n",
			       sym->name, PTR_ERR(addr[i]));
			return -ENOENT;
		}
		pr_notice("this kernel has no function %s(), going on without it\n",
			  sym->name);
	}

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

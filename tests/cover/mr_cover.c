// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which parts of mrelease.ko have run, on a stock kernel: one that is built with
 * -fsanitize-coverage=trace-pc calls __sanitizer_cov_trace_pc() at the beginning of
 * each basic block.  This module, loaded before it, has that function, and remembers
 * from where it was called; it stays when the other is unloaded and loaded again.
 *
 * /sys/kernel/debug/mr_cover has a line for each call: "text" or "init", and the offset
 * of its return address in that part of the module, hexadecimal.
 */
#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/instruction_pointer.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#define MR_COVER_SIZE (1UL << 20)

/* Where that part of the module is, and from where in it there was a call. */
struct mr_cover_part {
	const char *name;
	enum mod_mem_type type;
	unsigned long base;
	unsigned long size;
	DECLARE_BITMAP(hit, MR_COVER_SIZE);
};

static struct mr_cover_part mr_cover_parts[] = {
	{ .name = "text", .type = MOD_TEXT },
	{ .name = "init", .type = MOD_INIT_TEXT },
};

static struct dentry *mr_cover_file;

__diag_push();
__diag_ignore_all("-Wmissing-prototypes", "only the compiler calls it");

/* In any context. */
__attribute__((no_sanitize_coverage)) notrace void
__sanitizer_cov_trace_pc(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mr_cover_parts); i++) {
		struct mr_cover_part *part = &mr_cover_parts[i];
		unsigned long offset = _RET_IP_ - READ_ONCE(part->base);

		if (offset < READ_ONCE(part->size) &&
		    !test_bit(offset, part->hit))
			set_bit(offset, part->hit);
	}
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

__diag_pop();

/* Its memory for initialisation is given back, and may become that of another. */
static int mr_cover_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	const struct module *mod = data;
	unsigned int i;

	if (strcmp(mod->name, "mrelease"))
		return NOTIFY_DONE;
	for (i = 0; i < ARRAY_SIZE(mr_cover_parts); i++) {
		struct mr_cover_part *part = &mr_cover_parts[i];
		const struct module_memory *mem = &mod->mem[part->type];
		bool there =
			event == MODULE_STATE_COMING ||
			(event == MODULE_STATE_LIVE &&
			 part->type == MOD_TEXT) ||
			(event == MODULE_STATE_GOING && part->type == MOD_TEXT);

		WARN_ON(mem->size > MR_COVER_SIZE);
		WRITE_ONCE(part->size, 0);
		WRITE_ONCE(part->base, (unsigned long)mem->base);
		if (there)
			WRITE_ONCE(part->size, mem->size);
	}
	return NOTIFY_DONE;
}

static struct notifier_block mr_cover_nb = {
	.notifier_call = mr_cover_notify,
};

static int mr_cover_show(struct seq_file *m, void *v)
{
	unsigned int i;
	unsigned long offset;

	for (i = 0; i < ARRAY_SIZE(mr_cover_parts); i++) {
		const struct mr_cover_part *part = &mr_cover_parts[i];

		for_each_set_bit(offset, part->hit, MR_COVER_SIZE)
			seq_printf(m, "%s %lx\n", part->name, offset);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mr_cover);

static int __init mr_cover_init(void)
{
	int ret = register_module_notifier(&mr_cover_nb);

	if (ret)
		return ret;
	mr_cover_file = debugfs_create_file("mr_cover", 0400, NULL, NULL,
					    &mr_cover_fops);
	return 0;
}

static void __exit mr_cover_exit(void)
{
	debugfs_remove(mr_cover_file);
	unregister_module_notifier(&mr_cover_nb);
}

module_init(mr_cover_init);
module_exit(mr_cover_exit);
MODULE_DESCRIPTION("Which parts of mrelease have run");
MODULE_LICENSE("GPL");

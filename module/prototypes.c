// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparing prototypes with the running kernel, see prototypes.h.
 *
 * The BTF is read from the file that the kernel has for it.  Functions that
 * look into it exist in the kernel too, but are not exported everywhere; found by
 * name, they would be called by a prototype that nobody has checked.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "module/prototypes.h"

#define MR_BTF_FILE	"/sys/kernel/btf/vmlinux"

/* Debian's have 4 to 6 MiB. */
#define MR_BTF_SIZE_MAX	(64UL << 20)

static bool mr_param_unchecked;
module_param_named(unchecked, mr_param_unchecked, bool, 0444);
MODULE_PARM_DESC(unchecked,
		 "1 loads on a kernel without BTF, too, where prototypes cannot be compared (default 0)");

/* Between open and close, which is all within the module's initialisation. */
static struct mr_btf mr_btf __initdata;
static void *mr_btf_data __initdata;

static int __init mr_btf_read(struct file *file, void *data, size_t size)
{
	loff_t pos = 0;
	ssize_t n;

	while (pos < size) {
		n = kernel_read(file, data + pos, size - pos, &pos);
		if (n <= 0)
			return n ?: -EINVAL;
	}
	return 0;
}

static int __init mr_btf_load(void)
{
	struct file *file;
	loff_t size;
	int ret;

	file = filp_open(MR_BTF_FILE, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);

	ret = -EINVAL;
	size = i_size_read(file_inode(file));
	if (size <= 0 || size > MR_BTF_SIZE_MAX)
		goto close;

	ret = -ENOMEM;
	mr_btf_data = kvmalloc(size, GFP_KERNEL);
	mr_btf.index = kvmalloc(mr_btf_index_size(size), GFP_KERNEL);
	if (!mr_btf_data || !mr_btf.index)
		goto close;

	ret = mr_btf_read(file, mr_btf_data, size) ?:
	      mr_btf_init(&mr_btf, mr_btf_data, size, mr_btf.index);
close:
	filp_close(file, NULL);
	return ret;
}

/**
 * mr_prototypes_open() - get ready to compare prototypes
 *
 * mr_prototypes_close() must follow, also after an error.  Process context.
 *
 * Return: 0; -EOPNOTSUPP when there is nothing to compare with, after saying so
 * in the log; but then 0 if the parameter "unchecked" allows it.
 */
int __init mr_prototypes_open(void)
{
	int ret = mr_btf_load();

	if (!ret)
		return 0;
	mr_prototypes_close();
	if (mr_param_unchecked) {
		pr_notice("no usable BTF in %s (%d): prototypes not checked, as asked\n",
			  MR_BTF_FILE, ret);
		return 0;
	}
	pr_err("cannot load: no usable BTF in %s (%d) to check prototypes, see unchecked=1\n",
	       MR_BTF_FILE, ret);
	return -EOPNOTSUPP;
}

/**
 * mr_prototypes_close() - give back what mr_prototypes_open() took
 */
void __init mr_prototypes_close(void)
{
	kvfree(mr_btf.index);
	kvfree(mr_btf_data);
	mr_btf.index = NULL;
	mr_btf_data = NULL;
}

/**
 * mr_prototypes_check() - has the kernel this function with this prototype?
 * @name: of the function
 * @prototype: by which the module was compiled to call it
 * @found: set to what the kernel has, if that is not it
 *
 * Return: 0; -ENOENT when its BTF has no such function; -ENOEXEC when it differs.
 */
int __init mr_prototypes_check(const char *name, const char *prototype,
			       char found[MR_BTF_TEXT])
{
	int ret;

	/* Unchecked, as asked. */
	if (!mr_btf_data)
		return 0;

	ret = mr_btf_compare(&mr_btf, name, prototype, found);
	if (ret == -ENOENT)
		strcpy(found, "none in its BTF");
	return ret;
}

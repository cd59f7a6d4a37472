// SPDX-License-Identifier: GPL-2.0-only
/*
 * mrelease: kill a process and have its memory back before the call returns.
 *
 * Loading, unloading, the device, and the switches.  The ABI is documented in
 * uapi/linux/mrelease.h, the way of a release in release.c.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mrelease.h>

#include "module/device.h"
#include "module/fetch.h"
#include "module/gather.h"
#include "module/handle.h"
#include "module/oom.h"
#include "module/stats.h"
#include "module/symbols.h"
#include "module/victim.h"

static bool mr_param_enabled = true;
module_param_named(enabled, mr_param_enabled, bool, 0644);
MODULE_PARM_DESC(enabled, "0 refuses every release with EPERM (default 1)");

/**
 * mr_enabled() - are releases switched on?
 *
 * Return: what root last wrote to the parameter "enabled".
 */
bool mr_enabled(void)
{
	return READ_ONCE(mr_param_enabled);
}

static const struct file_operations mr_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = mr_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice mr_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mrelease",
	.fops = &mr_fops,
	.mode = 0600,
};

static int __init mr_init(void)
{
	int ret;

	ret = mr_symbols_init();
	if (ret)
		return ret;
	ret = mr_victims_init();
	if (ret)
		return ret;
	ret = mr_rooms_init();
	if (ret)
		goto err_victims;
	ret = mr_fetch_init();
	if (ret)
		goto err_rooms;
	ret = mr_watch_init();
	if (ret)
		goto err_fetch;
	ret = mr_oom_init();
	if (ret)
		goto err_watch;
	mr_device.groups = mr_stats_groups();
	ret = misc_register(&mr_device);
	if (ret)
		goto err_oom;

	pr_info("%s loaded, reaping by %s(), freed memory %s at once\n",
		MR_VERSION, MR_ZAP_NAME,
		mr_symbols_features() & MRELEASE_FEAT_VISIBLE ?
		"visible" : "not always visible");
	return 0;

err_oom:
	mr_oom_exit();
err_watch:
	mr_watch_exit();
err_fetch:
	mr_fetch_exit();
err_rooms:
	mr_rooms_exit();
err_victims:
	mr_victims_exit();
	return ret;
}

static void __exit mr_exit(void)
{
	misc_deregister(&mr_device);
	mr_oom_exit();
	mr_watch_exit();
	mr_fetch_exit();
	mr_rooms_exit();
	mr_victims_exit();
}

module_init(mr_init);
module_exit(mr_exit);

MODULE_DESCRIPTION("Kill a process and have its memory back before the call returns");
MODULE_AUTHOR("The mrelease developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(MR_VERSION);

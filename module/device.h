/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device and the switches of the module.
 */
#ifndef _MR_DEVICE_H
#define _MR_DEVICE_H

#include <linux/fs.h>

bool mr_enabled(void);
u64 mr_features(void);
long mr_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mr_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _MR_DEVICE_H */

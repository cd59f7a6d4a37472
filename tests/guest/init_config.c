// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host asked of this boot. tests/qemu/run puts a file into the initramfs, a line a step,
 * words apart by one space, done in this order:
 *
 *	modprobe NAME...		modules of the kernel's own that must be there first
 *	mount DEVICE TYPE DIR OPTIONS	a file system (OPTIONS "-" for none)
 *	swapon DEVICE
 *	insmod FILE PARAMETERS...	our module; to the end of the line
 *
 * Any step but modprobe (the driver may be built in) that fails ends the boot with its reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

/* A driver that was just loaded may find its device a little later. */
static void device_wait(const char *path)
{
	for (int i = 0; i < 500 && path[0] == '/' && access(path, F_OK); i++)
		usleep(10000);
}

static void do_modprobe(char *names)
{
	char *argv[32] = { "/sbin/modprobe", "-q", "-a" };
	int n = 3;

	for (char *s, *p = strtok_r(names, " ", &s); p && n < 31;
	     p = strtok_r(NULL, " ", &s))
		argv[n++] = p;
	argv[n] = NULL;
	spawn_wait(argv, PORT_ERR, PORT_ERR);
}

static void do_mount(char *args)
{
	char *save, *dev = strtok_r(args, " ", &save),
		    *type = strtok_r(NULL, " ", &save);
	char *dir = strtok_r(NULL, " ", &save),
	     *options = strtok_r(NULL, " ", &save);

	if (!dev || !type || !dir || !options)
		setup_failed("bad mount line");
	device_wait(dev);
	mkdir(dir, 0755);
	if (mount(dev, dir, type, 0, strcmp(options, "-") ? options : NULL))
		setup_failed("mount %s on %s as %s: %s", dev, dir, type,
			     strerror(errno));
	chmod(dir, 01777);
}

static void do_swapon(const char *dev)
{
	device_wait(dev);
	if (swapon(dev, 0))
		setup_failed("swapon %s: %s", dev, strerror(errno));
}

static void do_insmod(char *args)
{
	char *params = strchr(args, ' ');
	int fd;

	if (params)
		*params++ = '\0';
	/* The log of the load belongs to the tests: the runner scans from here on. */
	write_file("/dev/kmsg", "<6>mrelease-test: load");
	fd = open(args, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, params ? params : "", 0))
		setup_failed("loading %s: %s", args, strerror(errno));
	close(fd);
}

void config_apply(const char *path)
{
	char line[4096];
	FILE *f = fopen(path, "re");

	if (!f)
		setup_failed("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		char *args;

		line[strcspn(line, "\n")] = '\0';
		args = strchr(line, ' ');
		if (!args)
			setup_failed("bad line '%s' in %s", line, path);
		*args++ = '\0';
		if (!strcmp(line, "modprobe"))
			do_modprobe(args);
		else if (!strcmp(line, "mount"))
			do_mount(args);
		else if (!strcmp(line, "swapon"))
			do_swapon(args);
		else if (!strcmp(line, "insmod"))
			do_insmod(args);
		else
			setup_failed("unknown step '%s' in %s", line, path);
	}
	fclose(f);
}

/* The command, its words ended by a NUL each: any byte may stand in an argument. */
char **argv_read(const char *path)
{
	static char *argv[1024];
	static char text[128 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t len = 0, got;

	if (fd < 0)
		setup_failed("%s: %s", path, strerror(errno));
	while ((got = read(fd, text + len, sizeof(text) - len)) > 0)
		len += got;
	close(fd);
	if (len == 0 || len == (ssize_t)sizeof(text))
		setup_failed("no command, or one that is too long");
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		if (n == 1023)
			setup_failed("too many arguments");
		argv[n++] = p;
	}
	return argv;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PID 1 of a test guest: set the machine up, load the module, run one command, report how it ended,
 * power off.
 *
 * The verdict goes to a serial port of its own, in lines:
 *
 *	up			everything is set up, the command starts now
 *	exit N | signal N	how it ended
 *	setup-failed: TEXT	it was never started
 *
 * A host that finds none of the last three knows that the machine died.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define CONFIG "/etc/guest/config"
#define ARGV "/etc/guest/argv"

void port_printf(enum port port, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	port_write(port, text, strlen(text));
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

void power_off(void)
{
	sync();
	ports_drain();
	reboot(RB_POWER_OFF);
	/* Without ACPI there is no power switch; the host watches for the verdict all the same. */
	for (;;)
		pause();
}

void setup_failed(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	port_printf(PORT_VERDICT, "setup-failed: %s\n", text);
	power_off();
}

static void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	for (int i = 0; fd >= 0 && i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

int main(void)
{
	char **argv;
	int status;

	mount_basics();
	console_open();
	if (ports_open()) {
		/* Nothing to say it on but the console. */
		printf("guest init: no serial ports: %s\n", strerror(errno));
		fflush(stdout);
		reboot(RB_POWER_OFF);
	}
	/* Whatever the machine dies of from here on, ours may have a part in it. */
	port_printf(PORT_VERDICT, "init\n");
	/* The guest may be run out of memory on purpose; its reporter must not need any then. */
	mlockall(MCL_CURRENT | MCL_FUTURE);

	tune_kernel();
	cgroups_enable();
	tracing_enable();
	loopback_up();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/add", 1);
	setenv("HOME", "/root", 1);
	config_apply(CONFIG);
	argv = argv_read(ARGV);

	port_printf(PORT_VERDICT, "up\n");
	status = spawn_wait(argv, PORT_OUT, PORT_ERR);
	/* The streams first: a host that sees the verdict has seen all that came before it. */
	ports_drain();
	if (WIFSIGNALED(status))
		port_printf(PORT_VERDICT, "signal %d\n", WTERMSIG(status));
	else
		port_printf(PORT_VERDICT, "exit %d\n", WEXITSTATUS(status));
	power_off();
}

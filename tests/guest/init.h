/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's init: what its files share. It runs as PID 1 of a virtual machine that was made for
 * one command (tests/qemu/run) and reports to the host over serial ports.
 */
#ifndef GUEST_INIT_H
#define GUEST_INIT_H

#include <stddef.h>

/*
 * Serial ports of the guest. The console is the kernel's own; nothing that init or the command
 * says goes there, so that a kernel message in the middle of a line cannot spoil it.
 */
enum port { PORT_VERDICT, PORT_OUT, PORT_ERR, PORTS };

/* init_port.c */
int ports_open(void);
void port_write(enum port port, const char *buf, size_t len);
void ports_drain(void);

/* Say on the verdict port that the machine could not be set up, and power off. */
__attribute__((format(printf, 1, 2), noreturn)) void
setup_failed(const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void port_printf(enum port port,
						       const char *fmt, ...);
__attribute__((noreturn)) void power_off(void);

/* init_setup.c: a system that programs can live in */
void mount_basics(void);
void tune_kernel(void);
void cgroups_enable(void);
void tracing_enable(void);
void loopback_up(void);

/* init_config.c: what the host asked for, see there */
void config_apply(const char *path);
char **argv_read(const char *path);

/* init_run.c: run the command, its streams on the ports; a wait(2) status */
int spawn_wait(char **argv, enum port out, enum port err);

/* Write a string to a file that exists, such as one of /proc; 0 or -1 with errno. */
int write_file(const char *path, const char *text);

#endif

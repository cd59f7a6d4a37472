// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The serial ports that init reports on, driven by itself: a byte is one outb(), or,
 * where a program has no such instruction, one write to the registers by way of sysfs. The
 * kernel's tty is not asked, since its writes wait for an interrupt: one that got lost (seen once
 * in some hundred boots on a busy host, where a virtual CPU stands still at any moment) would hang
 * a machine whose work was done. It also passes every byte as it is, and works in a guest that has
 * no memory left.
 */
#include <sys/types.h>
#include <unistd.h>

#include "init.h"

/* A 16550's registers, and the bits of them that matter here. */
#define UART_TX 0
#define UART_IER 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define LCR_8N1 0x03
#define MCR_DTR_RTS 0x03
#define LSR_TX_READY 0x20
#define LSR_TX_DONE 0x40

#if defined(__x86_64__) || defined(__i386__)
#include <sys/io.h>

static const unsigned short base[PORTS] = {
	[PORT_VERDICT] = 0x2f8,
	[PORT_OUT] = 0x3e8,
	[PORT_ERR] = 0x2e8,
};

static int reg_open(enum port port)
{
	return ioperm(base[port], 8, 1);
}

static unsigned char reg_read(enum port port, int reg)
{
	return inb(base[port] + reg);
}

static void reg_write(enum port port, int reg, unsigned char value)
{
	outb(value, base[port] + reg);
}

#else
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* QEMU's PCI card with four ports: their registers are one file of sysfs. */
#define CARD_VENDOR "0x1b36"
#define CARD_DEVICE "0x0004"

static int card = -1;

/* Does the file beside @path hold this word? */
static int beside(const char *path, const char *name, const char *word)
{
	char file[256], text[32];
	FILE *f;
	int same;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "re");
	if (!f)
		return 0;
	same = fscanf(f, "%31s", text) == 1 && !strcmp(text, word);
	fclose(f);
	return same;
}

static int card_open(void)
{
	char file[256];
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return -1;
	for (size_t i = 0; i < found.gl_pathc && card < 0; i++) {
		const char *path = found.gl_pathv[i];

		if (!beside(path, "vendor", CARD_VENDOR) ||
		    !beside(path, "device", CARD_DEVICE))
			continue;
		/* A driver may have done so already, which does no harm. */
		snprintf(file, sizeof(file), "%s/enable", path);
		write_file(file, "1");
		snprintf(file, sizeof(file), "%s/resource0", path);
		card = open(file, O_RDWR | O_CLOEXEC);
	}
	globfree(&found);
	return card < 0 ? -1 : 0;
}

static int reg_open(enum port port)
{
	(void)port;
	return card < 0 ? card_open() : 0;
}

static unsigned char reg_read(enum port port, int reg)
{
	unsigned char value = 0;

	pread(card, &value, 1, port * 8 + reg);
	return value;
}

static void reg_write(enum port port, int reg, unsigned char value)
{
	pwrite(card, &value, 1, port * 8 + reg);
}
#endif

int ports_open(void)
{
	for (int i = 0; i < PORTS; i++) {
		if (reg_open(i))
			return -1;
		reg_write(i, UART_IER, 0);
		reg_write(i, UART_FCR, 0);
		reg_write(i, UART_LCR, LCR_8N1);
		reg_write(i, UART_MCR, MCR_DTR_RTS);
	}
	return 0;
}

/* The host takes a byte at once, unless whoever reads our output there does not. */
static void wait_for(enum port port, unsigned char bit)
{
	while (!(reg_read(port, UART_LSR) & bit))
		usleep(1000);
}

void port_write(enum port port, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		wait_for(port, LSR_TX_READY);
		reg_write(port, UART_TX, buf[i]);
	}
}

void ports_drain(void)
{
	for (int i = 0; i < PORTS; i++)
		wait_for(i, LSR_TX_DONE);
}

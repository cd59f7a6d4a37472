// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The serial ports that init reports on, driven by itself: a byte is one outb(). The
 * kernel's tty is
 * not asked, since its writes wait for an interrupt: one that got lost (seen once in some hundred
 * boots on a busy host, where a virtual CPU stands still at any moment) would hang a machine whose
 * work was done. It also passes every byte as it is, and works in a guest that has no memory left.
 */
#include <sys/io.h>
#include <unistd.h>

#include "init.h"

#if !defined(__x86_64__) && !defined(__i386__)
#error "which ports does this machine have?"
#endif

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

static const unsigned short base[PORTS] = {
	[PORT_VERDICT] = 0x2f8,
	[PORT_OUT] = 0x3e8,
	[PORT_ERR] = 0x2e8,
};

int ports_open(void)
{
	for (int i = 0; i < PORTS; i++) {
		if (ioperm(base[i], 8, 1))
			return -1;
		outb(0, base[i] + UART_IER);
		outb(0, base[i] + UART_FCR);
		outb(LCR_8N1, base[i] + UART_LCR);
		outb(MCR_DTR_RTS, base[i] + UART_MCR);
	}
	return 0;
}

/* The host takes a byte at once, unless whoever reads our output there does not. */
static void wait_for(enum port port, unsigned char bit)
{
	while (!(inb(base[port] + UART_LSR) & bit))
		usleep(1000);
}

void port_write(enum port port, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		wait_for(port, LSR_TX_READY);
		outb(buf[i], base[port] + UART_TX);
	}
}

void ports_drain(void)
{
	for (int i = 0; i < PORTS; i++)
		wait_for(i, LSR_TX_DONE);
}

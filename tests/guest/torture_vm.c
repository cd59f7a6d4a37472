// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile victims: one that is a virtual machine, so that an MMU notifier follows its
 * memory, and a processor uses that by page tables of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "torture.h"

/* Where there is none the headers have no such structures either. */
#ifdef __x86_64__
#include <linux/kvm.h>

#define PAGE 4096UL
/* What sixteen bits of address reach. */
#define VM_BYTES (16 * PAGE)
#define CODE 0x1000
/* In each page, and not where the code is. */
#define FIRST 0x800

/* Real mode: writes to each page in turn, for ever. */
static const unsigned char code[] = {
	0x88, 0x07, /* mov %al, (%bx) */
	0x81, 0xc3, 0x00, 0x10, /* add $0x1000, %bx */
	0xfe, 0xc0, /* inc %al */
	0xeb, 0xf6, /* jmp to the first */
};

static int vm_cpu(int vm)
{
	struct kvm_regs regs = { .rip = CODE, .rbx = FIRST, .rflags = 2 };
	int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct kvm_sregs sregs;

	if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &sregs) ||
	    ioctl(cpu, KVM_SET_REGS, &regs))
		return -1;
	return cpu;
}

static void *vm_changer(void *mem)
{
	for (;;) {
		madvise((char *)mem + 8 * PAGE, 8 * PAGE, MADV_DONTNEED);
		usleep(100);
	}
	return NULL;
}

void torture_vm_body(uint64_t *rng)
{
	struct kvm_userspace_memory_region region = { .memory_size = VM_BYTES };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu;
	char *mem = torture_map(VM_BYTES, MAP_SHARED | MAP_ANONYMOUS, -1);

	memcpy(mem + CODE, code, sizeof(code));
	region.userspace_addr = (uintptr_t)mem;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return;
	cpu = vm_cpu(vm);
	torture_ready();
	if (pick(rng, 2))
		torture_thread(vm_changer, mem);
	while (cpu >= 0 && (!ioctl(cpu, KVM_RUN, 0) || errno == EINTR))
		;
}
#else
void torture_vm_body(uint64_t *rng)
{
	(void)rng;
}
#endif

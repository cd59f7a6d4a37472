/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * syscall(): calls that are not ours go on by a jump, with registers and stack
 * as they came.  That costs a few comparisons, and calls that return twice, or
 * on another stack, find it as it was.
 *
 * Not in C on x86-64, where the last argument is in the caller's frame: a
 * compiler loads it from there and stores it back, and if it was no argument but
 * a futex that somebody changed in between, the change is lost.
 */
#include <asm/unistd.h>

#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif

#ifdef __x86_64__
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

	.text
	.p2align 4
	.globl syscall
	.type syscall, @function
syscall:
	.cfi_startproc
	_CET_ENDBR
	cmpq $__NR_process_mrelease, %rdi
	je mr_preload_ours
	cmpq $__NR_pidfd_send_signal, %rdi
	je mr_preload_ours
	cmpq $__NR_kill, %rdi
	je mr_preload_ours
	movq mr_next(%rip), %rax
	testq %rax, %rax
	jz 1f
	jmp *%rax

	/* Another library was started before this one, and uses it. */
1:	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %r8
	pushq %r9
	subq $8, %rsp
	.cfi_adjust_cfa_offset 56
	call mr_next_find
	addq $8, %rsp
	popq %r9
	popq %r8
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	.cfi_adjust_cfa_offset -56
	jmp *%rax
	.cfi_endproc
	.size syscall, . - syscall

#elif defined(__aarch64__)
	/* Registers x0 to x6 hold all of it; x16 and x17 are free. */
	.text
	.p2align 4
	.globl syscall
	.type syscall, %function
syscall:
	.cfi_startproc
	hint #34 /* bti c */
	cmp x0, #__NR_process_mrelease
	b.eq 2f
	cmp x0, #__NR_pidfd_send_signal
	b.eq 2f
	cmp x0, #__NR_kill
	b.eq 2f
	adrp x16, mr_next
	ldr x16, [x16, #:lo12:mr_next]
	cbz x16, 1f
	br x16
1:	b mr_next_syscall
2:	b mr_preload_ours
	.cfi_endproc
	.size syscall, . - syscall

#else
#error "say how this architecture passes the arguments of syscall() on"
#endif

	.section .note.GNU-stack,"",%progbits

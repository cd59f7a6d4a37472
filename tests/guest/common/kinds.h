/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of memory that a victim can have.  All of these run in the child, and end it
 * with status 95 when something does not work that the test has looked for before.
 */
#ifndef _KINDS_H
#define _KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "weigh.h"

/* Mapped anew; @flags of mmap(2) besides MAP_PRIVATE or MAP_SHARED. */
char *kind_map(size_t bytes, int prot, int flags, int fd);

/* Write to one byte of each @step bytes. */
void kind_touch(char *mem, size_t bytes, size_t step);

/* Fill with what no other page has, in this process or another. */
void kind_random(char *mem, size_t bytes);

/* A memfd of @bytes, with all of its pages there; -1 if not. */
int kind_memfd(size_t bytes, unsigned int flags);

/* Say so, and sleep. */
void kind_live(void) __attribute__((noreturn));

/* Bodies of victims, with what they take of memory. */
#define KIND_BYTES (64 * MIB)
#define KIND_SMALL (16 * MIB)
#define KIND_VMAS 8000
#define KIND_RESERVE (16 * 1024 * GIB)
#define KIND_SPARSE (1024 * GIB)
#define KIND_SPOTS 256
/* Above what four levels of page tables can map. */
#define KIND_HIGH ((void *)(uintptr_t)(1ULL << 50))

void kind_mlocked(void *arg);
void kind_ksm(void *arg);
void kind_userfaultfd(void *arg);
void kind_userfault_waiting(void *arg);
void kind_memfd_both(void *arg);
void kind_lazyfree(void *arg);
void kind_thp(void *arg);
void kind_shmem_thp(void *arg);
void kind_shmem_thp_private(void *arg);
void kind_hugetlb(void *arg);
void kind_hugetlb_shared(void *arg);
void kind_swapped(void *arg);
void kind_secretmem(void *arg);
void kind_small_vmas(void *arg);
void kind_reserved(void *arg);
void kind_sparse(void *arg);
void kind_high(void *arg);

/* With a request that /dev/nullb0 does not answer before a while; KIND_SMALL. */
void kind_aio(void *arg);

/* Can they be had here?  NULL, or why not. */
const char *no_userfaultfd(void);
const char *no_thp(void);
const char *no_shmem_thp(void);
const char *no_hugetlb(void);
const char *no_swap(void);
const char *no_secretmem(void);
const char *no_high(void);
const char *no_ksm(void);
const char *no_kvm(void);
const char *no_nullb(void);

/* In a child: take such memory, and exit with 0. */
void kind_secretmem_touch(void) __attribute__((noreturn));

/* Undo what the above have set up for it. */
void kinds_end(void);

#endif /* _KINDS_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Victims that hold robust futexes, see chains.h.  All of this runs in the victim.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chains.h"
#include "kinds.h"
#include "proc.h"
#include "sys.h"
#include "victim.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define HUGE (2UL * 1024 * 1024)
#define NODES 8
/* More pages than the module has room for. */
#define MANY_NODES 600

#define CHAIN_FILE "/tmp/chain"

static struct robust_list_head *new_head(void)
{
	struct robust_list_head *head = (void *)map_touched(PAGE, false);

	robust_init(head);
	return head;
}

static void make_plain(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();

	robust_take(head, &locks[0]);
	robust_take(head, &locks[1]);
	robust_register(head);
}

/* The one that was taken first is reached through all of @nr. */
static void make_private(struct robust_lock *locks, unsigned int nr)
{
	struct robust_list_head *head = new_head();
	char *nodes = map_touched(2 * nr * PAGE, false);
	unsigned int i;

	robust_take(head, &locks[0]);
	for (i = 0; i < nr; i++)
		robust_take(head, (void *)(nodes + 2 * i * PAGE));
	robust_take(head, &locks[1]);
	robust_register(head);
}

static void make_nodes(struct robust_lock *locks)
{
	make_private(locks, NODES);
}

static void make_many(struct robust_lock *locks)
{
	make_private(locks, MANY_NODES);
}

static void make_pending(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();

	robust_take_pending(head, &locks[0]);
	robust_register(head);
}

/* The words are in other pages than the links, and one is not shared. */
static void make_words(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();
	char *mem = map_touched(4 * PAGE, false);
	struct robust_list *far = (void *)mem, *near;
	uint32_t *word = (void *)(mem + 2 * PAGE);
	long offset = (char *)word - (char *)far;

	near = (void *)((char *)&locks[0].word - offset);
	head->futex_offset = offset;
	head->list.next = far;
	far->next = near;
	near->next = &head->list;
	*word = locks[0].word = syscall(SYS_gettid);
	robust_register(head);
}

static void make_huge(struct robust_lock *locks)
{
	char *mem = map_touched(2 * HUGE, true);
	struct robust_list_head *head;

	mem = (void *)(((unsigned long)mem + HUGE - 1) & ~(HUGE - 1));
	head = (void *)(mem + 17 * PAGE);
	robust_init(head);
	robust_take(head, &locks[0]);
	robust_take(head, &locks[1]);
	robust_register(head);
}

/* A private copy of a page of a file. */
static void make_file(struct robust_lock *locks)
{
	int fd = open(CHAIN_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct robust_list_head *head;

	if (fd < 0 || ftruncate(fd, 4 * PAGE))
		_exit(92);
	head = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (head == MAP_FAILED)
		_exit(93);
	unlink(CHAIN_FILE);
	memset(head, 0, 4 * PAGE);
	head = (void *)((char *)head + PAGE);
	robust_init(head);
	robust_take(head, &locks[0]);
	robust_take(head, &locks[1]);
	robust_register(head);
}

static void *thread(void *arg)
{
	struct robust_lock *locks = arg;
	struct robust_list_head *head = new_head();

	robust_take(head, &locks[1]);
	robust_register(head);
	__atomic_store_n(&locks[1].pad2, 1, __ATOMIC_SEQ_CST);
	victim_live(VICTIM_SLEEP, NULL, 0);
	return NULL;
}

static void make_threads(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();
	pthread_t id;

	robust_take(head, &locks[0]);
	robust_register(head);
	if (pthread_create(&id, NULL, thread, locks))
		_exit(94);
	while (!__atomic_load_n(&locks[1].pad2, __ATOMIC_SEQ_CST))
		usleep(100);
}

/* Is this page swapped out? */
static bool is_swapped(void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	ssize_t n;

	n = pread(fd, &entry, sizeof(entry),
		  (unsigned long)page / PAGE * sizeof(entry));
	close(fd);
	return n == sizeof(entry) && entry >> 62 & 1;
}

void chain_swap_out(void *page)
{
	int i;

	for (i = 0; i < 1000 && !is_swapped(page); i++) {
		/* It may be in a list that another CPU keeps: have all of them emptied. */
		if (i % 50 == 49)
			write_file("/proc/sys/vm/compact_memory", "1");
		madvise(page, PAGE, MADV_PAGEOUT);
		usleep(10000);
	}
	if (!is_swapped(page))
		_exit(95);
}

static void make_swapped(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();

	robust_take(head, &locks[0]);
	robust_take(head, &locks[1]);
	robust_register(head);
	chain_swap_out(head);
}

/* Head and nodes, one after the other has to come back. */
static void make_all_swapped(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();
	char *nodes = map_touched(2 * NODES * PAGE, false);
	unsigned int i;

	robust_take(head, &locks[0]);
	for (i = 0; i < NODES; i++)
		robust_take(head, (void *)(nodes + 2 * i * PAGE));
	robust_take(head, &locks[1]);
	robust_register(head);
	for (i = 0; i < NODES; i++)
		chain_swap_out(nodes + 2 * i * PAGE);
	chain_swap_out(head);
}

const char *chain_needs_swap(void)
{
	char line[256];
	int lines = 0;
	FILE *f = fopen("/proc/swaps", "re");

	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	return lines > 1 ? NULL : "no swap";
}

const struct chain chains[] = {
	{ "locks in shared memory", make_plain, 1, 2, false, NULL },
	{ "through private nodes", make_nodes, 1 + NODES, 2, false, NULL },
	{ "list_op_pending only", make_pending, 1, 1, false, NULL },
	{ "words apart from links", make_words, 3, 1, false, NULL },
	{ "copy of a file's page", make_file, 1, 2, false, NULL },
	{ "two threads", make_threads, 2, 2, false, NULL },
	{ "head in a huge page", make_huge, HUGE / PAGE, 2, false, no_thp },
	{ "head swapped out", make_swapped, 1, 2, false, chain_needs_swap },
	{ "all swapped out", make_all_swapped, 1 + NODES, 2, false,
	  chain_needs_swap },
	{ "very many private nodes", make_many, 0, 2, true, NULL },
};

const unsigned int chains_nr = ARRAY_SIZE(chains);

static void break_loop(struct robust_lock *locks)
{
	struct robust_list_head *head = new_head();
	struct robust_lock *nodes = (void *)map_touched(PAGE, false);

	(void)locks;
	head->list.next = &nodes[0].link;
	nodes[0].link.next = &nodes[1].link;
	nodes[1].link.next = &nodes[0].link;
	robust_register(head);
}

static void break_links(struct robust_lock *locks, unsigned long link)
{
	struct robust_list_head *head = new_head();
	struct robust_lock *node = (void *)map_touched(PAGE, false);

	(void)locks;
	head->list.next = &node->link;
	node->link.next = (void *)link;
	head->list_op_pending = (void *)(link + 8);
	robust_register(head);
}

static void break_null(struct robust_lock *locks)
{
	break_links(locks, 0);
}

static void break_kernel(struct robust_lock *locks)
{
	break_links(locks, ~0UL / 16 * 15);
}

static void break_top(struct robust_lock *locks)
{
	break_links(locks, ~0UL - 6);
}

static void break_hole(struct robust_lock *locks)
{
	char *mem = map_touched(PAGE, false);

	munmap(mem, PAGE);
	break_links(locks, (unsigned long)mem);
}

static void break_untouched(struct robust_lock *locks)
{
	break_links(locks,
		    (unsigned long)mmap(NULL, PAGE, PROT_READ,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void break_prot_none(struct robust_lock *locks)
{
	char *mem = map_touched(PAGE, false);

	mprotect(mem, PAGE, PROT_NONE);
	break_links(locks, (unsigned long)mem);
}

/* Words across two pages. */
static void break_straddling(struct robust_lock *locks)
{
	break_links(locks,
		    (unsigned long)map_touched(2 * PAGE, false) + PAGE - 2);
}

static void break_head(struct robust_lock *locks)
{
	(void)locks;
	robust_register(map_touched(2 * PAGE, false) + PAGE -
			sizeof(long) * 3 / 2);
}

static void break_no_head(struct robust_lock *locks)
{
	(void)locks;
	robust_register((void *)(~0UL / 2));
}

/* A page cache page that was never read. */
static void break_unread(struct robust_lock *locks)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	break_links(locks, (unsigned long)mmap(NULL, PAGE, PROT_READ,
					       MAP_PRIVATE, fd, 64 * PAGE));
}

/* A page that the kernel itself has no mapping of. */
static void break_secret(struct robust_lock *locks)
{
	int fd = syscall(SYS_memfd_secret, 0);
	unsigned long *mem;

	if (fd < 0 || ftruncate(fd, PAGE))
		_exit(91);
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		_exit(92);
	memset(mem, 0, PAGE);
	break_links(locks, (unsigned long)mem);
}

static const char *needs_secret(void)
{
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0)
		return "no memfd_secret(2)";
	close(fd);
	return NULL;
}

const struct chain broken_chains[] = {
	{ "a loop", break_loop, 0, 0, false, NULL },
	{ "a link to 0", break_null, 0, 0, false, NULL },
	{ "a link into the kernel", break_kernel, 0, 0, false, NULL },
	{ "a link to the end", break_top, 0, 0, false, NULL },
	{ "a link to nowhere", break_hole, 0, 0, false, NULL },
	{ "a link to an untouched page", break_untouched, 0, 0, false, NULL },
	{ "a link to PROT_NONE", break_prot_none, 0, 0, false, NULL },
	{ "a link across pages", break_straddling, 0, 0, true, NULL },
	{ "a head across pages", break_head, 0, 0, true, NULL },
	{ "a head nowhere", break_no_head, 0, 0, false, NULL },
	{ "a link to an unread page", break_unread, 0, 0, true, NULL },
	{ "a link to secret memory", break_secret, 0, 0, true, needs_secret },
};

const unsigned int broken_chains_nr = ARRAY_SIZE(broken_chains);

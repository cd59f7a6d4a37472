// SPDX-License-Identifier: GPL-2.0-only
/*
 * Robust futexes: locks that a thread may die with.
 *
 * A thread keeps a list of those that it holds, in its own memory, and tells the
 * kernel where it begins.  Its exit follows the list, and wakes for each of them
 * somebody who waits for it, in this process or in another.  What it cannot read
 * ends the list: when a page of it has been unmapped, the locks behind are never
 * given back and others wait for ever.
 *
 * So the lists are followed here before anything is unmapped, in the same way, and
 * the pages that they go through are left.  No thread of the victim is in user mode
 * any more, so they do not change.  That of a thread which is through with its own
 * is no longer registered.  They are the work of the victim, and may be anything:
 * the kernel's limit bounds the length of each, and nothing is done with what
 * stands there but to look it up.
 */
#include <linux/sched/signal.h>
#include <uapi/linux/futex.h>

#include "module/compat/futex.h"
#include "module/robust.h"
#include "module/sharers.h"
#include "module/word.h"

/* Words that are read in one go, in all lists that are not empty. */
#define MR_ROBUST_WORDS	32768

/* Bit 0 of a link says which kind of futex follows. */
#define MR_ROBUST_LINK	(~1UL)

/*
 * struct mr_robust - the search in one address space
 * @mm: its mmap lock is held for reading
 * @shared: shared mappings are going to be unmapped too
 * @words: how many may still be read
 * @spare: what was found
 */
struct mr_robust {
	struct mm_struct *mm;
	bool shared;
	unsigned int words;
	struct mr_spare *spare;
};

/* Leave the page of @word where it is.  False when there is no room for more. */
static bool mr_robust_keep(struct mr_robust *r, const struct mr_word *word)
{
	/* What is shared comes back at a fault, and is found to be the same. */
	if (word->shared && !r->shared)
		return true;
	return mr_spare_add(r->spare, &word->page);
}

/* A word, and what to do when it is not there. */
static enum mr_found mr_robust_word(struct mr_robust *r, unsigned long addr,
				    unsigned int size, struct mr_word *word)
{
	enum mr_found found = mr_word_find(r->mm, addr, size, word);

	if (found == MR_FOUND_AWAY && word->swapped)
		r->spare->away = addr;
	return found;
}

/* A word that the exit will follow. */
static enum mr_found mr_robust_link(struct mr_robust *r, unsigned long addr,
				    unsigned int size, struct mr_word *word)
{
	if (!r->words)
		return MR_FOUND_AWAY;
	r->words--;
	return mr_robust_word(r, addr, size, word);
}

/*
 * The futex itself, which the exit will read and write; its value is of no
 * interest.  False when it cannot be kept.
 */
static bool mr_robust_futex(struct mr_robust *r, unsigned long addr)
{
	struct mr_word word;

	if (!r->words)
		return false;
	r->words--;
	switch (mr_robust_word(r, addr, sizeof(u32), &word)) {
	case MR_FOUND_WORD:
		return mr_robust_keep(r, &word);
	case MR_FOUND_AWAY:
		return word.shared;
	case MR_FOUND_NOTHING:
		break;
	}
	return true;
}

/* The address of the futex that belongs to a link. */
static unsigned long mr_robust_futex_addr(unsigned long entry,
					  unsigned long offset,
					  unsigned int size)
{
	return size == sizeof(u32) ? (u32)(entry + offset) : entry + offset;
}

/*
 * Follow one list.  @size is that of a pointer in it.  False when that is not
 * possible now, or there are too many pages.
 */
static bool mr_robust_follow(struct mr_robust *r, unsigned long head,
			     unsigned int size)
{
	/* struct robust_list_head: the list, futex_offset, list_op_pending */
	struct mr_word word[3];
	unsigned long entry, offset, pending;
	unsigned int i, limit = ROBUST_LIST_LIMIT;
	enum mr_found found;

	for (i = 0; i < ARRAY_SIZE(word); i++) {
		found = mr_robust_word(r, head + i * size, size, &word[i]);
		if (found != MR_FOUND_WORD)
			return found == MR_FOUND_NOTHING;
	}
	entry = word[0].value & MR_ROBUST_LINK;
	offset = word[1].value;
	pending = word[2].value & MR_ROBUST_LINK;
	/* So it is nearly always: the thread holds nothing. */
	if (entry == head && !pending)
		return true;

	for (i = 0; i < ARRAY_SIZE(word); i++)
		if (!mr_robust_keep(r, &word[i]))
			return false;
	if (pending &&
	    !mr_robust_futex(r, mr_robust_futex_addr(pending, offset, size)))
		return false;
	for (; entry != head && limit; limit--) {
		if (!mr_robust_futex(r, mr_robust_futex_addr(entry, offset, size)))
			return false;
		found = mr_robust_link(r, entry, size, &word[0]);
		if (found != MR_FOUND_WORD)
			return found == MR_FOUND_NOTHING;
		if (!mr_robust_keep(r, &word[0]))
			return false;
		entry = word[0].value & MR_ROBUST_LINK;
	}
	return true;
}

/* Both lists of a thread; a 64-bit program seldom has the other. */
static bool mr_robust_thread(struct mr_robust *r, const struct task_struct *t)
{
	unsigned long head = mr_compat_robust_list(t);
	unsigned long head32 = mr_compat_robust_list32(t);

	return (!head || mr_robust_follow(r, head, sizeof(long))) &&
	       (!head32 || mr_robust_follow(r, head32, sizeof(u32)));
}

/* Those threads of a process that use @r->mm.  Under RCU. */
static bool mr_robust_process(struct mr_robust *r, struct task_struct *p)
{
	struct task_struct *t;

	for_each_thread(p, t)
		if (READ_ONCE(t->mm) == r->mm && !mr_robust_thread(r, t))
			return false;
	return true;
}

/**
 * mr_robust_find() - find what must stay for the exit of the victim's threads
 * @mm: its mmap lock is held for reading; no thread that uses it is in user mode,
 *	or will be
 * @task: a process that uses it; a reference is held
 * @pins: as for mr_sharers_none()
 * @shared: shared mappings are going to be unmapped too
 * @spare: replaced
 *
 * Does not sleep.
 *
 * Return: true when @spare is all of it; false when that cannot be said: a part is
 * swapped out, then @spare->away is its address, or there are too many.  The threads
 * will be through with their lists sooner or later, so the answer changes.
 */
bool mr_robust_find(struct mm_struct *mm, struct task_struct *task,
		    unsigned int pins, bool shared, struct mr_spare *spare)
{
	struct mr_robust r = {
		.mm = mm,
		.shared = shared,
		.words = MR_ROBUST_WORDS,
		.spare = spare,
	};
	bool none = mr_sharers_none(mm, task, pins);
	struct task_struct *p;
	bool found = true;

	spare->nr = 0;
	spare->away = 0;
	rcu_read_lock();
	if (none) {
		found = mr_robust_process(&r, task);
	} else {
		for_each_process(p) {
			found = mr_robust_process(&r, p);
			if (!found)
				break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct mm_struct: its flags, its VMAs, its way out.
 */
#ifndef _MR_COMPAT_MM_H
#define _MR_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>

/* 6.18 made mm->flags a private bitmap with accessors of its own. */
static inline bool mr_compat_mm_flag_test(struct mm_struct *mm, int flag)
{
#ifdef MR_HAVE_MM_FLAGS_SET
	return mm_flags_test(flag, mm);
#else
	return test_bit(flag, &mm->flags);
#endif
}

static inline void mr_compat_mm_flag_set(struct mm_struct *mm, int flag)
{
#ifdef MR_HAVE_MM_FLAGS_SET
	mm_flags_set(flag, mm);
#else
	set_bit(flag, &mm->flags);
#endif
}

/*
 * Does exit_mmap() hold the mmap lock while it frees VMAs and page tables?
 * Before 5.19 it did not, unless the OOM killer had chosen the victim; there a
 * reaper must hold mm_users, or it walks freed memory.  The change came together
 * with the removal of MMF_OOM_VICTIM, which headers show.
 */
static inline bool mr_compat_exit_mmap_locked(void)
{
#ifdef MMF_OOM_VICTIM
	return false;
#else
	return true;
#endif
}

/*
 * The highest VMA that begins below @addr, or NULL.  6.1 replaced the list and
 * tree of VMAs by the maple tree.  The caller holds the mmap lock.
 */
static inline struct vm_area_struct *mr_compat_vma_below(struct mm_struct *mm,
							 unsigned long addr)
{
#ifdef MR_HAVE_MAPLE_TREE
	MA_STATE(mas, &mm->mm_mt, addr - 1, addr - 1);

	return addr ? mas_find_rev(&mas, 0) : NULL;
#else
	struct vm_area_struct *vma;

	if (!addr || !mm->mmap)
		return NULL;
	vma = find_vma(mm, addr - 1);
	if (vma && vma->vm_start < addr)
		return vma;
	return vma ? vma->vm_prev : find_vma(mm, mm->highest_vm_end - 1);
#endif
}

/*
 * Going through VMAs upwards: since 6.1 from leaf to leaf of the maple tree, and not
 * from its root each time.  The caller holds the mmap lock all the way.
 */
struct mr_compat_vmas {
#ifdef MR_HAVE_MAPLE_TREE
	struct ma_state mas;
#else
	struct vm_area_struct *next;
#endif
};

static inline void mr_compat_vmas_init(struct mr_compat_vmas *vmas,
				       struct mm_struct *mm, unsigned long addr)
{
#ifdef MR_HAVE_MAPLE_TREE
	MA_STATE(mas, &mm->mm_mt, addr, addr);

	vmas->mas = mas;
#else
	vmas->next = find_vma(mm, addr);
#endif
}

/* The next one that begins below @end, or NULL; the first may begin below @addr. */
static inline struct vm_area_struct *mr_compat_vmas_next(struct mr_compat_vmas *vmas,
							 unsigned long end)
{
#ifdef MR_HAVE_MAPLE_TREE
	return mas_find(&vmas->mas, end - 1);
#else
	struct vm_area_struct *vma = vmas->next;

	if (!vma || vma->vm_start >= end)
		return NULL;
	vmas->next = vma->vm_next;
	return vma;
#endif
}

/*
 * Can a VMA under mlock(2) be unmapped from outside?  Before 5.18 the exit path
 * cleared the lock of each page by walking the page tables, and would miss what
 * had been unmapped before.  Told by the helper that came with the change.
 */
static inline bool mr_compat_vma_locked_zappable(void)
{
	return mr_compat_exit_mmap_locked();
}

#endif /* _MR_COMPAT_MM_H */

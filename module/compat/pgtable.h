/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading page tables that others change.
 */
#ifndef _MR_COMPAT_PGTABLE_H
#define _MR_COMPAT_PGTABLE_H

#include <linux/mm.h>
#include <linux/pgtable.h>

/*
 * What pte_offset_map_lock() does.  It was inline until 6.4 and has called
 * functions that are not exported ever since, because a page-table page can
 * vanish under the mmap lock held for reading: khugepaged and PT_RECLAIM free
 * it after an RCU grace period.  This body is right on all kernels.
 *
 * Returns NULL when there is no page-table page at @pmd; else the first PTE,
 * locked and under RCU until mr_compat_pte_unmap_unlock().
 */
static inline pte_t *mr_compat_pte_map_lock(struct mm_struct *mm, pmd_t *pmd,
					    unsigned long addr, spinlock_t **ptlp)
{
	pmd_t pmdval;
	pte_t *pte;

	rcu_read_lock();
	for (;;) {
		pmdval = READ_ONCE(*pmd);
		if (pmd_none(pmdval) || !pmd_present(pmdval) ||
		    pmd_trans_huge(pmdval) || pmd_bad(pmdval))
			break;
		pte = pte_offset_kernel(&pmdval, addr);
		*ptlp = pte_lockptr(mm, &pmdval);
		spin_lock(*ptlp);
		if (likely(pmd_same(pmdval, READ_ONCE(*pmd))))
			return pte;
		spin_unlock(*ptlp);
	}
	rcu_read_unlock();
	return NULL;
}

static inline void mr_compat_pte_unmap_unlock(spinlock_t *ptl)
{
	spin_unlock(ptl);
	rcu_read_unlock();
}

/*
 * Clear the accessed bit.  ptep_test_and_clear_young() is out of line on x86 and
 * not exported.  Atomic, since a system call of the victim that is still under
 * way can make the CPU set the dirty bit at any time.
 */
static inline void mr_compat_pte_clear_young(struct vm_area_struct *vma,
					     unsigned long addr, pte_t *pte)
{
#ifdef CONFIG_X86
	clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte);
#else
	ptep_test_and_clear_young(vma, addr, pte);
#endif
}

#endif /* _MR_COMPAT_PGTABLE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading page tables that others change.
 */
#ifndef _MR_COMPAT_PGTABLE_H
#define _MR_COMPAT_PGTABLE_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>

/*
 * The first half of what pte_offset_map_lock() does, which was inline until 6.4
 * and has called functions that are not exported ever since, because a page-table
 * page can vanish under the mmap lock held for reading: khugepaged and PT_RECLAIM
 * free it after an RCU grace period.  This body is right on all kernels.
 *
 * Under RCU.  Returns NULL when there is no page-table page at @pmd.  Otherwise
 * the caller takes *@ptlp, and must then see that *@pmd is still *@pmdval before
 * it uses the PTE.
 */
static inline pte_t *mr_compat_pte_map(struct mm_struct *mm, pmd_t *pmd,
				       unsigned long addr, pmd_t *pmdval,
				       spinlock_t **ptlp)
{
	*pmdval = READ_ONCE(*pmd);
	if (pmd_none(*pmdval) || !pmd_present(*pmdval) ||
	    pmd_trans_huge(*pmdval) || pmd_bad(*pmdval))
		return NULL;
	*ptlp = pte_lockptr(mm, pmdval);
	return pte_offset_kernel(pmdval, addr);
}

/*
 * How far down from @addr there is nothing mapped, as all levels but the last
 * show it: the lowest address of the range without a table that @addr lies in, be
 * it below the VMA; @addr + 1 where there is one.  The mmap lock is held for
 * reading, so tables of these levels do not go away, but for those that hugetlbfs
 * shares.
 */
static inline unsigned long mr_compat_tables_floor(struct vm_area_struct *vma,
						   unsigned long addr)
{
	pgd_t *pgd = pgd_offset(vma->vm_mm, addr);
	unsigned long floor = addr + 1;
	p4d_t *p4d;
	pud_t *pud, pudval;
	pmd_t *pmd;

	if (pgd_none(READ_ONCE(*pgd)))
		return addr & PGDIR_MASK;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(READ_ONCE(*p4d)))
		return addr & P4D_MASK;
	pud = pud_offset(p4d, addr);
	pudval = READ_ONCE(*pud);
	if (pud_none(pudval))
		return addr & PUD_MASK;
	if (pud_bad(pudval) || (vma->vm_flags & VM_HUGETLB))
		return floor;

	/*
	 * As far as this table goes, which is not a shared one: a VMA of hugetlbfs
	 * has all of the addresses of such a table for itself.
	 */
	for (pmd = pmd_offset(pud, addr); pmd_none(READ_ONCE(*pmd)); pmd--) {
		floor = (floor - 1) & PMD_MASK;
		if (!(floor & ~PUD_MASK))
			break;
	}
	return floor;
}

/*
 * pte_page() of a present, normal PTE, without what it does for others: on x86,
 * that is to undo the inversion of PTEs without the present bit (L1TF) and the
 * machine addresses of Xen PV guests.  Spares 2 of the 25 instructions that the
 * walk takes for each anonymous page.
 */
static inline struct page *mr_compat_pte_page(pte_t pte)
{
#ifdef CONFIG_X86_64
	if (!cpu_feature_enabled(X86_FEATURE_XENPV) &&
	    likely(pte.pte & _PAGE_PRESENT))
		return pfn_to_page((pte.pte & PTE_PFN_MASK) >> PAGE_SHIFT);
#endif
	return pte_page(pte);
}

/*
 * Clear the accessed bit.  ptep_test_and_clear_young() is out of line on x86 and
 * not exported.  Atomic, since a system call of the victim that is still under
 * way can make the CPU set the dirty bit at any time.
 *
 * On arm64 sixteen entries may stand for one folio as one (CONFIG_ARM64_CONTPTE),
 * and the bit is set if that of any of them is, which ptep_get() knows; it is
 * cleared in all of them.
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

/*
 * Wait until the page-table pages that exit_mmap() has taken down are free: most
 * architectures leave them to RCU, x86 since 6.14 (which is also the release that
 * PT_RECLAIM came with); before that it freed them at once, or, as a paravirtual
 * guest without IPIs for TLB flushes, by RCU too.
 */
static inline void mr_compat_tables_wait(void)
{
	if (IS_ENABLED(CONFIG_X86) ? IS_ENABLED(CONFIG_PT_RECLAIM) :
				     IS_ENABLED(CONFIG_MMU_GATHER_RCU_TABLE_FREE))
		rcu_barrier();
}

#endif /* _MR_COMPAT_PGTABLE_H */

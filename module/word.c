// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading single words of an address space, see word.h.
 *
 * The page is looked up in the page tables and read with their lock held, so that
 * it cannot go.  What is there was written by the victim, and the page may be one
 * that the kernel itself cannot read (memfd_secret(2)): then the read fails.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "module/compat/pgtable.h"
#include "module/word.h"

/* Under the lock of the page table that @page was found in. */
static enum mr_found mr_word_read(struct page *page, unsigned long addr,
				  unsigned int size, struct mr_word *word)
{
	const void *from = page_address(page) + offset_in_page(addr);
	u32 value32;

	if (size == sizeof(value32)) {
		__get_kernel_nofault(&value32, from, u32, unreadable);
		word->value = value32;
	} else {
		__get_kernel_nofault(&word->value, from, unsigned long, unreadable);
	}
	return MR_FOUND_WORD;
unreadable:
	return MR_FOUND_AWAY;
}

/* No page has ever been there; page cache may only not be mapped. */
static enum mr_found mr_word_absent(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) ? MR_FOUND_NOTHING : MR_FOUND_AWAY;
}

/* In a page table, which is locked. */
static enum mr_found mr_word_find_pte(struct vm_area_struct *vma, pte_t ptent,
				      unsigned long addr, unsigned int size,
				      struct mr_word *word)
{
	if (pte_none(ptent))
		return mr_word_absent(vma);
	if (!pte_present(ptent)) {
		word->swapped = true;
		return MR_FOUND_AWAY;
	}
	/* The zero page. */
	if (pte_special(ptent))
		return MR_FOUND_NOTHING;
	return mr_word_read(mr_compat_pte_page(ptent), addr, size, word);
}

/*
 * In what a PMD stands for: a huge page or a page table.  Returns false when it has
 * changed meanwhile, and has to be looked at again.
 */
static bool mr_word_find_pmd(struct vm_area_struct *vma, pmd_t *pmd,
			     unsigned long addr, unsigned int size,
			     struct mr_word *word, enum mr_found *found)
{
	spinlock_t *ptl;	/* of the page table, or of the huge page */
	pmd_t pmdval = READ_ONCE(*pmd);
	bool same;
	pte_t *pte;

	if (pmd_none(pmdval)) {
		*found = mr_word_absent(vma);
		return true;
	}
	if (!pmd_present(pmdval) || pmd_trans_huge(pmdval)) {
		ptl = pmd_lock(vma->vm_mm, pmd);
		same = pmd_same(pmdval, READ_ONCE(*pmd));
		*found = MR_FOUND_AWAY;
		if (same && pmd_present(pmdval)) {
			word->page.start = addr & PMD_MASK;
			word->page.end = word->page.start + PMD_SIZE;
			*found = mr_word_read(pmd_page(pmdval) +
					      ((addr & ~PMD_MASK) >> PAGE_SHIFT),
					      addr, size, word);
		}
		spin_unlock(ptl);
		return same;
	}

	rcu_read_lock();
	pte = mr_compat_pte_map(vma->vm_mm, pmd, addr, &pmdval, &ptl);
	/* Neither of them, or not any more: for another time. */
	same = true;
	*found = MR_FOUND_AWAY;
	if (pte) {
		spin_lock(ptl);
		same = pmd_same(pmdval, READ_ONCE(*pmd));
		if (same)
			*found = mr_word_find_pte(vma, READ_ONCE(*pte), addr, size,
						  word);
		spin_unlock(ptl);
	}
	rcu_read_unlock();
	return same;
}

/* Pages whose contents are not ours to read: devices, DAX. */
static bool mr_vma_readable(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_IO)) &&
	       !vma_is_dax(vma);
}

/**
 * mr_word_find() - read a word of an address space
 * @mm: its mmap lock is held for reading
 * @addr: any value
 * @size: of the word: 4, or that of a long
 * @word: @word->page, @word->shared and @word->swapped are valid unless nothing is there
 *
 * Takes page table locks; does not sleep.
 *
 * Return: see enum mr_found.
 */
enum mr_found mr_word_find(struct mm_struct *mm, unsigned long addr,
			   unsigned int size, struct mr_word *word)
{
	enum mr_found found;
	struct vm_area_struct *vma;
	p4d_t *p4d;
	pgd_t *pgd;
	pud_t *pud;

	vma = find_vma(mm, addr);
	if (!vma || vma->vm_start > addr)
		return MR_FOUND_NOTHING;
	word->shared = vma->vm_flags & VM_SHARED;
	word->swapped = false;
	word->page.start = addr & PAGE_MASK;
	word->page.end = word->page.start + PAGE_SIZE;
	/* Across two pages: no compiler puts a word there. */
	if (addr + size > word->page.end || !mr_vma_readable(vma))
		return MR_FOUND_AWAY;

	pgd = pgd_offset(mm, addr);
	if (pgd_none(READ_ONCE(*pgd)))
		return mr_word_absent(vma);
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(READ_ONCE(*p4d)))
		return mr_word_absent(vma);
	pud = pud_offset(p4d, addr);
	if (pud_none(READ_ONCE(*pud)))
		return mr_word_absent(vma);
	/* A huge page of that size. */
	if (pud_bad(READ_ONCE(*pud)))
		return MR_FOUND_AWAY;
	while (!mr_word_find_pmd(vma, pmd_offset(pud, addr), addr, size, word,
				 &found))
		cpu_relax();
	return found;
}

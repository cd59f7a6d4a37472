// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk over the page tables before the zap, see gather.h.
 *
 * Two kinds of folios are remembered, with a reference: anonymous ones that may
 * have users besides the victim, to see after the zap whether they really were
 * freed, and file folios, to drop them from the page cache.  An anonymous page
 * with a single reference, which is almost every one, costs a look and nothing
 * else.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "module/compat/folio.h"
#include "module/compat/pgtable.h"
#include "module/gather.h"

/* Device memory and the like has no pages to look at. */
static bool mr_vma_has_pages(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB)) &&
	       !vma_is_dax(vma);
}

/* Remember a folio; several mappings of the same in a row are one entry. */
static void mr_batch_add(struct mr_batch *batch, struct folio *folio,
			 unsigned int pages)
{
	if (batch->nr && batch->folios[batch->nr - 1] == folio &&
	    folio_test_large(folio)) {
		batch->pages[batch->nr - 1] += pages;
		return;
	}
	folio_get(folio);
	batch->folios[batch->nr] = folio;
	batch->pages[batch->nr] = pages;
	batch->nr++;
}

/* Is there anything to see later about this page, which has other references? */
static void mr_batch_look(struct mr_batch *batch, struct folio *folio,
			  unsigned int pages, bool evict)
{
	if (folio_test_anon(folio))
		mr_batch_add(batch, folio, pages);
	else if (evict && READ_ONCE(folio->mapping))
		mr_batch_add(batch, folio, pages);
}

/*
 * Nobody but the victim maps it: then its being used lately is of no interest
 * to the page cache any more, and the zap must not mark it so, which costs as
 * much as the zap and keeps the folio on a list with a reference of its own.
 */
static bool mr_folio_private_file(struct folio *folio, struct page *page)
{
	return !folio_test_anon(folio) && atomic_read(&page->_mapcount) == 0;
}

/*
 * The entries of one page table, which is locked.  Returns where it stopped: the
 * batch may be full.
 */
static unsigned long mr_gather_ptes(struct mr_batch *batch,
				    struct vm_area_struct *vma, pte_t *pte,
				    unsigned long addr, unsigned long end,
				    bool evict)
{
	pte_t *first = pte, *last = pte + ((end - addr) >> PAGE_SHIFT);

	for (; pte < last; pte++) {
		pte_t ptent = READ_ONCE(*pte);
		struct folio *folio;
		struct page *page;

		if (!pte_present(ptent))
			continue;
		page = mr_compat_pte_page(ptent);
		/* Anonymous, and the victim's alone: the page cache holds no reference. */
		if (likely(page_ref_count(page) == 1))
			continue;
		/* The zero page. */
		if (pte_special(ptent))
			continue;
		if (batch->nr == batch->max)
			break;
		folio = page_folio(page);
		mr_batch_look(batch, folio, 1, evict);
		if (evict && pte_young(ptep_get(pte)) &&
		    mr_folio_private_file(folio, page))
			mr_compat_pte_clear_young(vma, addr + ((pte - first) << PAGE_SHIFT),
						  pte);
	}
	return addr + ((pte - first) << PAGE_SHIFT);
}

/* One page table.  Returns where it stopped. */
static unsigned long mr_gather_table(struct mr_batch *batch,
				     struct vm_area_struct *vma, pmd_t *pmd,
				     unsigned long addr, unsigned long end,
				     bool evict)
{
	spinlock_t *ptl;	/* of the page table, as the kernel chose it */
	bool again = true;
	pmd_t pmdval;
	pte_t *pte;

	while (again) {
		rcu_read_lock();
		pte = mr_compat_pte_map(vma->vm_mm, pmd, addr, &pmdval, &ptl);
		if (!pte) {
			rcu_read_unlock();
			return end;
		}
		spin_lock(ptl);
		again = !pmd_same(pmdval, READ_ONCE(*pmd));
		if (!again)
			addr = mr_gather_ptes(batch, vma, pte, addr, end, evict);
		spin_unlock(ptl);
		rcu_read_unlock();
	}
	return addr;
}

/*
 * A huge page mapped as a whole.  Returns false when @pmd is no longer one; then
 * it has been split, and there is a page table to look at.
 */
static bool mr_gather_huge(struct mr_batch *batch, struct vm_area_struct *vma,
			   pmd_t *pmd, bool evict)
{
	struct folio *folio;
	spinlock_t *ptl;	/* of the PMD */
	bool huge;

	ptl = pmd_lock(vma->vm_mm, pmd);
	huge = pmd_trans_huge(*pmd);
	if (huge && pmd_present(*pmd)) {
		folio = page_folio(pmd_page(*pmd));
		if (folio_ref_count(folio) > 1)
			mr_batch_look(batch, folio, HPAGE_PMD_NR, evict);
	}
	spin_unlock(ptl);
	return huge;
}

static unsigned long mr_gather_pmds(struct mr_batch *batch,
				    struct vm_area_struct *vma, pud_t *pud,
				    unsigned long addr, unsigned long end,
				    bool evict, bool *mapped)
{
	unsigned long next, stop;
	pmd_t *pmd, pmdval;

	for (pmd = pmd_offset(pud, addr); addr < end; addr = next, pmd++) {
		next = pmd_addr_end(addr, end);
		pmdval = READ_ONCE(*pmd);
		if (pmd_none(pmdval))
			continue;
		if (batch->nr == batch->max)
			return addr;
		/* Whether a table is empty is as easily found out by the zap. */
		*mapped = true;
		/* A huge page on its way to or from elsewhere. */
		if (!pmd_present(pmdval))
			continue;
		if (pmd_trans_huge(pmdval) &&
		    mr_gather_huge(batch, vma, pmd, evict))
			continue;
		stop = mr_gather_table(batch, vma, pmd, addr, next, evict);
		if (stop < next)
			return stop;
	}
	return end;
}

/* The levels above are only passed through; huge entries there are DAX. */
static unsigned long mr_gather_puds(struct mr_batch *batch,
				    struct vm_area_struct *vma, p4d_t *p4d,
				    unsigned long addr, unsigned long end,
				    bool evict, bool *mapped)
{
	unsigned long next, stop;
	pud_t *pud, pudval;

	for (pud = pud_offset(p4d, addr); addr < end; addr = next, pud++) {
		next = pud_addr_end(addr, end);
		pudval = READ_ONCE(*pud);
		if (pud_none(pudval))
			continue;
		if (pud_bad(pudval)) {
			*mapped = true;
			continue;
		}
		stop = mr_gather_pmds(batch, vma, pud, addr, next, evict, mapped);
		if (stop < next)
			return stop;
	}
	return end;
}

/**
 * mr_gather() - look at the pages of a range before they are zapped
 * @batch: what is remembered
 * @vma: the mmap lock is held for reading
 * @start: of the range
 * @end: of the range, in @vma
 * @evict: remember file folios too, and clear their accessed bits
 * @mapped: set to whether there is anything to zap
 *
 * Takes page table locks; does not sleep.
 *
 * Return: how far it came; less than @end when the batch is full.
 */
unsigned long mr_gather(struct mr_batch *batch, struct vm_area_struct *vma,
			unsigned long start, unsigned long end, bool evict,
			bool *mapped)
{
	unsigned long addr, next, stop;
	p4d_t *p4d;
	pgd_t *pgd;

	*mapped = true;
	if (!mr_vma_has_pages(vma))
		return end;

	*mapped = false;
	for (addr = start; addr < end; addr = next) {
		next = pgd_addr_end(addr, end);
		pgd = pgd_offset(vma->vm_mm, addr);
		if (pgd_none(READ_ONCE(*pgd)))
			continue;
		next = p4d_addr_end(addr, next);
		p4d = p4d_offset(pgd, addr);
		if (p4d_none(READ_ONCE(*p4d)))
			continue;
		stop = mr_gather_puds(batch, vma, p4d, addr, next, evict, mapped);
		if (stop < next)
			return stop;
	}
	return end;
}

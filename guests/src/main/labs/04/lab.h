/*
 * lab.h: lab 4, "Direct paging"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/*
 * Yours to write: makes the page at vaddr show the machine frame mfn, writable.
 *
 * vaddr lies in the gigabyte above VIRT_BASE, so that a level-2 table covers it already. Whether a
 * level-1 table does, you have to see: if none does, make one of a page of yours, and give up your
 * right to write to it before you ask Xen to use it. An entry that is there already is replaced.
 *
 * Returns 0, or what Xen answered when it refused; then nothing has changed.
 */
long map_page(u64 vaddr, u64 mfn);

/*
 * What micro.h has for you:
 *
 *   page_alloc()                a zeroed page of ours, mapped writable
 *   mfn_of(page), virt_of(mfn)  from an address to the machine frame and back
 *   set_pte(page, entry)        changes how a page *that is mapped already* is mapped
 *   mmu_update(maddr, entry)    changes any entry of any table of ours, by its machine ADDRESS
 *   PTE_OF(mfn, flags)          an entry; flags are PTE_KERNEL or PTE_KERNEL_RO
 *   start_info->pt_base         the address of the level-4 table
 *
 * An index into a table: bits 39-47 of an address choose the entry of level 4, 30-38 of level 3,
 * 21-29 of level 2, 12-20 of level 1. Bits 12-51 of an entry are a machine address.
 */
#define PTE_FRAME(entry) (((entry) & 0x000ffffffffff000ul) >> 12)
#define INDEX(vaddr, level) ((vaddr) >> (12 + 9 * ((level) - 1)) & 511)

#endif

/*
 * pagetables: who may write a page table?
 *
 * The processor walks the guest's own tables, with machine frame numbers in them: that is "direct
 * paging". What the guest writes there decides what memory it reaches, so Xen gives every frame a
 * type: a frame is writable, or it is a page table, never both at once. To use a page as a table a
 * guest first gives up its right to write to it.
 *
 * Run it: vmm boot pagetables.elf --trace=mmu,fault
 */
#include "micro.h"

#define NOBODYS_FRAME 0x7ffffff

void micro_main(void) {
    u64 *data = page_alloc(), *table = page_alloc(), *other = page_alloc();
    u64 mfn = mfn_of(table);

    table[0] = PTE_OF(mfn_of(data), PTE_KERNEL);
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, mfn) != 0, "a writable page became a page table");

    EXPECT(set_pte(table, PTE_OF(mfn, PTE_KERNEL_RO)) == 0, "own page cannot be made read-only");
    EXPECT(mmuext(MMUEXT_PIN_L1_TABLE, mfn) == 0, "a read-only page cannot become a page table");

    /* It is a table now, and pinned: it stays one although nothing uses it yet. */
    EXPECT(set_pte(table, PTE_OF(mfn, PTE_KERNEL)) != 0, "a page table was mapped writable");
    EXPECT(set_pte(other, PTE_OF(mfn, PTE_KERNEL)) != 0, "... at another address");
    EXPECT(trap_of_store(&table[1], PTE_OF(mfn, PTE_KERNEL)) == TRAP_PAGE_FAULT,
           "a store put a writable mapping of the table into the table");

    /* Changes go through Xen, which looks at what they say. */
    u64 second_entry = mfn * PAGE_SIZE + 8;
    EXPECT(mmu_update(second_entry, PTE_OF(NOBODYS_FRAME, PTE_KERNEL)) < 0,
           "an entry for a frame that is not ours was accepted");
    EXPECT(mmu_update(second_entry, PTE_OF(mfn_of(other), PTE_KERNEL)) == 0,
           "an entry for a page of ours was refused");
    EXPECT((table[1] & ~0xffful) == mfn_of(other) * PAGE_SIZE, "the entry is %lx", table[1]);

    EXPECT(mmuext(MMUEXT_UNPIN_TABLE, mfn) == 0, "the table cannot be unpinned");
    EXPECT(set_pte(table, PTE_OF(mfn, PTE_KERNEL)) == 0, "it is no page table any more, yet ...");
    EXPECT(trap_of_store(&table[1], 0) == NO_TRAP, "... it is still read-only");
    success("a page is writable or a page table, never both");
}

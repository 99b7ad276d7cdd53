#include "lab.h"

static u64 entry_maddr(const u64 *table, u64 index) {
    return mfn_of(table) * PAGE_SIZE + index * 8;
}

/* A page of ours that nobody can write to any more, in the level-2 table. */
static long add_level1(u64 *level2, u64 index) {
    void *table = page_alloc();
    long refused = set_pte(table, PTE_OF(mfn_of(table), PTE_KERNEL_RO));
    if (refused != 0) return refused;
    return mmu_update(entry_maddr(level2, index), PTE_OF(mfn_of(table), PTE_KERNEL));
}

long map_page(u64 vaddr, u64 mfn) {
    u64 *level4 = (u64 *)start_info->pt_base;
    u64 *level3 = virt_of(PTE_FRAME(level4[INDEX(vaddr, 4)]));
    u64 *level2 = virt_of(PTE_FRAME(level3[INDEX(vaddr, 3)]));
    u64 index = INDEX(vaddr, 2);
    int is_new = !(level2[index] & PTE_PRESENT);

    if (is_new) {
        long refused = add_level1(level2, index);
        if (refused != 0) return refused;
    }
    u64 *level1 = virt_of(PTE_FRAME(level2[index]));
    long refused = mmu_update(entry_maddr(level1, INDEX(vaddr, 1)), PTE_OF(mfn, PTE_KERNEL));
    if (refused != 0 && is_new) mmu_update(entry_maddr(level2, index), 0);
    return refused;
}

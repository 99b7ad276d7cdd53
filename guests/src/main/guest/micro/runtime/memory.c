/*
 * memory.c: pages, and the three numbers each of them has: a virtual address, a pfn (our own
 * count, from 0) and an mfn (the machine's).
 */
#include "micro.h"

#define ARENA_PAGES 128
static u8 arena[ARENA_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u32 used;

void *page_alloc(void) {
    NEED(used < ARENA_PAGES, "no page is left of %d", ARENA_PAGES);
    return arena[used++];
}

u64 pfn_of(const void *page) {
    return ((u64)page - VIRT_BASE) / PAGE_SIZE;
}

u64 mfn_of(const void *page) {
    return ((volatile u64 *)start_info->mfn_list)[pfn_of(page)];
}

void *virt_of(u64 mfn) {
    return (void *)(VIRT_BASE + MACH2PHYS[mfn] * PAGE_SIZE);
}

long set_pte(void *page, u64 entry) {
    return hypercall(
            HYPERCALL_update_va_mapping, (u64)page, entry, UVMF_INVLPG | UVMF_ALL, 0);
}

long mmu_update(u64 entry_maddr, u64 value) {
    struct mmu_update request = {.ptr = entry_maddr | MMU_NORMAL_PT_UPDATE, .val = value};
    return hypercall(HYPERCALL_mmu_update, (u64)&request, 1, 0, DOMID_SELF);
}

long mmuext(u32 command, u64 mfn) {
    struct mmuext_op operation = {.cmd = command, .arg1 = mfn};
    return hypercall(HYPERCALL_mmuext_op, (u64)&operation, 1, 0, DOMID_SELF);
}

/* Walks our tables as the processor does. They are mapped, read-only, for us to look at. */
u64 pte_maddr(const void *address) {
    u64 *table = (u64 *)start_info->pt_base;
    for (int shift = 39; shift > 12; shift -= 9) {
        u64 entry = table[(u64)address >> shift & 511];
        NEED(entry & PTE_PRESENT, "no table covers address %lx", (u64)address);
        table = virt_of((entry & 0x000ffffffffff000) >> 12);
    }
    return mfn_of(table) * PAGE_SIZE + ((u64)address >> 12 & 511) * 8;
}

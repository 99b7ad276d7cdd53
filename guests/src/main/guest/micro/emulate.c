/*
 * emulate: three ways to change page table entries, and what each costs.
 *
 * 1. As on a machine: store into the table. It is read-only, so the store faults; Xen finds out what
 *    the guest meant, checks it, does it, and steps over the instruction. Trap and emulate.
 * 2. By hypercall, one entry at a time: nothing has to be found out.
 * 3. By hypercall, many entries at once: one transition for all of them.
 *
 * Run it: vmm boot emulate.elf --stats
 */
#include "micro.h"

#define ENTRIES 200

static u64 rounds[3];

/* Entry i of the series is that of page i: made read-only and writable again, in turn. */
static u8 *pages[ENTRIES / 2];
static struct mmu_update updates[ENTRIES];

static void check(const char *how) {
    for (u32 i = 0; i < ENTRIES / 2; i++) {
        EXPECT(trap_of_store((u64 *)pages[i], i) == NO_TRAP, "%s: page %u is read-only", how, i);
    }
}

void micro_main(void) {
    for (u32 i = 0; i < ENTRIES / 2; i++) pages[i] = page_alloc();
    for (u32 i = 0; i < ENTRIES; i++) {
        u8 *page = pages[i / 2];
        u64 flags = i % 2 == 0 ? PTE_KERNEL_RO : PTE_KERNEL;
        updates[i] = (struct mmu_update){
            .ptr = pte_maddr(page), .val = PTE_OF(mfn_of(page), flags)};
    }

    u64 start = now();
    for (u32 i = 0; i < ENTRIES; i++) {
        u64 *entry = (u64 *)((u8 *)virt_of(updates[i].ptr / PAGE_SIZE) + updates[i].ptr % PAGE_SIZE);
        SHARED(*entry) = updates[i].val;
    }
    rounds[0] = now() - start;
    check("by stores");

    start = now();
    for (u32 i = 0; i < ENTRIES; i++) {
        EXPECT(mmu_update(updates[i].ptr, updates[i].val) == 0, "update %u was refused", i);
    }
    rounds[1] = now() - start;
    check("by single hypercalls");

    u32 done = 0;
    start = now();
    long result = hypercall(
            HYPERCALL_mmu_update, (u64)updates, ENTRIES, (u64)&done, DOMID_SELF);
    rounds[2] = now() - start;
    EXPECT(result == 0 && done == ENTRIES, "of %d updates %u were done: %ld", ENTRIES, done, result);
    check("by one hypercall");

    success("an entry takes %lu ns trapped and emulated, %lu ns by a hypercall, %lu ns in a batch",
            rounds[0] / ENTRIES, rounds[1] / ENTRIES, rounds[2] / ENTRIES);
}

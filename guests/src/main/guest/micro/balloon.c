/*
 * balloon: memory given back to the host, and taken again.
 *
 * A machine's memory has one size. A guest's may change, if the guest helps: only the guest knows
 * which pages it can spare. It unmaps them, tells Xen their frames, and has fewer; later it asks
 * for frames again, and puts what it gets, which are other frames, in the places of the old ones.
 *
 * Run it: vmm boot balloon.elf --trace=mmu
 */
#include "micro.h"

#define PAGES 16

static u8 *pages[PAGES];
static u64 numbers[PAGES];

/* How many of the numbers Xen has dealt with. */
static long change_reservation(u32 command, u64 count) {
    struct xen_memory_reservation reservation = {
        .extent_start = numbers, .nr_extents = count, .domid = DOMID_SELF};
    return HYPERCALL(memory_op, command, &reservation);
}

static long current_pages(void) {
    u16 domid = DOMID_SELF;
    return HYPERCALL(memory_op, XENMEM_current_reservation, &domid);
}

void micro_main(void) {
    volatile u64 *p2m = (volatile u64 *)start_info->mfn_list;
    long before = current_pages();

    for (u32 i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        numbers[i] = mfn_of(pages[i]);
        EXPECT(set_pte(pages[i], 0) == 0, "page %u cannot be unmapped", i);
        p2m[pfn_of(pages[i])] = ~0ul; /* our own books: there is no frame behind this page */
    }
    long given = change_reservation(XENMEM_decrease_reservation, PAGES);
    EXPECT(given == PAGES, "of %d pages Xen took %ld", PAGES, given);
    EXPECT(current_pages() == before - PAGES, "we still have %ld pages", current_pages());
    EXPECT(trap_of_load((u64 *)pages[0]) == TRAP_PAGE_FAULT, "a page that we gave away is here");

    for (u32 i = 0; i < PAGES; i++) numbers[i] = pfn_of(pages[i]);
    long got = change_reservation(XENMEM_populate_physmap, PAGES);
    EXPECT(got == PAGES, "of %d pages Xen gave back %ld", PAGES, got);
    for (u32 i = 0; i < PAGES; i++) {
        p2m[pfn_of(pages[i])] = numbers[i]; /* a pfn went in, an mfn came out */
        EXPECT(MACH2PHYS[numbers[i]] == pfn_of(pages[i]), "Xen's list disagrees with ours");
        EXPECT(set_pte(pages[i], PTE_OF(numbers[i], PTE_KERNEL)) == 0, "page %u: no mapping", i);
        EXPECT(*(u64 *)pages[i] == 0, "page %u came with somebody's data", i);
    }
    EXPECT(current_pages() == before, "we have %ld pages, not %ld", current_pages(), before);

    /* What was granted to the domain is the limit: there is no page more. */
    numbers[0] = pfn_of(pages[0]);
    EXPECT(change_reservation(XENMEM_populate_physmap, 1) == 0, "Xen gave more than was agreed");
    success("%d of %ld pages went to the host and came back", PAGES, before);
}

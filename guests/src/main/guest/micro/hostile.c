/*
 * hostile: a guest that wants what is not its own, and does not get it.
 *
 * It attacks the three places where a guest's data steers the host: its page tables, the grants of
 * others, and a ring that it shares with a backend. Each must end in an error, a trap, or the loss
 * of a device of its own; never in somebody else's trouble.
 *
 * Run it: vmm boot hostile.elf -d disk.img --net none --trace=mmu,grant,fault
 */
#include "micro.h"

#define NOBODYS_FRAME 0x7ffffff

static void write_own_page_tables(void) {
    u64 *page = page_alloc();
    u64 maddr = pte_maddr(page);
    u64 table = maddr / PAGE_SIZE;
    u64 *entry = (u64 *)((u8 *)virt_of(table) + maddr % PAGE_SIZE);

    EXPECT(trap_of_store(entry, PTE_OF(table, PTE_KERNEL)) == TRAP_PAGE_FAULT,
           "a store gave us a writable page table");
    EXPECT(trap_of_store(entry, PTE_OF(NOBODYS_FRAME, PTE_KERNEL)) == TRAP_PAGE_FAULT,
           "a store mapped a frame that is not ours");
    EXPECT(set_pte(page, PTE_OF(table, PTE_KERNEL)) < 0, "a page table became writable");
    EXPECT(mmu_update(maddr, PTE_OF(NOBODYS_FRAME, PTE_KERNEL)) < 0, "a stranger's frame came in");
    EXPECT(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(page)) < 0, "a data page became the address space");
    page[0] = 1; /* the mapping is what it was */
}

static void map_strangers_grants(u16 victim) {
    u64 *page = page_alloc();
    u32 handle;
    for (u16 domid = 0; domid <= victim; domid++) {
        if (domid == own_domid()) continue;
        for (u32 ref = 0; ref < 600; ref++) {
            short status = grant_map(page, domid, ref, 0, &handle);
            EXPECT(status < 0, "grant %u of domain %u let us in", ref, domid);
        }
    }
    EXPECT(grant_map(page, own_domid(), 0xffffffff, 0, &handle) < 0, "a grant out of any table");
    EXPECT(grant_unmap(page, 12345) < 0, "a handle that we never got could be given back");
}

/* Says that four thousand million requests lie in a ring of 32. */
static void wedge_a_ring(void) {
    device_find("device/vbd/51712");
    device_switch(0, XENBUS_INIT_WAIT);
    u32 *ring = page_alloc();
    grants_init();
    grant(FIRST_FREE_GRANT, 0, ring, 0);
    u32 port = event_alloc_unbound(0);
    device_write("ring-ref", FIRST_FREE_GRANT);
    device_write("event-channel", port);
    device_switch(XENBUS_INITIALISED, XENBUS_CONNECTED);
    SHARED(ring[0]) = 0xfffffff0;
    event_send(port);
    device_switch(0, XENBUS_CLOSING); /* the backend has had enough of us */
}

void micro_main(void) {
    write_own_page_tables();
    map_strangers_grants(argument("victim", 3));
    wedge_a_ring();
    EXPECT(own_domid() != DOMID_SELF, "xenstore has stopped too");
    success("page tables, grants and rings held; a disk of ours is gone");
}

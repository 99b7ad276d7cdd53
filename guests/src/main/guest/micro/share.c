/*
 * share: a page of one guest, seen by another.
 *
 * A guest cannot even name another one's memory. What it can do is write into its own grant table
 * "domain 2 may use this page of mine", and tell domain 2 the number of that entry. Xen then maps
 * the page there and keeps count: as long as somebody has it mapped, the owner cannot take it back.
 *
 * Run it from the top folder: ./vmm up guests/src/main/guest/micro/share.toml
 */
#include "micro.h"

#define QUESTION 0x6f7720736c6f6f74
#define ANSWER   0x746f6f6c7320776f

static void own(u16 peer) {
    volatile u64 *page = page_alloc();
    *page = QUESTION;
    grants_init();
    grant(FIRST_FREE_GRANT, peer, (void *)page, 0);

    u64 deadline = give_up_at();
    while (page[0] != ANSWER) {
        EXPECT(now() < deadline, "domain %u did not write to our page", peer);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    EXPECT(!grant_end(FIRST_FREE_GRANT), "the grant ended although the page is still mapped");
    page[1] = ANSWER; /* now domain 2 may go */
    while (!grant_end(FIRST_FREE_GRANT)) {
        EXPECT(now() < deadline, "domain %u does not give our page back", peer);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    success("domain %u wrote to a page of ours and gave it back", peer);
}

static void use(u16 peer) {
    volatile u64 *page = page_alloc();
    u32 handle;
    u64 deadline = give_up_at();

    while (grant_map((void *)page, peer, FIRST_FREE_GRANT, GNTMAP_readonly, &handle) != 0) {
        EXPECT(now() < deadline, "domain %u grants us nothing", peer);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    EXPECT(page[0] == QUESTION, "the page says %lx", page[0]);
    EXPECT(trap_of_store(page, ANSWER) == TRAP_PAGE_FAULT, "a read-only mapping was written");
    EXPECT(grant_unmap((void *)page, handle) == 0, "the page cannot be unmapped");
    EXPECT(trap_of_load(page) == TRAP_PAGE_FAULT, "the page is still there after unmapping");

    EXPECT(grant_map((void *)page, peer, FIRST_FREE_GRANT, 0, &handle) == 0, "no second mapping");
    page[0] = ANSWER;
    while (page[1] != ANSWER) {
        EXPECT(now() < deadline, "domain %u did not see what we wrote", peer);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    EXPECT(grant_unmap((void *)page, handle) == 0, "the page cannot be unmapped");
    success("read and wrote a page of domain %u", peer);
}

void micro_main(void) {
    u16 peer = argument("peer", 0);
    if (peer == 0) skip("start two of us; each wants peer=DOMID, one also own=1");
    if (argument("own", 0)) own(peer);
    use(peer);
}

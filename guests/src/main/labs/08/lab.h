/*
 * lab.h: lab 8, "Ballooning"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/*
 * Yours to write. Brings the domain to so many pages, by giving pages back or by asking for them, and
 * returns how many it has then: fewer than asked for, when Xen gives no more.
 *
 * Giving a page back: take one that nobody uses (page_alloc), unmap it (set_pte with entry 0), note in
 * p2m that no frame is behind it, and tell Xen its frame.
 *
 * Getting one: ask Xen for a frame, for the pfn of a page that was given back before; note in p2m which
 * one it is, and map it there. Then the page is one that nobody uses, to be given back another time.
 */
u64 balloon_to(u64 pages);

/* The list from pfn to mfn, and what stands there for a page without a frame. */
#define P2M ((volatile u64 *)start_info->mfn_list)
#define NO_FRAME (~0ul)

/* command is XENMEM_decrease_reservation, with the mfn of a page; or XENMEM_populate_physmap, with a
 * pfn, in whose place the mfn is stored. Returns 1 if it was done and 0 if not. */
static inline long change_one(u32 command, u64 *number) {
    struct xen_memory_reservation reservation = {
        .extent_start = number, .nr_extents = 1, .domid = DOMID_SELF};
    return HYPERCALL(memory_op, command, &reservation);
}

/* How many pages Xen counts. */
static inline u64 current_pages(void) {
    u16 domid = DOMID_SELF;
    return HYPERCALL(memory_op, XENMEM_current_reservation, &domid);
}

#endif

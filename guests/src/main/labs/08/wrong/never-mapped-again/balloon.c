/* Wrong: does not map what it got. */
/* Told: must be mapped again */
#include "lab.h"

#define MOST 100

/* Pages that are ours and that nobody uses; the first of them have no frame. */
static u8 *spare[MOST];
static u32 spares, given_back;

static int give_back(void) {
    if (given_back == spares) {
        if (spares == MOST) return 0;
        spare[spares++] = page_alloc();
    }
    u8 *page = spare[given_back];
    u64 mfn = mfn_of(page);
    if (set_pte(page, 0) != 0) return 0;
    P2M[pfn_of(page)] = NO_FRAME;
    given_back++;
    return change_one(XENMEM_decrease_reservation, &mfn) == 1;
}

static int get(void) {
    if (given_back == 0) return 0;
    u8 *page = spare[given_back - 1];
    u64 number = pfn_of(page);
    if (change_one(XENMEM_populate_physmap, &number) != 1) return 0;
    P2M[pfn_of(page)] = number;
    given_back--;
    return 1;
}

u64 balloon_to(u64 pages) {
    while (current_pages() > pages && give_back()) {}
    while (current_pages() < pages && get()) {}
    return current_pages();
}

/* grant.c: lending pages to other domains. A backend cannot look into our memory; we write into a table,
 * shared with Xen, which page it may map or copy, and send it the number of the entry. */
#include "device.h"
#define FRAMES   2
#define ENTRIES  (FRAMES * PAGE_SIZE / sizeof(struct grant_entry))
#define RESERVED 8 /* the first ones are for the console and the store */

static struct grant_entry table[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static u32 last_given = RESERVED;

void grants_init(void) {
    u64 frames[FRAMES];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = FRAMES, .frame_list = frames};
    hypercall(HYPERCALL_grant_table_op, GNTTABOP_setup_table, (u64)&setup, 1, 0);
    if (setup.status != 0) panic("no grant table");
    for (u32 i = 0; i < FRAMES; i++) map_frame_over((char *)table + i * PAGE_SIZE, frames[i]);
}

long grant_give(u16 domain, void *page, int readonly) {
    for (u32 tried = RESERVED; tried < ENTRIES; tried++) {
        if (++last_given == ENTRIES) last_given = RESERVED;
        struct grant_entry *entry = &table[last_given];
        if (SHARED(entry->flags) != 0) continue;
        entry->domid = domain;
        entry->frame = virt_to_mfn(page);
        compiler_barrier(); /* complete before it is valid */
        SHARED(entry->flags) = GTF_permit_access | (readonly ? GTF_readonly : 0);
        return last_given;
    }
    return -ENOSPC;
}

/* Xen sets the two bits at any moment: only what is seen to be unused is taken back. */
int grant_take_back(u32 reference) {
    u16 *at = &table[reference].flags, flags = SHARED(*at);
    return (flags & (GTF_reading | GTF_writing)) == 0 && __sync_bool_compare_and_swap(at, flags, 0);
}

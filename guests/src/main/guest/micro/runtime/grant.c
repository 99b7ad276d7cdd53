/*
 * grant.c: a page is ours alone until an entry of our grant table says who else may use it.
 */
#include "micro.h"

struct grant_entry *grant_table;

/* The table is Xen's memory: Xen names its frame, we map it over a page of ours. */
void grants_init(void) {
    u64 frame;
    struct gnttab_setup_table setup = {
        .dom = DOMID_SELF, .nr_frames = 1, .frame_list = &frame};
    hypercall(HYPERCALL_grant_table_op, GNTTABOP_setup_table, (u64)&setup, 1, 0);
    NEED(setup.status == GNTST_okay, "no grant table: %d", setup.status);
    grant_table = page_alloc();
    NEED(set_pte(grant_table, PTE_OF(frame, PTE_KERNEL)) == 0, "grant table cannot be mapped");
}

void grant(u32 ref, u16 domid, const void *page, u16 flags) {
    grant_table[ref].domid = domid;
    grant_table[ref].frame = mfn_of(page);
    compiler_barrier(); /* whom and what first: with the flags the grant is valid */
    SHARED(grant_table[ref].flags) = GTF_permit_access | flags;
}

/* Xen sets GTF_reading and GTF_writing while the page is mapped. We may only clear the entry if
 * neither is set, and must look and clear in one step. */
int grant_end(u32 ref) {
    u16 flags = SHARED(grant_table[ref].flags);
    do {
        if (flags & (GTF_reading | GTF_writing)) return 0;
    } while (!__atomic_compare_exchange_n(
            &grant_table[ref].flags, &flags, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return 1;
}

short grant_map(void *page, u16 domid, u32 ref, u32 flags, u32 *handle) {
    struct gnttab_map_grant_ref map = {
        .host_addr = (u64)page, .flags = GNTMAP_host_map | flags, .ref = ref, .dom = domid};
    hypercall(HYPERCALL_grant_table_op, GNTTABOP_map_grant_ref, (u64)&map, 1, 0);
    *handle = map.handle;
    return map.status;
}

short grant_unmap(void *page, u32 handle) {
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (u64)page, .handle = handle};
    hypercall(HYPERCALL_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)&unmap, 1, 0);
    return unmap.status;
}

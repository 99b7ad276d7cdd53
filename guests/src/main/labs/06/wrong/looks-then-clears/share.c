/* Wrong: looks first and clears then. */
/* Told: without replace_word */
#include "lab.h"

void share_page(u32 ref, u16 domid, const void *page, int read_only) {
    grant_table[ref].domid = domid;
    grant_table[ref].frame = mfn_of(page);
    compiler_barrier();
    SHARED(grant_table[ref].flags) = GTF_permit_access | (read_only ? GTF_readonly : 0);
}

int unshare_page(u32 ref) {
    if (SHARED(grant_table[ref].flags) & (GTF_reading | GTF_writing)) return 0;
    SHARED(grant_table[ref].flags) = 0;
    return 1;
}

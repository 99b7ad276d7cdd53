/* Wrong: grants to whoever asks first. */
/* Told: A grant is for one domain */
#include "lab.h"

void share_page(u32 ref, u16 domid, const void *page, int read_only) {
    grant_table[ref].domid = domid == 0 ? 0 : own_domid();
    grant_table[ref].frame = mfn_of(page);
    compiler_barrier();
    SHARED(grant_table[ref].flags) = GTF_permit_access | (read_only ? GTF_readonly : 0);
}

int unshare_page(u32 ref) {
    u16 flags;
    do {
        flags = SHARED(grant_table[ref].flags);
        if (flags & (GTF_reading | GTF_writing)) return 0;
    } while (!replace_word(&grant_table[ref].flags, flags, 0));
    return 1;
}

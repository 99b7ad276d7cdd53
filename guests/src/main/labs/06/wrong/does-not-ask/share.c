/* Wrong: does not mind whether replace_word did it. */
/* Told: and look again when it returns 0 */
#include "lab.h"

void share_page(u32 ref, u16 domid, const void *page, int read_only) {
    grant_table[ref].domid = domid;
    grant_table[ref].frame = mfn_of(page);
    compiler_barrier();
    SHARED(grant_table[ref].flags) = GTF_permit_access | (read_only ? GTF_readonly : 0);
}

int unshare_page(u32 ref) {
    u16 flags = SHARED(grant_table[ref].flags);
    if (flags & (GTF_reading | GTF_writing)) return 0;
    replace_word(&grant_table[ref].flags, flags, 0);
    return 1;
}

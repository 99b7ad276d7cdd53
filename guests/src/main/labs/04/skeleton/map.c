/*
 * map.c: a page in a place where there was none.
 *
 * lab.h says what is expected, and what you have.
 */
#include "lab.h"

long map_page(u64 vaddr, u64 mfn) {
    u64 *level4 = (u64 *)start_info->pt_base;
    u64 *level3 = virt_of(PTE_FRAME(level4[INDEX(vaddr, 4)]));
    u64 *level2 = virt_of(PTE_FRAME(level3[INDEX(vaddr, 3)]));

    /* Is there a level-1 table under level2[INDEX(vaddr, 2)]? If not, make one.
     * Then set its entry INDEX(vaddr, 1). */
    (void)level2;
    (void)mfn;
    return 0;
}

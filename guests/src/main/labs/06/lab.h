/*
 * lab.h: lab 6, "Grants"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/* Our grant table, one entry for each reference: grant_table[ref].flags, .domid, .frame. Xen sets
 * GTF_reading and GTF_writing in flags as long as somebody has the page mapped. */

/*
 * Yours to write. Lets the domain use the page under the reference; if read_only is not 0, it may not
 * write. The entry is free when this is called.
 */
void share_page(u32 ref, u16 domid, const void *page, int read_only);

/*
 * Yours to write. Takes the page back and returns 1; from then on nobody can map it. Returns 0, and
 * changes nothing, while somebody still has it mapped.
 *
 * Xen may set GTF_reading and GTF_writing at any moment: looking and clearing must be one step:
 * change flags that are not 0 by replace_word only.
 */
int unshare_page(u32 ref);

/* Ours: what others do just before you change the word. */
void others_meanwhile(void);

/* If *word is expected, makes it value and returns 1; else returns 0. In one step. */
static inline int replace_word(u16 *word, u16 expected, u16 value) {
    others_meanwhile();
    return __atomic_compare_exchange_n(
            word, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif

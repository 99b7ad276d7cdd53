/*
 * balloon.c: a domain that changes its size.
 *
 * lab.h says what is expected.
 */
#include "lab.h"

#define MOST 100

/* The pages that have no frame at present. */
static u8 *given_back[MOST];
static u32 count;

u64 balloon_to(u64 pages) {
    (void)pages, (void)given_back, (void)count;
    return current_pages();
}

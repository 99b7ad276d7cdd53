/*
 * cases.c: lab 8. A domain that grows and shrinks, and what must be true of its pages meanwhile.
 */
#include "cases.h"
#include "lab.h"

/* A page without frame must not be mapped, one with a frame is seen alike by Xen, p2m and tables. */
static u64 consistent(void) {
    u64 missing = 0;
    for (u64 pfn = 0; pfn < start_info->nr_pages; pfn++) {
        u64 mfn = P2M[pfn];
        if (mfn == NO_FRAME) {
            missing++;
            EXPECT(trap_of_load((u64 *)(VIRT_BASE + pfn * PAGE_SIZE)) == TRAP_PAGE_FAULT,
                   "pfn %lu has no frame any more, and is still mapped. As long as it is, the frame is"
                   " not free for anybody: unmap a page before you give it back.", pfn);
        } else {
            EXPECT(MACH2PHYS[mfn] == pfn,
                   "p2m says that behind pfn %lu is frame %lx; Xen says that this frame is not ours, or"
                   " another page's. Keep p2m true: whoever builds a page table next will believe it.",
                   pfn, mfn);
        }
    }
    return missing;
}

static void is(u64 wanted, const char *when) {
    u64 before = current_pages();
    u64 answer = balloon_to(wanted);
    EXPECT(wanted >= before || current_pages() != before,
           "%s: of %lu pages not one went to Xen. It takes no frame that is in use, and a mapping is a"
           " use: unmap a page before you give it back.", when, before);
    EXPECT(current_pages() == wanted,
           "%s: from %lu pages to %lu, and Xen counts %lu. The target is in pages, and is what the domain"
           " has in the end.", when, before, wanted, current_pages());
    EXPECT(answer == wanted, "%s: balloon_to returned %lu, and the domain has %lu pages.", when, answer,
           wanted);
    u64 missing = consistent();
    EXPECT(missing == start_info->nr_pages - wanted,
           "%s: %lu pages are gone, p2m knows of %lu.", when, start_info->nr_pages - wanted, missing);
}

static void shrink(void) {
    is(start_info->nr_pages - 20, "Giving back 20 pages");
    is(start_info->nr_pages - 50, "Giving back 30 more");
}

static void stay(void) {
    is(start_info->nr_pages, "Asking for what it has");
    is(start_info->nr_pages - 1, "Giving back one");
    is(start_info->nr_pages - 1, "Asking for what it has");
}

static void grow(void) {
    u64 *kept = page_alloc();
    *kept = 0xabcdef;
    is(start_info->nr_pages - 30, "Giving back 30 pages");
    is(start_info->nr_pages - 10, "Getting 20 of them again");
    is(start_info->nr_pages - 40, "Giving back 30");
    is(start_info->nr_pages, "Getting all of them again");
    EXPECT(*kept == 0xabcdef, "A page that was in use was given away.");
    for (u64 pfn = pfn_of(kept) + 1; pfn <= pfn_of(kept) + 40; pfn++) {
        u64 *page = (u64 *)(VIRT_BASE + pfn * PAGE_SIZE);
        EXPECT(trap_of_store(page, 1) == NO_TRAP,
               "pfn %lu has a frame again, and cannot be written. A page that comes back must be mapped"
               " again, writable.", pfn);
    }
}

/* Nobody gives more than was agreed when the domain was made. */
static void limit(void) {
    u64 all = start_info->nr_pages;
    is(all - 5, "Giving back 5 pages");
    u64 answer = balloon_to(all + 100);
    EXPECT(current_pages() == all, "The domain may have %lu pages. Asked for 100 more, it has %lu.", all,
           current_pages());
    EXPECT(answer == all,
           "balloon_to(%lu) returned %lu; it got to %lu. Say what you reached, not what was wanted.",
           all + 100, answer, all);
    EXPECT(consistent() == 0, "All pages are back, but p2m does not know it.");
}

void micro_main(void) {
    switch (argument("case", 0)) {
    case 0: shrink(); break;
    case 1: stay(); break;
    case 2: grow(); break;
    case 3: limit(); break;
    }
    passed();
}

/*
 * cases.c: lab 4. Addresses at which nothing is mapped, and frames to put there.
 */
#include "cases.h"
#include "lab.h"

#define AREA (VIRT_BASE + 0x20000000) /* far above what the domain builder mapped */
#define NOBODYS_FRAME 0x7ffffff
#define PATTERN 0xfeedface0000

static u64 frame_with(u64 word) {
    u64 *page = page_alloc();
    page[0] = word;
    page[511] = ~word;
    return mfn_of(page);
}

static void shows(u64 vaddr, u64 word, const char *when) {
    volatile u64 *page = (u64 *)vaddr;
    EXPECT(trap_of_load(page) == NO_TRAP,
           "%s: map_page returned 0, but reading at %lx faults. Did Xen accept each of your requests?"
           " Look at what mmu_update and set_pte return.", when, vaddr);
    EXPECT(page[0] == word && page[511] == ~word,
           "%s: at %lx stands %lx, not %lx, as if another frame had been mapped there. An entry holds"
           " the mfn, not the pfn.", when, vaddr, page[0], word);
    EXPECT(trap_of_store(page, word) == NO_TRAP, "%s: the page at %lx is not writable.", when, vaddr);
}

static void maps(u64 vaddr, u64 mfn, const char *when) {
    long refused = map_page(vaddr, mfn);
    EXPECT(refused == 0,
           "%s: map_page returned %ld. Xen refuses a level-1 table that somebody could still write to"
           " directly: make its page read-only first. And it takes machine numbers, in the entry and"
           " in the address of the entry.", when, refused);
}

static void one(void) {
    u64 *page = page_alloc();
    page[0] = PATTERN;
    page[511] = ~(u64)PATTERN;
    maps(AREA, mfn_of(page), "One page in an empty place");
    shows(AREA, PATTERN, "One page in an empty place");
    *(volatile u64 *)AREA = 7;
    EXPECT(SHARED(page[0]) == 7, "What is written to the new address is not in the frame.");
}

static void neighbours(void) {
    const char *when = "Two pages under one level-1 table";
    maps(AREA + 5 * PAGE_SIZE, frame_with(PATTERN + 1), when);
    maps(AREA + 6 * PAGE_SIZE, frame_with(PATTERN + 2), when);
    EXPECT(trap_of_load((u64 *)(AREA + 5 * PAGE_SIZE)) == NO_TRAP,
           "After the second page was mapped, the first is gone. They share a level-1 table: when there"
           " is one already, use it.");
    shows(AREA + 5 * PAGE_SIZE, PATTERN + 1, when);
    shows(AREA + 6 * PAGE_SIZE, PATTERN + 2, when);
}

static void far(void) {
    const char *when = "Pages that are megabytes apart";
    u64 places[] = {AREA + 511 * PAGE_SIZE, AREA + 512 * PAGE_SIZE, AREA + 0x5400000, AREA + 0x1fdff000};
    for (u32 i = 0; i < 4; i++) {
        maps(places[i], frame_with(PATTERN + i), when);
    }
    for (u32 i = 0; i < 4; i++) shows(places[i], PATTERN + i, when);
}

static void again(void) {
    const char *when = "Another frame in the same place";
    maps(AREA, frame_with(PATTERN), when);
    shows(AREA, PATTERN, when);
    maps(AREA, frame_with(PATTERN + 9), when);
    shows(AREA, PATTERN + 9, when);
}

static int has_level1(u64 vaddr) {
    u64 *level4 = (u64 *)start_info->pt_base;
    u64 *level3 = virt_of(PTE_FRAME(level4[INDEX(vaddr, 4)]));
    u64 *level2 = virt_of(PTE_FRAME(level3[INDEX(vaddr, 3)]));
    return (level2[INDEX(vaddr, 2)] & PTE_PRESENT) != 0;
}

static void stranger(void) {
    const char *when = "A frame that is not ours";
    maps(AREA, frame_with(PATTERN), when);
    EXPECT(map_page(AREA, NOBODYS_FRAME) < 0,
           "A frame that is not ours was to be mapped. Xen refused, as it must, and map_page returned 0"
           " all the same: its caller believes in a mapping that is not there.");
    shows(AREA, PATTERN, when);
    long refused = map_page(AREA + 0x800000, NOBODYS_FRAME);
    EXPECT(refused < 0, "Where there was no level-1 table yet, map_page for a frame that is not ours"
           " returned %ld.", refused);
    EXPECT(!has_level1(AREA + 0x800000),
           "Xen refused the frame, and the level-1 table that you had made for it is still in the level-2"
           " table. Who is refused must find everything as it was: take the table out again.");
    EXPECT(map_page(AREA, PTE_FRAME(((u64 *)start_info->pt_base)[INDEX(VIRT_BASE, 4)])) < 0,
           "A page table was to be mapped writable, and map_page returned 0.");
}

void micro_main(void) {
    switch (argument("case", 0)) {
    case 0: one(); break;
    case 1: neighbours(); break;
    case 2: far(); break;
    case 3: again(); break;
    case 4: stranger(); break;
    }
    passed();
}

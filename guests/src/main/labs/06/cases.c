/*
 * cases.c: lab 6. The domain that maps what the student grants is the same one: Xen treats it as it
 * treats any other.
 */
#include "cases.h"
#include "lab.h"

#define REF     FIRST_FREE_GRANT
#define PATTERN 0x1234cafe
#define WINDOW_MAPPED(status) ((status) == GNTST_okay)

static u16 self;
static u64 *page, *window;
static u32 handle;

static void maps(const char *what) {
    short status = grant_map(window, self, REF, 0, &handle);
    EXPECT(status == GNTST_okay || grant_table[REF].flags & GTF_permit_access,
           "%s: Xen does not let domain %u map it, for the flags of the entry do not say"
           " GTF_permit_access.", what, self);
    EXPECT(status == GNTST_okay || grant_table[REF].domid == self,
           "%s: Xen does not let domain %u map it, for the entry names domain %u.", what, self,
           grant_table[REF].domid);
    EXPECT(status == GNTST_okay,
           "%s: Xen answers %d. Is the frame in the entry a frame of ours? It has to be the mfn of the"
           " page.", what, status);
}

static void shared(void) {
    page[0] = PATTERN;
    share_page(REF, self, page, 0);
    maps("A page was shared");
    EXPECT(window[0] == PATTERN, "A page was shared, and another one appeared: the entry's frame is"
           " %x, the page's mfn is %lx.", grant_table[REF].frame, mfn_of(page));
    SHARED(window[1]) = PATTERN;
    EXPECT(SHARED(page[1]) == PATTERN, "What the other side wrote did not arrive.");
}

static void read_only(void) {
    share_page(REF, self, page, 1);
    EXPECT(!WINDOW_MAPPED(grant_map(window, self, REF, 0, &handle)),
           "A page that was shared read-only could be mapped for writing: GTF_readonly is missing.");
    short status = grant_map(window, self, REF, GNTMAP_readonly, &handle);
    EXPECT(status == GNTST_okay, "A page that was shared read-only cannot be mapped for reading: %d.",
           status);
}

static void for_another(void) {
    share_page(REF, self + 1, page, 0);
    EXPECT(!WINDOW_MAPPED(grant_map(window, self, REF, 0, &handle)),
           "A page was shared with domain %u, and domain %u could map it. A grant is for one domain:"
           " domid.", self + 1, self);
}

static void in_use(void) {
    share_page(REF, self, page, 0);
    maps("A page was shared");
    u16 flags = grant_table[REF].flags;
    EXPECT(!unshare_page(REF),
           "unshare_page returned 1 while the page is mapped elsewhere. Its owner would use it for"
           " something else, and the other domain would read along.");
    EXPECT(grant_table[REF].flags == flags,
           "unshare_page returned 0 but changed the flags from %x to %x.", flags,
           grant_table[REF].flags);
    EXPECT(grant_unmap(window, handle) == 0, "The page cannot be unmapped.");
    EXPECT(unshare_page(REF), "Nobody has the page mapped any more, and unshare_page returns 0.");
    EXPECT(grant_table[REF].flags == 0, "unshare_page returned 1 and left the flags at %x.",
           grant_table[REF].flags);
    EXPECT(!WINDOW_MAPPED(grant_map(window, self, REF, 0, &handle)),
           "A page that was taken back could be mapped.");
}

static void reading(void) {
    share_page(REF, self, page, 1);
    EXPECT(grant_map(window, self, REF, GNTMAP_readonly, &handle) == 0, "The page cannot be mapped.");
    EXPECT(!unshare_page(REF), "The page is mapped for reading only, and unshare_page returned 1. A"
           " reader is somebody, too: GTF_reading.");
    EXPECT(grant_unmap(window, handle) == 0, "The page cannot be unmapped.");
    EXPECT(unshare_page(REF), "Nobody has the page mapped any more, and unshare_page returns 0.");
    share_page(REF, self, window, 0);
    EXPECT(unshare_page(REF), "A page that nobody had mapped cannot be taken back.");
}

/* Between its look at the flags and its change of them, the other domain maps the page. */
static u32 replacements;
static int other_maps;

void others_meanwhile(void) {
    if (replacements++ == 0 && other_maps) maps("A page was shared");
}

static void mapped_meanwhile(void) {
    share_page(REF, self, page, 0);
    other_maps = 1;
    int taken = unshare_page(REF);
    EXPECT(replacements > 0,
           "unshare_page changed the flags without replace_word. Between its look and its store the"
           " other domain may have mapped the page; the store wipes out what Xen has written, and"
           " nobody knows of the mapping any more.");
    EXPECT(!taken,
           "The other domain mapped the page after unshare_page had looked, and it returned 1. Pass"
           " to replace_word what you have looked at, and look again when it returns 0.");
    EXPECT(grant_unmap(window, handle) == 0, "The page cannot be unmapped.");
    EXPECT(unshare_page(REF), "Nobody has the page mapped any more, and unshare_page returns 0.");
}

void micro_main(void) {
    grants_init();
    self = own_domid();
    page = page_alloc();
    window = page_alloc();
    switch (argument("case", 0)) {
    case 0: shared(); break;
    case 1: read_only(); break;
    case 2: for_another(); break;
    case 3: in_use(); break;
    case 4: reading(); break;
    case 5: mapped_meanwhile(); break;
    }
    passed();
}

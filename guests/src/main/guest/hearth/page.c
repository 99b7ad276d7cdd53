/* page.c: memory. Every page of the domain has two numbers: its pfn, by which we count it, and its mfn, by
 * which the machine does. Page tables hold mfns; Xen checks each of them. The builder left a list that leads
 * from pfn to mfn; we keep it in struct page. */
#include "kernel.h"
#define NO_FRAME  0xffffffffu /* of a page that was given back to Xen */
#define MAP_LIMIT (1ul << 18) /* pages: 1 GiB, what one L3 entry spans; more is left alone */
#define L1_PAGES  512ul       /* what one L1 table spans */
#define KERNEL_ENTRY(mfn) ((u64)(mfn) * PAGE_SIZE | PTE_PRESENT | PTE_USER)

static struct page {
    u32 mfn, users; /* free pages have no user; those given back have one, so that nobody takes them */
    u8 size_class;  /* kmalloc's */
} *pages;
static u64 next_free, next_absent; /* where to go on looking; a page never used costs the host nothing */
u64 pages_total, pages_free, pages_limit;

/* Changing a page table is the hypervisor's business. The tables are mapped read-only, since a guest that
 * could write them could map its neighbour's memory; we ask, Xen checks and writes. */
static void set_kernel_entry(void *address, u64 entry) {
    long error = hypercall(HYPERCALL_update_va_mapping, (u64)address, entry, UVMF_INVLPG | UVMF_ALL, 0);
    if (error != 0) panic("Xen refuses entry %lx for %lx: error %ld", entry, (u64)address, error);
}

/* Xen's pages have no pfn, so they have no place in our map. The easiest one is where a variable of ours
 * is: the frame that was behind it is simply forgotten. */
void map_frame_over(void *variable, u64 mfn) { set_kernel_entry(variable, KERNEL_ENTRY(mfn) | PTE_WRITE); }
u64 virt_to_mfn(const void *address) { return pages[virt_to_pfn(address)].mfn; }

void page_set_writable(void *page, int writable) {
    set_kernel_entry(page, KERNEL_ENTRY(virt_to_mfn(page)) | (writable ? PTE_WRITE : 0));
}

void *pages_alloc(u32 count) {
    u64 first = ROUND_UP(next_free, count);
    for (u64 tried = 0; pages_free >= count && tried < pages_limit + count; tried += count, first += count) {
        u32 length = 0;
        if (first + count > pages_limit) first = 0;
        while (length < count && pages[first + length].users == 0) length++;
        if (length < count) continue;
        for (u32 i = 0; i < count; i++) pages[first + i].users = 1;
        pages_free -= count;
        next_free = first + count;
        return memset(pfn_to_virt(first), 0, count * PAGE_SIZE);
    }
    return 0;
}

void *page_alloc(void) { return pages_alloc(1); }
void page_get(void *page) { pages[virt_to_pfn(page)].users++; }

void page_put(void *page) {
    u64 pfn = virt_to_pfn(page);
    if (pages[pfn].users == 0) panic("page %lx is freed twice", pfn);
    if (--pages[pfn].users == 0) pages_free++, next_free = MIN(next_free, pfn);
}

void pages_put(void *first, u32 count) {
    for (u32 i = 0; i < count; i++) page_put((char *)first + i * PAGE_SIZE);
}

u32 page_users(void *page) { return pages[virt_to_pfn(page)].users; }

void pages_free_range(u64 from, u64 to) {
    for (u64 at = ROUND_UP(from, PAGE_SIZE); at + PAGE_SIZE <= to; at += PAGE_SIZE) page_put((void *)at);
}

/* ---- Objects smaller than a page: sizes are powers of two, from 32 bytes to half a page --------------- */
#define SMALLEST 5
#define LARGEST  11
static struct object { struct object *next; } *free_objects[LARGEST + 1];

void *kmalloc(u64 size) {
    u32 class = SMALLEST;
    while (1ul << class < size) class++;
    if (class > LARGEST) panic("kmalloc of %lu bytes", size);
    if (free_objects[class] == 0) {
        char *page = page_alloc();
        if (page == 0) return 0;
        pages[virt_to_pfn(page)].size_class = class;
        for (u32 at = 0; at < PAGE_SIZE; at += 1u << class) kfree(page + at);
    }
    struct object *object = free_objects[class];
    free_objects[class] = object->next;
    return memset(object, 0, 1ul << class);
}

/* Pages of objects stay what they are; there are never many. */
void kfree(void *pointer) {
    struct object *object = pointer;
    if (object == 0) return;
    u32 class = pages[virt_to_pfn(object)].size_class;
    object->next = free_objects[class];
    free_objects[class] = object;
}

static int exchange_page(u32 command, u64 *frame) {
    struct xen_memory_reservation one = {.extent_start = frame, .nr_extents = 1, .domid = DOMID_SELF};
    return HYPERCALL(memory_op, command, &one) == 1;
}

long page_give_up(void) {
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    u64 pfn = virt_to_pfn(page), frame = pages[pfn].mfn;
    set_kernel_entry(page, 0); /* Xen takes no page back that is still mapped */
    if (!exchange_page(XENMEM_decrease_reservation, &frame)) panic("Xen does not want page %lx back", pfn);
    pages[pfn].mfn = NO_FRAME;
    pages_total--;
    return 0;
}

long page_ask_for(void) {
    u64 tried = 0;
    while (pages[next_absent % pages_limit].mfn != NO_FRAME && tried++ < pages_limit) next_absent++;
    u64 pfn = next_absent % pages_limit, frame = pfn; /* in: for which pfn; out: which frame */
    if (pages[pfn].mfn != NO_FRAME || !exchange_page(XENMEM_populate_physmap, &frame)) return -ENOMEM;
    pages[pfn].mfn = frame;
    page_set_writable(pfn_to_virt(pfn), 1);
    page_put(pfn_to_virt(pfn));
    pages_total++;
    return 0;
}

static u64 boot_next; /* the first page that nobody uses; all up to mapped_end are mapped */

static u64 *table_at(const u64 *entry) { return mfn_to_virt((*entry & ~PTE_NX) / PAGE_SIZE); }

/* The builder mapped the kernel and a little more. The rest needs more L1 tables: each is filled while it is
 * an ordinary page, made read-only, and then hung into the L2 table, which makes Xen look at every entry. */
static void map_memory(u64 mapped_end, const u64 *p2m) {
    u64 *l3 = table_at((u64 *)start_info->pt_base + 511), *l2 = table_at(l3 + 510);
    for (u64 pfn = virt_to_pfn((void *)mapped_end); pfn < pages_limit; pfn += L1_PAGES) {
        u64 *table = memset((void *)boot_next, 0, PAGE_SIZE), mfn = p2m[virt_to_pfn(table)];
        boot_next += PAGE_SIZE;
        for (u64 i = 0; i < L1_PAGES && pfn + i < start_info->nr_pages; i++) {
            table[i] = KERNEL_ENTRY(p2m[pfn + i]) | PTE_WRITE;
        }
        struct mmu_update update = {.ptr = p2m[virt_to_pfn(l2)] * PAGE_SIZE + pfn / L1_PAGES * 8,
                                    .val = KERNEL_ENTRY(mfn) | PTE_WRITE};
        set_kernel_entry(table, KERNEL_ENTRY(mfn));
        if (hypercall(HYPERCALL_mmu_update, (u64)&update, 1, 0, DOMID_SELF) != 0) panic("no L1 table");
    }
}

/* What lies where, in this order: 1 MiB free, the kernel, the initial RAM disk, the p2m list, start_info and
 * the rings, page tables, the first stack (used up by now), free. */
void pages_init(void) {
    const u64 *p2m = (const u64 *)start_info->mfn_list;
    u16 self = DOMID_SELF;
    long limit = HYPERCALL(memory_op, XENMEM_maximum_reservation, &self);
    boot_next = start_info->pt_base + (start_info->nr_pt_frames + 1) * PAGE_SIZE;
    /* As the builder promises: half a MiB behind the stack, and up to a multiple of 4 MiB. */
    u64 mapped_end = ROUND_UP(boot_next + (512ul << 10), 4ul << 20);
    pages_total = MIN(start_info->nr_pages, MAP_LIMIT);
    pages_limit = MIN(MAX((u64)MAX(limit, 0), pages_total), MAP_LIMIT);
    map_memory(mapped_end, p2m);
    pages = (struct page *)boot_next;
    boot_next = ROUND_UP((u64)(pages + pages_limit), PAGE_SIZE);
    for (u64 pfn = 0; pfn < pages_limit; pfn++) {
        pages[pfn] = (struct page){.mfn = pfn < pages_total ? p2m[pfn] : NO_FRAME, .users = 1};
    }
    pages_free_range(boot_next, (u64)pfn_to_virt(pages_total));
    pages_free_range((u64)p2m, ROUND_UP((u64)(p2m + start_info->nr_pages), PAGE_SIZE));
    pages_free_range(VIRT_BASE + PAGE_SIZE, (u64)_start_of_kernel);
}

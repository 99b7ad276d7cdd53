/* space.c: the address spaces of processes. A process has page tables of its own, loaded beside the kernel's
 * (MMUEXT_NEW_USER_BASEPTR), with nothing of the kernel in them: both run in ring 3, so only the tables
 * keep them apart. All that a process has lies in the first of 512 slots of the top table. Tables are made
 * while they are ordinary pages, by plain writes; then they are made read-only and "pinned": Xen looks
 * through all of them, and from then on only Xen writes. Pages appear when they are touched. fork() copies
 * tables only and takes the right to write from both sides; who writes first gets a copy. */
#include "kernel.h"
#define FRAME_BITS  0x000ffffffffff000ul
#define USER_START  0x10000ul
#define MMAP_TOP    (USER_END - (64ul << 20)) /* below the stack */
#define TABLE_ENTRY (PTE_PRESENT | PTE_WRITE | PTE_USER)

/* What an entry of a table of this level spans, and the entry for an address. */
#define SPAN(level) (1ul << (12 + 9 * ((level) - 1)))
#define ENTRY(table, address, level) (&(table)[(address) / SPAN(level) % 512])

/* The page or table behind an entry. One that is neither 0 nor PRESENT has a page that mprotect() closed. */
static void *page_of(u64 entry) { return mfn_to_virt((entry & FRAME_BITS) / PAGE_SIZE); }

static struct mmu_update queue[32];
static u32 queued;
static int must_flush_tlb;

static void mmuext(u32 command, u64 mfn) {
    struct mmuext_op op = {.cmd = command, .arg1 = mfn};
    long error = hypercall(HYPERCALL_mmuext_op, (u64)&op, 1, 0, DOMID_SELF);
    if (error != 0) panic("Xen refuses mmuext_op %u on frame %lx: error %ld", command, mfn, error);
}

/* Hands queued changes to Xen. Only the running process's tables are changed, and it runs on one vCPU. */
static void flush(void) {
    long error = queued == 0 ? 0 : hypercall(HYPERCALL_mmu_update, (u64)queue, queued, 0, DOMID_SELF);
    if (error != 0) panic("Xen refuses a page table entry: error %ld", error);
    if (must_flush_tlb) mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
    queued = must_flush_tlb = 0;
}

/* Takes effect at flush() at the latest. */
static void set_entry(struct space *space, u64 *entry, u64 value) {
    if (!space->pinned) {
        *entry = value;
        return;
    }
    if (*entry & PTE_PRESENT) must_flush_tlb = 1;
    queue[queued++] = (struct mmu_update){virt_to_mfn(entry) * PAGE_SIZE + (u64)entry % PAGE_SIZE, value};
    if (queued == ARRAY_SIZE(queue)) flush();
}

/* The L1 entry for an address, with the tables above it; null when there is no memory for them. */
static u64 *entry_at(struct space *space, u64 address) {
    u64 *entry = ENTRY(space->root, address, 4);
    for (int level = 3; level > 0; level--) {
        if (*entry == 0) {
            u64 *lower = page_alloc();
            if (lower == 0) return 0;
            if (space->pinned) page_set_writable(lower, 0);
            set_entry(space, entry, virt_to_mfn(lower) * PAGE_SIZE | TABLE_ENTRY);
            flush();
        }
        entry = ENTRY((u64 *)page_of(*entry), address, level);
    }
    return entry;
}

/* The first entry with a page from *address on, which is moved there; null: none before end. */
static u64 *next_entry(struct space *space, u64 *address, u64 end) {
    while (*address < end) {
        u64 *entry = ENTRY(space->root, *address, 4);
        int level = 4;
        for (; level > 1 && *entry != 0; level--) entry = ENTRY((u64 *)page_of(*entry), *address, level - 1);
        if (*entry != 0) return entry;
        *address = ROUND_DOWN(*address, SPAN(level)) + SPAN(level); /* nothing in all that it spans */
    }
    return 0;
}

static struct area *area_at(struct space *space, u64 address) {
    struct area *area = space->areas;
    while (area != 0 && area->end <= address) area = area->next;
    return area != 0 && area->start <= address ? area : 0;
}

static long insert(struct space *space, const struct area *like) {
    struct area **at = &space->areas, *area = kmalloc(sizeof(*area));
    if (area == 0) return -ENOMEM;
    while (*at != 0 && (*at)->start < like->start) at = &(*at)->next;
    *area = *like;
    area->next = *at;
    inode_get(area->inode);
    *at = area;
    return 0;
}

static struct area *remove(struct area *area) {
    struct area *next = area->next;
    inode_put(area->inode);
    kfree(area);
    return next;
}

/* Makes an area begin at the address, if it lies inside one. */
static long split(struct space *space, u64 address) {
    struct area *area = area_at(space, address);
    if (area == 0 || area->start == address) return 0;
    struct area upper = *area;
    upper.start = address;
    upper.offset += address - area->start;
    long error = insert(space, &upper);
    if (error == 0) area->end = address;
    return error;
}

/* The highest gap that is large enough; 0: none is. */
static u64 find_room(struct space *space, u64 length) {
    u64 found = 0, gap = USER_START;
    for (struct area *area = space->areas; area != 0 && area->start < MMAP_TOP; area = area->next) {
        if (area->start >= gap + length) found = area->start - length;
        gap = area->end;
    }
    return MMAP_TOP >= gap + length ? MMAP_TOP - length : found;
}

static long unmap(struct space *space, u64 start, u64 end) {
    if (split(space, start) != 0 || split(space, end) != 0) return -ENOMEM;
    for (u64 at = start, *entry; (entry = next_entry(space, &at, end)) != 0; at += PAGE_SIZE) {
        void *page = page_of(*entry);
        space->resident--;
        set_entry(space, entry, 0);
        page_put(page); /* nobody takes it before the flush, which makes Xen forget it too */
    }
    flush();
    for (struct area **at = &space->areas; *at != 0;) {
        if ((*at)->start >= start && (*at)->end <= end) *at = remove(*at);
        else at = &(*at)->next;
    }
    return 0;
}

long space_map(struct space *space, struct area *like, int fixed) {
    u64 length = like->end - like->start;
    if (length == 0 || length > USER_END) return -EINVAL;
    if (!fixed) {
        if ((like->start = find_room(space, length)) == 0) return -ENOMEM;
        like->end = like->start + length;
    } else if (like->start < USER_START || like->end > USER_END || like->end < like->start
               || unmap(space, like->start, like->end) != 0) {
        return -ENOMEM;
    }
    long error = insert(space, like);
    return error != 0 ? error : (long)like->start;
}

static u64 entry_flags(u32 prot, int writable) {
    return (prot != 0 ? PTE_PRESENT : 0) | PTE_USER | (writable && prot & PROT_WRITE ? PTE_WRITE : 0)
           | (prot & PROT_EXEC ? 0 : PTE_NX);
}

long sys_mmap(u64 address, u64 length, u64 prot, u64 flags, u64 fd, u64 offset) {
    struct file *file = flags & MAP_ANONYMOUS ? 0 : file_by_number(fd);
    struct inode *inode = file == 0 ? 0 : file->inode, *shared = 0;
    struct area area = {.start = address, .end = address + ROUND_UP(length, PAGE_SIZE), .prot = prot & 7,
                        .flags = flags, .offset = flags & MAP_ANONYMOUS ? 0 : offset, .file_end = ~0ul};
    if ((address | offset) % PAGE_SIZE != 0 && flags & MAP_FIXED) return -EINVAL;
    if (flags & MAP_ANONYMOUS) { /* shared with whom we fork: a file without a name */
        if (flags & MAP_SHARED && (inode = shared = memory_inode(S_IFREG)) == 0) return -ENOMEM;
    } else if (inode == 0 || !S_IS(inode->mode, REG) || (flags & MAP_SHARED && inode->ops->page == 0)) {
        return file == 0 ? -EBADF : -ENODEV;
    }
    area.inode = inode;
    long result = space_map(current->space, &area, (flags & MAP_FIXED) != 0);
    inode_put(shared);
    return result;
}

long sys_munmap(u64 address, u64 length) {
    if (address % PAGE_SIZE != 0 || length == 0 || length > USER_END || address > USER_END) return -EINVAL;
    return unmap(current->space, address, address + ROUND_UP(length, PAGE_SIZE));
}

long sys_mprotect(u64 address, u64 length, u64 prot) {
    struct space *space = current->space;
    u64 end = address + ROUND_UP(length, PAGE_SIZE), *entry;
    if (address % PAGE_SIZE != 0 || length > USER_END || address > USER_END) return -EINVAL;
    if (split(space, address) != 0 || split(space, end) != 0) return -ENOMEM;
    for (struct area *area = space->areas; area != 0; area = area->next) {
        if (area->start >= address && area->end <= end) area->prot = prot & 7;
    }
    for (u64 at = address; (entry = next_entry(space, &at, end)) != 0; at += PAGE_SIZE) {
        /* The right to write comes back by a fault, which knows who else uses the page. */
        set_entry(space, entry, (*entry & FRAME_BITS) | entry_flags(prot & 7, 0));
    }
    flush();
    return 0;
}

long sys_brk(u64 end) {
    struct space *space = current->space;
    u64 old_top = ROUND_UP(space->brk, PAGE_SIZE), top = ROUND_UP(end, PAGE_SIZE);
    struct area heap = {.start = old_top, .end = top, .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE};
    if (end < space->brk_start || end > MMAP_TOP) return space->brk;
    if (top < old_top) unmap(space, top, old_top);
    if (top > old_top && space_map(space, &heap, 1) < 0) return space->brk;
    return space->brk = end;
}

/* The page for an address that has none yet, with a user more. *own: nobody else sees it. */
static void *new_page(struct area *area, u64 address, u32 access, int *own) {
    u64 offset = area->offset + address - area->start;
    u64 rest = area->inode == 0 || offset >= area->file_end ? 0 : area->file_end - offset;
    int shared = area->flags & MAP_SHARED, whole = rest >= PAGE_SIZE && !(access & ACCESS_WRITE);
    void *page = 0;
    if (rest > 0 && area->inode->ops->page != 0 && (shared || whole)) {
        page = area->inode->ops->page(area->inode, offset / PAGE_SIZE, shared);
    }
    *own = shared || page == 0;
    if (page != 0 || (page = page_alloc()) == 0) return page;
    if (rest > 0) area->inode->ops->read(area->inode, page, MIN(rest, PAGE_SIZE), offset);
    return page;
}

static long copy_on_write(struct space *space, struct area *area, u64 *entry) {
    void *page = page_of(*entry), *copy = page;
    if (!(area->flags & MAP_SHARED) && page_users(page) > 1) { /* else the others have got copies */
        if ((copy = page_alloc()) == 0) return -ENOMEM;
        memcpy(copy, page, PAGE_SIZE);
    }
    set_entry(space, entry, virt_to_mfn(copy) * PAGE_SIZE | entry_flags(area->prot, 1));
    flush();
    if (copy != page) page_put(page);
    return 0;
}

long space_fault(struct space *space, u64 address, u32 access) {
    struct area *area = area_at(space, address);
    int own;
    address = ROUND_DOWN(address, PAGE_SIZE);
    if (area == 0 || area->prot == 0 || access & (ACCESS_WRITE | ACCESS_EXEC) & ~area->prot) return -EFAULT;
    u64 *entry = entry_at(space, address);
    if (entry == 0) return -ENOMEM;
    if (*entry != 0) {
        int may_write = access & ACCESS_WRITE && *entry & PTE_PRESENT && !(*entry & PTE_WRITE);
        return may_write ? copy_on_write(space, area, entry) : 0;
    }
    void *page = new_page(area, address, access, &own);
    if (page == 0) return -ENOMEM;
    set_entry(space, entry, virt_to_mfn(page) * PAGE_SIZE | entry_flags(area->prot, own));
    flush();
    space->resident++;
    return 0;
}

struct space *space_new(void) {
    struct space *space = kmalloc(sizeof(*space));
    if (space == 0 || (space->root = page_alloc()) != 0) return space;
    kfree(space);
    return 0;
}

static long copy_area(struct space *from, struct space *to, struct area *area) {
    u64 writable = area->flags & MAP_SHARED ? 0 : PTE_WRITE, *entry, *copy; /* to be taken away */
    if (insert(to, area) != 0) return -ENOMEM;
    for (u64 at = area->start; (entry = next_entry(from, &at, area->end)) != 0; at += PAGE_SIZE) {
        u64 value = *entry & ~writable;
        if ((copy = entry_at(to, at)) == 0) return -ENOMEM;
        if (value != *entry) set_entry(from, entry, value);
        *copy = value;
        page_get(page_of(value));
        to->resident++;
    }
    return 0;
}

struct space *space_clone(struct space *from) {
    struct space *space = space_new();
    long error = 0;
    if (space == 0) return 0;
    void *root = space->root;
    *space = *from;
    space->root = root, space->areas = 0, space->pinned = 0, space->resident = 0;
    for (struct area *area = from->areas; area != 0 && error == 0; area = area->next) {
        error = copy_area(from, space, area);
    }
    flush();
    if (error == 0) return space_pin(space), space;
    space_free(space);
    return 0;
}

static void seal(u64 *table, int level) {
    for (int i = 0; level > 1 && i < 512; i++) if (table[i] != 0) seal(page_of(table[i]), level - 1);
    page_set_writable(table, 0);
}

void space_pin(struct space *space) {
    seal(space->root, 4);
    mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(space->root));
    space->pinned = 1;
}

/* Puts the tables and the pages they lead to. */
static void put_tables(u64 *table, int level, int pinned) {
    for (u32 i = 0; i < 512; i++) {
        if (table[i] == 0) continue;
        if (level > 1) put_tables(page_of(table[i]), level - 1, pinned);
        else page_put(page_of(table[i]));
    }
    if (pinned) page_set_writable(table, 1);
    page_put(table);
}

/* The tables must not be loaded on any vCPU. */
void space_free(struct space *space) {
    if (space->pinned) mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(space->root));
    put_tables(space->root, 4, space->pinned);
    while (space->areas != 0) space->areas = remove(space->areas);
    kfree(space);
}

/* Whether the file is a program that runs: it must not change under its processes. */
int is_running(struct inode *inode) {
    for (struct task *task = tasks; task != 0; task = task->next) {
        struct area *area = task->space == 0 ? 0 : task->space->areas;
        for (; area != 0; area = area->next) if (area->inode == inode && area->prot & PROT_EXEC) return 1;
    }
    return 0;
}

/* ---- The kernel's way to a process's memory: by its own map, page for page ---------------------------- */
static void *reach(struct space *space, u64 address, u32 access) {
    u64 needed = PTE_PRESENT | (access & ACCESS_WRITE ? PTE_WRITE : 0);
    for (int tries = 0; tries < 2 && address < USER_END; tries++) {
        u64 at = address, *entry = next_entry(space, &at, address + 1);
        if (entry != 0 && (*entry & needed) == needed) return page_of(*entry) + address % PAGE_SIZE;
        if (space_fault(space, address, access) != 0) return 0;
    }
    return 0;
}

static long copy_space(struct space *space, u64 address, void *kernel, u64 n, u32 access) {
    for (u64 part; n > 0; address += part, kernel += part, n -= part) {
        void *there = reach(space, address, access);
        part = MIN(n, PAGE_SIZE - address % PAGE_SIZE);
        if (there == 0) return -EFAULT;
        memcpy(access == ACCESS_WRITE ? there : kernel, access == ACCESS_WRITE ? kernel : there, part);
    }
    return 0;
}

long copy_from_space(struct space *space, void *to, u64 from, u64 n) {
    return copy_space(space, from, to, n, ACCESS_READ);
}
long copy_to_space(struct space *space, u64 to, const void *from, u64 n) {
    return copy_space(space, to, (void *)from, n, ACCESS_WRITE);
}
long copy_from_user(void *to, u64 from, u64 n) { return copy_from_space(current->space, to, from, n); }
long copy_to_user(u64 to, const void *from, u64 n) { return copy_to_space(current->space, to, from, n); }

long string_from_user(char *to, u64 from, u64 room) {
    for (u64 length = 0; length < room; length++) {
        if (copy_from_user(&to[length], from + length, 1) != 0) return -EFAULT;
        if (to[length] == '\0') return length;
    }
    return -ENAMETOOLONG;
}

/* memfs.c: files that live in memory. Pages of a file are the very pages that processes map, so a program
 * that runs ten times is in memory once. At the start the initial RAM disk is unpacked into it. */
#include "kernel.h"
/* A directory's data is a list of entries; a file's a list of chunks, in which a null page is a hole. */
struct entry { struct entry *next; struct inode *inode; char name[]; };
#define CHUNK_PAGES 63ul
struct chunk { struct chunk *next; void *pages[CHUNK_PAGES]; };

/* Where the pointer to the index-th page is kept; null: no such chunk, or no memory for it. */
static void **slot_of(struct inode *inode, u64 index, int create) {
    struct chunk **at = (struct chunk **)&inode->data;
    for (;; at = &(*at)->next, index -= CHUNK_PAGES) {
        if (*at == 0 && create) *at = kmalloc(sizeof(struct chunk));
        if (*at == 0) return 0;
        if (index < CHUNK_PAGES) return &(*at)->pages[index];
    }
}

static void *page_at(struct inode *inode, u64 index, int create) {
    void **slot = slot_of(inode, index, create);
    if (slot != 0 && *slot == 0 && create) *slot = page_alloc();
    return slot == 0 ? 0 : *slot;
}

static void *memory_page(struct inode *inode, u64 index, int create) {
    void *page = page_at(inode, index, create);
    if (page != 0) page_get(page);
    return page;
}

static u64 transfer(struct inode *inode, void *bytes, u64 n, u64 offset, int writing) {
    u64 done = 0;
    for (u64 part; done < n; done += part) {
        u64 in_page = (offset + done) % PAGE_SIZE;
        void *page = page_at(inode, (offset + done) / PAGE_SIZE, writing);
        part = MIN(n - done, PAGE_SIZE - in_page);
        if (page == 0 && writing) break;
        if (page == 0) memset(bytes + done, 0, part);
        else memcpy(writing ? page + in_page : bytes + done, writing ? bytes + done : page + in_page, part);
    }
    return done;
}

static long memory_read(struct inode *inode, void *to, u64 n, u64 offset) {
    return offset >= inode->size ? 0 : transfer(inode, to, MIN(n, inode->size - offset), offset, 0);
}

static long memory_write(struct inode *inode, const void *from, u64 n, u64 offset) {
    u64 end = pages_limit * PAGE_SIZE; /* no file is larger than the memory, even with holes */
    if (offset > end || n > end - offset) return -EFBIG;
    u64 done = transfer(inode, (void *)from, n, offset, 1);
    inode->size = MAX(inode->size, offset + done);
    return done == 0 && n > 0 ? -ENOSPC : (long)done;
}

static long memory_truncate(struct inode *inode, u64 size) {
    u64 index = ROUND_UP(size, PAGE_SIZE) / PAGE_SIZE, in_page = size % PAGE_SIZE;
    void *last = in_page == 0 ? 0 : page_at(inode, size / PAGE_SIZE, 0);
    if (size > pages_limit * PAGE_SIZE) return -EFBIG;
    if (last != 0) memset(last + in_page, 0, PAGE_SIZE - in_page);
    for (void **at; (at = slot_of(inode, index, 0)) != 0; *at = 0, index++) if (*at != 0) page_put(*at);
    inode->size = size;
    return 0;
}

static struct entry **find(struct inode *directory, const char *name) {
    struct entry **at = (struct entry **)&directory->data;
    while (*at != 0 && !streq((*at)->name, name)) at = &(*at)->next;
    return at;
}

static long memory_lookup(struct inode *directory, const char *name, struct inode **found) {
    struct entry *entry = *find(directory, name);
    if (entry == 0) return -ENOENT;
    inode_get(*found = entry->inode);
    return 0;
}

static long memory_list(struct inode *directory, u64 position, struct name *name) {
    struct entry *entry = directory->data;
    while (entry != 0 && position-- > 0) entry = entry->next;
    if (entry == 0) return 0;
    name->number = entry->inode->number;
    name->mode = entry->inode->mode;
    copy_string(name->text, entry->name, sizeof(name->text));
    return 1;
}

static long memory_link(struct inode *directory, const char *name, struct inode *inode) {
    struct entry *entry = kmalloc(sizeof(*entry) + strlen(name) + 1);
    if (entry == 0) return -ENOSPC;
    copy_string(entry->name, name, strlen(name) + 1);
    inode_get(entry->inode = inode);
    *find(directory, name) = entry;
    return 0;
}

static long memory_create(struct inode *directory, const char *name, u32 mode, struct inode **made) {
    struct inode *inode = *made = memory_inode(mode);
    long error = inode == 0 ? -ENOSPC : memory_link(directory, name, inode);
    if (error != 0) inode_put(inode), *made = 0;
    return error;
}

static long memory_unlink(struct inode *directory, const char *name, struct inode *inode) {
    struct entry **at = find(directory, name), *entry = *at;
    if (entry == 0) return -ENOENT;
    *at = entry->next;
    kfree(entry);
    inode_put(inode);
    return 0;
}

static void memory_release(struct inode *inode) {
    if (!S_IS(inode->mode, REG) && !S_IS(inode->mode, LNK)) return; /* a directory is empty by now */
    memory_truncate(inode, 0);
    for (struct chunk *chunk = inode->data, *next; chunk != 0; chunk = next) {
        next = chunk->next;
        kfree(chunk);
    }
}

const struct inode_ops memory_ops = {
    .read = memory_read, .write = memory_write, .truncate = memory_truncate, .page = memory_page,
    .lookup = memory_lookup, .list = memory_list, .create = memory_create, .link = memory_link,
    .unlink = memory_unlink, .release = memory_release,
};

struct inode *memory_inode(u32 mode) { return inode_new(mode, &memory_ops); }

/* ---- The initial RAM disk: an archive of cpio's format "newc" ----------------------------------------- */
/* A header is 6 bytes of magic and 13 numbers of 8 hexadecimal digits; the name follows, and the contents. */
enum { MODE = 1, MTIME = 5, FILE_SIZE = 6, NAME_SIZE = 11, HEADER_SIZE = 110 };

static u32 number_in(const char *header, int index) {
    u32 value = 0;
    for (const char *digit = header + 6 + 8 * index, *end = digit + 8; digit < end; digit++) {
        char c = *digit | 0x20; /* lower case; digits stay what they are */
        value = value * 16 + (c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return value;
}

/* Archives may stand one behind the other: later files replace earlier ones. */
static void unpack(const char *header, const char *name, const void *contents) {
    struct inode *inode = streq(name, "TRAILER!!!") ? 0 : path_make(name, number_in(header, MODE));
    u32 size = number_in(header, FILE_SIZE);
    if (inode == 0) return;
    if (size > 0) memory_truncate(inode, 0);
    if (memory_write(inode, contents, size, 0) != (long)size) printk("hearth: no room for %s\n", name);
    inode->modified = number_in(header, MTIME) * NANOS_PER_SECOND;
}

/* Gives the pages that are unpacked back at once, so that large files are not in memory twice. */
void initrd_unpack(void) {
    u64 at = start_info->mod_start, end = at + start_info->mod_len, freed = at;
    while (at != 0 && at + HEADER_SIZE < end) {
        const char *header = (const char *)at, *name = header + HEADER_SIZE;
        if (!same_bytes(header, "070701", 6)) {
            at += 4; /* between two archives */
            continue;
        }
        u64 contents = ROUND_UP((u64)name + number_in(header, NAME_SIZE), 4);
        unpack(header, name, (void *)contents);
        at = ROUND_UP(contents + number_in(header, FILE_SIZE), 4);
        pages_free_range(freed, ROUND_DOWN(at, PAGE_SIZE));
        freed = ROUND_DOWN(at, PAGE_SIZE);
    }
    pages_free_range(freed, ROUND_UP(end, PAGE_SIZE));
}

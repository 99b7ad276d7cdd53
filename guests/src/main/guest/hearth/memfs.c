/*
 * memfs.c: files that live in memory. Pages of a file are the very pages that processes map, so a program that
 * runs ten times is in memory once. At the start the initial RAM disk is unpacked into it.
 */
#include "kernel.h"

/* A directory's data: a list of these. */
struct entry { struct entry *next; struct inode *inode; char name[]; };

/* A file's data: a list of these, in order. A null page is a hole. */
#define CHUNK_PAGES 63ul
struct chunk { struct chunk *next; void *pages[CHUNK_PAGES]; };

/* ---- Files and symbolic links ------------------------------------------------------------------------- */
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

static long memory_read(struct inode *inode, void *to, u64 n, u64 offset) {
    if (offset >= inode->size) return 0;
    n = MIN(n, inode->size - offset);
    for (u64 done = 0, part; done < n; done += part) {
        u64 in_page = (offset + done) % PAGE_SIZE;
        const void *page = page_at(inode, (offset + done) / PAGE_SIZE, 0);
        part = MIN(n - done, PAGE_SIZE - in_page);
        if (page == 0) memset(to + done, 0, part);
        else memcpy(to + done, page + in_page, part);
    }
    return n;
}

static long memory_write(struct inode *inode, const void *from, u64 n, u64 offset) {
    u64 done = 0, end = pages_limit * PAGE_SIZE; /* no file is larger than the memory, even with holes */
    if (offset > end || n > end - offset) return -EFBIG;
    for (u64 part; done < n; done += part) {
        u64 in_page = (offset + done) % PAGE_SIZE;
        void *page = page_at(inode, (offset + done) / PAGE_SIZE, 1);
        if (page == 0) break;
        part = MIN(n - done, PAGE_SIZE - in_page);
        memcpy(page + in_page, from + done, part);
    }
    inode->size = MAX(inode->size, offset + done);
    return done == 0 && n > 0 ? -ENOSPC : (long)done;
}

static long memory_truncate(struct inode *inode, u64 size) {
    u64 index = ROUND_UP(size, PAGE_SIZE) / PAGE_SIZE;
    void *last = size % PAGE_SIZE == 0 ? 0 : page_at(inode, size / PAGE_SIZE, 0);
    if (size > pages_limit * PAGE_SIZE) return -EFBIG;
    if (last != 0) memset(last + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    for (void **slot; (slot = slot_of(inode, index, 0)) != 0; index++) {
        if (*slot != 0) page_put(*slot);
        *slot = 0;
    }
    inode->size = size;
    return 0;
}

/* ---- Directories -------------------------------------------------------------------------------------- */
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
    directory->modified = wall_clock();
    return 0;
}

static long memory_create(struct inode *directory, const char *name, u32 mode, struct inode **made) {
    struct inode *inode = memory_inode(mode);
    long error = inode == 0 ? -ENOSPC : memory_link(directory, name, inode);
    if (error != 0) return inode_put(inode), error;
    *made = inode;
    return 0;
}

static long memory_unlink(struct inode *directory, const char *name, struct inode *inode) {
    struct entry **at = find(directory, name), *entry = *at;
    if (entry == 0) return -ENOENT;
    *at = entry->next;
    kfree(entry);
    inode_put(inode);
    directory->modified = wall_clock();
    return 0;
}

static void memory_release(struct inode *inode) {
    if (S_IS(inode->mode, DIR)) return; /* it is empty by now */
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
struct cpio_header { /* 13 numbers of 8 hexadecimal digits */
    char magic[6], ino[8], mode[8], uid[8], gid[8], nlink[8], mtime[8], filesize[8], devmajor[8], devminor[8],
         rdevmajor[8], rdevminor[8], namesize[8], check[8];
};

static u32 hexadecimal(const char *digits) {
    u32 value = 0;
    for (int i = 0; i < 8; i++) {
        char c = digits[i] | 0x20; /* lower case; digits stay what they are */
        value = value * 16 + (c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return value;
}

/* Archives may stand one behind the other: later files replace earlier ones. */
static void unpack(const struct cpio_header *header, const char *name, const void *contents) {
    u32 mode = hexadecimal(header->mode), size = hexadecimal(header->filesize);
    struct place place;
    if (streq(name, "TRAILER!!!") || path_walk(name, &place) != 0) return;
    if (place.inode == 0) place_make(&place, mode);
    if (place.inode == 0 || (size > 0 && memory_truncate(place.inode, 0) == 0
                             && memory_write(place.inode, contents, size, 0) != (long)size)) {
        printk("hearth: initrd: no room for %s\n", name);
    }
    if (place.inode != 0) place.inode->modified = hexadecimal(header->mtime) * NANOS_PER_SECOND;
    place_put(&place);
}

/* Gives the pages that are unpacked back at once, so that large files are not in memory twice. */
void initrd_unpack(void) {
    u64 at = start_info->mod_start, end = at + start_info->mod_len, freed = at;
    while (at != 0 && at + sizeof(struct cpio_header) < end) {
        const struct cpio_header *header = (void *)at;
        if (*(u32 *)at == 0) { /* between two archives */
            at += 4;
            continue;
        }
        if (!same_bytes(header->magic, "070701", 6)) break;
        const char *name = (const char *)(header + 1);
        u64 contents = ROUND_UP((u64)name + hexadecimal(header->namesize), 4);
        unpack(header, name, (void *)contents);
        at = ROUND_UP(contents + hexadecimal(header->filesize), 4);
        pages_free_range(freed, ROUND_DOWN(at, PAGE_SIZE));
        freed = ROUND_DOWN(at, PAGE_SIZE);
    }
    pages_free_range(freed, ROUND_UP(end, PAGE_SIZE));
}

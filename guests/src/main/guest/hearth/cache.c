/* cache.c: pages of disks that were used lately. Programs read and write what bytes they like, disks only
 * whole sectors; and what is read once is mostly read again. What was changed waits here until its page is
 * needed for something else, or until somebody asks for sync. */
#include "device.h"
#define PAGES   64
#define SECTORS (PAGE_SIZE / SECTOR_SIZE)

static struct cached {
    struct disk *disk; /* null: holds nothing */
    u64 index;         /* in pages of the disk */
    u8 *bytes;
    u64 used;          /* when last */
    int dirty;
} cached[PAGES];

static long transfer(struct cached *page, int writes) {
    u64 first = page->index * SECTORS;
    u32 count = MIN(SECTORS, page->disk->sectors - first);
    long error = disk_transfer(page->disk, writes, page->bytes, first, count);
    if (error == 0) page->dirty = 0;
    return error;
}

/* The page, wherever it is or was; the one unused for longest gives way. */
void *cache_at(struct disk *disk, u64 offset, int writes) {
    static u64 uses;
    u64 index = offset / PAGE_SIZE;
    struct cached *found = cached;
    if (offset / SECTOR_SIZE >= disk->sectors || (writes && disk->readonly)) return 0;
    for (struct cached *page = cached; page < cached + PAGES; page++) {
        if (page->disk == disk && page->index == index) found = page;
        if (found->disk == disk && found->index == index) break;
        if (page->used < found->used) found = page;
    }
    if (found->disk != disk || found->index != index) {
        if (found->dirty && transfer(found, 1) != 0) return 0;
        if (found->bytes == 0 && (found->bytes = page_alloc()) == 0) return 0;
        found->disk = disk, found->index = index;
        if (transfer(found, 0) != 0) return found->disk = 0, (void *)0;
    }
    found->used = ++uses;
    found->dirty |= writes;
    return found->bytes + offset % PAGE_SIZE;
}

long cache_sync(struct disk *disk) {
    for (struct cached *page = cached; page < cached + PAGES; page++) {
        long error = page->disk == disk && page->dirty ? transfer(page, 1) : 0;
        if (error != 0) return error;
    }
    return disk_flush(disk);
}

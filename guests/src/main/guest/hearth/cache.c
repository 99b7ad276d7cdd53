/*
 * cache.c: pages of disks that were used lately. Programs read and write what bytes they like, disks
 * only whole sectors; and what is read once is mostly read again. Writes wait here until their page
 * is needed for something else, or until somebody asks for sync.
 */
#include "cache.h"

#define PAGES 64

static struct cached {
    struct disk *disk; /* null: holds nothing */
    u64 index;         /* in pages of the disk */
    u8 *bytes;
    u64 used;          /* when last */
    int dirty;
} cached[PAGES];
static u64 uses;
static struct mutex cache_lock; /* whoever reads or writes the disk sleeps meanwhile */

static u32 sectors_in(const struct cached *page) {
    u64 first = page->index * (PAGE_SIZE / SECTOR_SIZE);
    return MIN(PAGE_SIZE / SECTOR_SIZE, page->disk->sectors - first);
}

static long write_back(struct cached *page) {
    long error = disk_write(page->disk, page->bytes, page->index * (PAGE_SIZE / SECTOR_SIZE),
                            sectors_in(page));
    if (error == 0) page->dirty = 0;
    return error;
}

/* The page, wherever it is or was; the one unused for longest gives way. */
static long find(struct disk *disk, u64 index, struct cached **found) {
    struct cached *victim = cached;
    long error = 0;
    for (struct cached *page = cached; page < cached + PAGES; page++) {
        if (page->disk == disk && page->index == index) {
            page->used = ++uses;
            *found = page;
            return 0;
        }
        if (page->used < victim->used) victim = page;
    }
    if (victim->dirty) error = write_back(victim);
    if (error == 0 && victim->bytes == 0 && (victim->bytes = page_alloc()) == 0) error = -ENOMEM;
    if (error != 0) return error;
    *victim = (struct cached){.disk = disk, .index = index, .bytes = victim->bytes, .used = ++uses};
    error = disk_read(disk, victim->bytes, index * (PAGE_SIZE / SECTOR_SIZE), sectors_in(victim));
    if (error != 0) victim->disk = 0;
    *found = victim;
    return error;
}

static long for_each_page(struct disk *disk, u8 *memory, u64 n, u64 offset, int writes) {
    u64 done = 0;
    long error = 0;
    mutex_lock(&cache_lock);
    while (error == 0 && done < n) {
        u64 at = (offset + done) % PAGE_SIZE, part = MIN(n - done, PAGE_SIZE - at);
        struct cached *page;
        if ((error = find(disk, (offset + done) / PAGE_SIZE, &page)) != 0) break;
        if (writes) memcpy(page->bytes + at, memory + done, part);
        else memcpy(memory + done, page->bytes + at, part);
        page->dirty |= writes;
        done += part;
    }
    mutex_unlock(&cache_lock);
    return error;
}

long cache_read(struct disk *disk, void *to, u64 n, u64 offset) {
    return for_each_page(disk, to, n, offset, 0);
}

long cache_write(struct disk *disk, const void *from, u64 n, u64 offset) {
    return disk->readonly ? -EROFS : for_each_page(disk, (u8 *)from, n, offset, 1);
}

long cache_sync(struct disk *disk) {
    long error = 0;
    mutex_lock(&cache_lock);
    for (struct cached *page = cached; page < cached + PAGES && error == 0; page++) {
        if (page->disk == disk && page->dirty) error = write_back(page);
    }
    mutex_unlock(&cache_lock);
    return error != 0 ? error : disk_flush(disk);
}

/* ---- The disk as a file ---------------------------------------------------------------------- */

static u64 size_of(const struct disk *disk) {
    return disk->sectors * SECTOR_SIZE;
}

static long disk_file_read(struct file *file, void *to, u64 n) {
    struct disk *disk = file->data;
    if (file->position >= size_of(disk)) return 0;
    n = MIN(n, size_of(disk) - file->position);
    long error = cache_read(disk, to, n, file->position);
    if (error != 0) return error;
    file->position += n;
    return n;
}

static long disk_file_write(struct file *file, const void *from, u64 n) {
    struct disk *disk = file->data;
    if (file->position >= size_of(disk)) return n == 0 ? 0 : -ENOSPC;
    n = MIN(n, size_of(disk) - file->position);
    long error = cache_write(disk, from, n, file->position);
    if (error != 0) return error;
    file->position += n;
    return n;
}

enum { BLKGETSIZE = 0x1260, BLKFLSBUF = 0x1261, BLKSSZGET = 0x1268, BLKGETSIZE64 = 0x80081272 };

static long disk_file_ioctl(struct file *file, u32 request, u64 argument) {
    struct disk *disk = file->data;
    u64 answer = request == BLKGETSIZE64 ? size_of(disk) : disk->sectors;
    u32 sector_size = SECTOR_SIZE;
    if (request == BLKFLSBUF) return cache_sync(disk);
    if (request == BLKSSZGET) return copy_to_user(argument, &sector_size, sizeof(sector_size));
    if (request != BLKGETSIZE && request != BLKGETSIZE64) return -ENOTTY;
    return copy_to_user(argument, &answer, sizeof(answer));
}

static void disk_file_close(struct file *file) {
    cache_sync(file->data);
}

const struct file_ops disk_file_ops = {
    .read = disk_file_read, .write = disk_file_write, .ioctl = disk_file_ioctl,
    .close = disk_file_close,
};

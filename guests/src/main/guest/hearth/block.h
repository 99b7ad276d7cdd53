/*
 * block.h: disks, and the cache of their pages through which everybody reads and writes them.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "kernel.h"

#define SECTOR_SIZE 512

struct disk {
    char name[8];  /* xvda: also its name in /dev */
    u64 sectors;   /* of SECTOR_SIZE */
    int readonly;
    struct front *front;
};

void disks_init(void);      /* blkfront.c: finds the disks, makes their files in /dev */
void disk_files_init(void); /* ext2.c: offers itself to mount() */
struct disk *disk_by_path(const char *path); /* "/dev/xvda", or null */
/* Whole sectors between a disk and a page of the kernel's. Does not sleep: nobody else runs in the kernel
 * while a file system is being changed, so nothing here needs a lock. */
long disk_transfer(struct disk *disk, int writes, void *page, u64 sector, u32 count);
long disk_flush(struct disk *disk); /* what was written before is on the medium */

/* The bytes of the disk from the offset to the end of their page. They stay where they are until some sixty
 * other pages have been asked for. `writes`: they are about to be changed. Null: not possible. */
void *cache_at(struct disk *disk, u64 offset, int writes);
long cache_sync(struct disk *disk); /* what was changed is on the medium */

#endif

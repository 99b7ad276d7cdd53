/*
 * block.h: the door to disks. Implemented by the block front-end; the file system on a disk offers
 * itself to mount() by mount_type_register (vfs.h) and reads and writes sectors here.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "kernel.h"

#define SECTOR_SIZE 512

struct disk {
    struct disk *next;
    char name[16];      /* xvda: also its name in /dev */
    u64 sectors;        /* of SECTOR_SIZE */
    int readonly;
    void *data;         /* the front-end's own */
};
extern struct disk *disks;

void disks_init(void); /* from the first kernel thread: finds device/vbd, registers /dev files */
struct disk *disk_by_path(const char *path); /* "/dev/xvda", or null */
/* Whole sectors between a disk and a page of the kernel's (not crossing its end). Sleep. */
long disk_read(struct disk *disk, void *to, u64 sector, u32 count);
long disk_write(struct disk *disk, const void *from, u64 sector, u32 count);
long disk_flush(struct disk *disk);
void disk_files_init(void); /* registers the file system's type with mount() */

#endif

/*
 * cache.h: any bytes of a disk, at any place, through a cache of its pages.
 */
#ifndef CACHE_H
#define CACHE_H

#include "block.h"

long cache_read(struct disk *disk, void *to, u64 n, u64 offset);
long cache_write(struct disk *disk, const void *from, u64 n, u64 offset);
long cache_sync(struct disk *disk); /* all that was written is then on the medium */
extern const struct file_ops disk_file_ops; /* of /dev/xvda */

#endif

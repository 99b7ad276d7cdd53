/* device.h: split drivers. Ours is the front half; the back half is in another domain, and between them are
 * pages of memory that both see, an event channel, and xenstore to agree on those. */
#ifndef DEVICE_H
#define DEVICE_H
#include "kernel.h"
#include "io.h"
long grant_give(u16 domain, void *page, int readonly); /* reference, -ENOSPC */
int grant_take_back(u32 reference); /* 0: the other side still has it mapped */

/* A node is named by a directory and a key in it. Directories without a slash in front begin at this domain's
 * own node. Reading returns the length of what there is, and puts a 0 behind it. */
long xenstore_read(const char *directory, const char *key, char *value, u64 room);
u64 xenstore_number(const char *directory, const char *key, u64 otherwise);
void xenstore_write(const char *directory, const char *key, const char *value);
void xenstore_write_number(const char *directory, const char *key, u64 number);
void xenstore_watch(const char *directory, const char *key);
void balloon_adjust(void); /* called when a node that we watch may have changed; may not sleep */

struct xenbus_device {
    char path[64], backend[96]; /* our node, as "device/vif/0", and the other side's */
    u32 backend_domain, port;
};

/* Finds the backend and waits until it is ready. */
long xenbus_open(struct xenbus_device *device, const char *type, u32 number);
/* Lends the backend a zeroed page for a ring and tells it which under the key; null: cannot. */
void *xenbus_ring(struct xenbus_device *device, const char *key);
/* Offers an event channel, says that we are that far, and waits until the backend is connected. */
long xenbus_connect(struct xenbus_device *device, enum xenbus_state state, void (*handler)(void *));

/* Disks, and the cache of their pages through which everybody reads and writes them. */
#define SECTOR_SIZE 512
struct disk {
    char name[8]; /* xvda: also its name in /dev */
    u64 sectors;  /* of SECTOR_SIZE */
    int readonly;
    struct front *front;
};
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

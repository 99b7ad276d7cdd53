/* blkfront.c: the front half of a disk. A request names sectors and a granted page; we wait for the response,
 * and nobody else runs in the kernel meanwhile: simple, and slow. Layouts are those of
 * xen/include/public/io/blkif.h. */
#include "device.h"
#define DISKS_MAX 4
#define FIRST     (202 << 8) /* number of the first disk; as in Linux, each next one is sixteen higher */

static struct front {
    struct xenbus_device device;
    struct disk disk;
    struct blkif_ring *ring;
    u32 req_prod;
} fronts[DISKS_MAX];

static long perform(struct front *front, u8 operation, u64 sector, u32 count, u32 reference) {
    u32 slot = front->req_prod++ % BLKIF_SLOTS;
    front->ring->slot[slot].request = (struct blkif_request){
        .operation = operation, .segments = count > 0, .sector = sector,
        .segment[0] = {.gref = reference, .last_sector = count - 1}};
    if (ring_push(&front->ring->indices, front->req_prod)) event_notify(front->device.port);
    while (SHARED(front->ring->indices.rsp_prod) != front->req_prod) HYPERCALL(sched_op, SCHEDOP_yield, 0);
    compiler_barrier();
    return front->ring->slot[slot].response.status == 0 ? 0 : -EIO;
}

long disk_transfer(struct disk *disk, int writes, void *page, u64 sector, u32 count) {
    struct front *front = disk->front;
    long reference = grant_give(front->device.backend_domain, page, writes);
    if (reference < 0) return -EIO;
    long error = perform(front, writes ? BLKIF_OP_WRITE : BLKIF_OP_READ, sector, count, reference);
    return grant_take_back(reference) ? error : -EIO;
}

long disk_flush(struct disk *disk) {
    return disk->readonly ? 0 : perform(disk->front, BLKIF_OP_FLUSH, 0, 0, 0);
}

static long copy(struct file *file, u8 *memory, u64 n, int writes) {
    struct disk *disk = file->data;
    u64 done = 0, end = disk->sectors * SECTOR_SIZE, part;
    for (; done < n && file->position < end; done += part, file->position += part) {
        u8 *bytes = cache_at(disk, file->position, writes);
        if (bytes == 0) break;
        part = MIN(MIN(n - done, end - file->position), PAGE_SIZE - file->position % PAGE_SIZE);
        memcpy(writes ? bytes : memory + done, writes ? memory + done : bytes, part);
    }
    return done > 0 || n == 0 ? (long)done : file->position < end ? -EIO : writes ? -ENOSPC : 0;
}

static long disk_read(struct file *file, void *to, u64 n) { return copy(file, to, n, 0); }
static long disk_write(struct file *file, const void *from, u64 n) { return copy(file, (u8 *)from, n, 1); }
static void disk_close(struct file *file) { cache_sync(file->data); }

static long connect(struct front *front, u32 number) {
    struct xenbus_device *device = &front->device;
    long error = xenbus_open(device, "vbd", number);
    if (error != 0) return error;
    if ((front->ring = xenbus_ring(device, "ring-ref")) == 0) return -ENOMEM;
    xenstore_write(device->path, "protocol", "x86_64-abi");
    if ((error = xenbus_connect(device, XENBUS_INITIALISED, 0)) != 0) return error;
    front->disk.front = front;
    front->disk.sectors = xenstore_number(device->backend, "sectors", 0);
    front->disk.readonly = (xenstore_number(device->backend, "info", 0) & VDISK_READONLY) != 0;
    xenstore_write_number(device->path, "state", XENBUS_CONNECTED);
    return 0;
}

/* Makes /dev/xvda and so on, and tells how long they are: programs seek to the end to learn that. */
void disks_init(void) {
    static const struct file_ops ops = {.read = disk_read, .write = disk_write, .close = disk_close};
    for (u32 i = 0; i < DISKS_MAX; i++) {
        struct disk *disk = &fronts[i].disk;
        u32 number = FIRST + i * 16;
        print_to(disk->name, sizeof(disk->name), "xvd%c", 'a' + i);
        long error = connect(&fronts[i], number);
        if (error != 0) continue;
        printk("hearth: disk %s, %lu KiB\n", disk->name, disk->sectors / 2);
        struct inode *inode = device_register(disk->name, S_IFBLK | 0600, number, &ops, disk);
        if (inode != 0) inode->size = disk->sectors * SECTOR_SIZE;
    }
}

struct disk *disk_by_path(const char *path) {
    const char *name = skip_prefix(path, "/dev/");
    for (struct front *front = fronts; name != 0 && front < fronts + DISKS_MAX; front++) {
        if (front->disk.sectors > 0 && streq(front->disk.name, name)) return &front->disk;
    }
    return 0;
}

/*
 * blkfront.c: the front half of a disk. A request names sectors and a granted page; the task that
 * asks sleeps until the response comes. Several may ask at a time.
 */
#include "cache.h"
#include "device.h"

#define DISKS_MAX 4
#define MAJOR_XVD 202

struct disk *disks;

static struct front {
    struct disk disk;
    struct xenbus_device device;
    struct blkif_ring *ring;
    u32 port, req_prod, rsp_cons, number; /* of the device, for /dev */
    u32 busy; /* a bit for each request under way; its number is its place here */
    short status[BLKIF_SLOTS];
} fronts[DISKS_MAX];

/* ---- Requests -------------------------------------------------------------------------------- */

static void disk_event(void *argument) {
    struct front *front = argument;
    while (ring_has_response(&front->ring->indices, front->rsp_cons)) {
        struct blkif_response response = front->ring->slot[front->rsp_cons++ % BLKIF_SLOTS].response;
        if (response.id >= BLKIF_SLOTS) continue; /* a backend may be wrong */
        front->status[response.id] = response.status;
        front->busy &= ~(1u << response.id);
    }
    wakeup(front);
}

/* Sends a request and sleeps until it is answered. */
static long perform(struct front *front, struct blkif_request *request) {
    while (front->busy == ~0u) sleep(front);
    u32 id = __builtin_ctz(~front->busy);
    front->busy |= 1u << id;
    request->id = id;
    front->ring->slot[front->req_prod++ % BLKIF_SLOTS].request = *request;
    if (ring_push(&front->ring->indices, front->req_prod)) event_notify(front->port);
    while (front->busy >> id & 1) sleep(front);
    return front->status[id] == 0 ? 0 : -EIO;
}

static long transfer(struct disk *disk, u8 operation, void *at, u64 sector, u32 count) {
    struct front *front = disk->data;
    u32 first = (u64)at % PAGE_SIZE / SECTOR_SIZE;
    if (sector > disk->sectors || count > disk->sectors - sector) return -EIO;
    long reference = grant_give(front->device.backend_domain,
                                (void *)ROUND_DOWN((u64)at, PAGE_SIZE), operation == BLKIF_OP_WRITE);
    if (reference < 0) return -EIO;
    struct blkif_request request = {
        .operation = operation, .nr_segments = 1, .handle = front->number, .sector_number = sector,
        .seg[0] = {.gref = reference, .first_sect = first, .last_sect = first + count - 1}};
    long error = perform(front, &request);
    return grant_take_back(reference) ? error : -EIO;
}

long disk_read(struct disk *disk, void *to, u64 sector, u32 count) {
    return transfer(disk, BLKIF_OP_READ, to, sector, count);
}

long disk_write(struct disk *disk, const void *from, u64 sector, u32 count) {
    return disk->readonly ? -EROFS : transfer(disk, BLKIF_OP_WRITE, (void *)from, sector, count);
}

/* What was written before is on the medium when this returns. */
long disk_flush(struct disk *disk) {
    struct blkif_request request = {.operation = BLKIF_OP_FLUSH};
    return disk->readonly ? 0 : perform(disk->data, &request);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static long connect(struct front *front, const char *path) {
    long error = xenbus_open(&front->device, path), port;
    if (error == 0) error = xenbus_await(&front->device, XENBUS_INIT_WAIT);
    if (error != 0) return error;
    front->ring = xenbus_ring(&front->device, "ring-ref");
    port = event_alloc(front->device.backend_domain, disk_event, front);
    if (front->ring == 0 || port < 0) return -ENOMEM;
    front->port = port;
    xenbus_write_number(&front->device, "event-channel", port);
    xenbus_write(&front->device, "protocol", "x86_64-abi");
    xenbus_write_number(&front->device, "state", XENBUS_INITIALISED);
    if ((error = xenbus_await(&front->device, XENBUS_CONNECTED)) != 0) return error;
    front->disk.sectors = xenbus_offer(&front->device, "sectors");
    front->disk.readonly = (xenbus_offer(&front->device, "info") & VDISK_READONLY) != 0;
    xenbus_write_number(&front->device, "state", XENBUS_CONNECTED);
    return 0;
}

/* Xen's tools number disks as Linux does: major 202, sixteen minors for each disk. */
static void name_disk(struct front *front, u64 number) {
    struct text text = {.bytes = front->disk.name, .room = sizeof(front->disk.name) - 1};
    front->number = number;
    text_add(&text, "xvd%c", number >> 8 == MAJOR_XVD ? (int)('a' + number % 256 / 16) : '?');
    front->disk.name[text.length] = '\0';
}

/* Makes /dev/xvda, and tells how long it is: programs seek to the end to learn that. */
static void make_file(struct disk *disk, u32 number) {
    struct inode *inode = device_register(disk->name, S_IFBLK | 0600, number, &disk_file_ops, disk);
    if (inode != 0) inode->size = disk->sectors * SECTOR_SIZE;
}

static void add_disk(struct front *front, const char *number) {
    char path[64];
    struct text text = {.bytes = path, .room = sizeof(path) - 1};
    text_add(&text, "device/vbd/%s", number);
    path[text.length] = '\0';
    name_disk(front, parse_number(number, 0));
    long error = connect(front, path);
    if (error != 0) {
        printk("hearth: disk %s is of no use: error %ld\n", front->disk.name, error);
        return;
    }
    front->disk.data = front;
    struct disk **at = &disks;
    while (*at != 0) at = &(*at)->next;
    *at = &front->disk;
    printk("hearth: disk %s, %lu KiB%s\n", front->disk.name, front->disk.sectors / 2,
           front->disk.readonly ? ", read-only" : "");
    make_file(&front->disk, front->number);
}

void disks_init(void) {
    char numbers[128];
    long length = xenstore_directory("device/vbd", numbers, sizeof(numbers));
    u32 count = 0;
    for (const char *number = numbers; number < numbers + length && count < DISKS_MAX;
         number += strlen(number) + 1) {
        add_disk(&fronts[count++], number);
    }
}

struct disk *disk_by_path(const char *path) {
    const char *name = skip_prefix(path, "/dev/");
    for (struct disk *disk = disks; disk != 0 && name != 0; disk = disk->next) {
        if (streq(disk->name, name)) return disk;
    }
    return 0;
}

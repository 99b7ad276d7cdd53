/*
 * disk.c: hearth's ext2 over a file, beside a model of what must be in it.
 *
 *      disk work IMAGE SEED      does a thousand things to the file system, compares it with the
 *                                model, unmounts, mounts and compares again; e2fsck has the last word
 *      disk ruin IMAGE SEED      does things to a file system in which bytes are wrong: anything may
 *                                fail, but nothing may crash or go on for ever
 */
#include "../../../main/guest/hearth/device.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES    24
#define SIZE_MAX (700 << 10)

static int image;
static struct disk the_disk = {.name = "xvda"};
static u64 accesses;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}
#define CHECK(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

static u64 dice_state;
static u64 dice(void) {
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return dice_state * 0x2545f4914f6cdd1d >> 11;
}

/* ---- What the file system asks its kernel for ------------------------------------------------ */

void *kmalloc(u64 bytes) { return calloc(1, bytes); }
void kfree(void *memory) { free(memory); }
u64 wall_clock(void) { return 1700000000ul * NANOS_PER_SECOND; }
void printk(const char *format, ...) { (void)format; }
struct disk *disk_by_path(const char *path) { return streq(path, "/dev/xvda") ? &the_disk : 0; }
void copy_string(char *to, const char *from, u64 room) { snprintf(to, room, "%s", from); }
void event_notify(u32 port) { (void)port; }
void *page_alloc(void) { return calloc(1, PAGE_SIZE); }
int same_bytes(const void *a, const void *b, u64 n) { return memcmp(a, b, n) == 0; }
long disk_flush(struct disk *disk) { (void)disk; return 0; }

long disk_transfer(struct disk *disk, int writes, void *page, u64 sector, u32 count) {
    u64 n = count * SECTOR_SIZE, offset = sector * SECTOR_SIZE;
    accesses++;
    CHECK(sector < disk->sectors && count <= disk->sectors - sector, "sector %lu", sector);
    CHECK(n > 0 && n <= PAGE_SIZE, "%lu bytes at a time", n);
    long done = writes ? pwrite(image, page, n, offset) : pread(image, page, n, offset);
    return done == (long)n ? 0 : -EIO;
}

struct inode *inode_new(u32 mode, const struct inode_ops *ops) {
    struct inode *inode = kmalloc(sizeof(*inode));
    *inode = (struct inode){.users = 1, .mode = mode, .links = 1, .ops = ops};
    return inode;
}

void inode_get(struct inode *inode) { inode->users++; }

static void put(struct inode *inode) {
    if (--inode->users > 0) return;
    inode->ops->release(inode);
    kfree(inode);
}

void inode_put(struct inode *inode) { put(inode); }

/* ---- The model: files and directories, each directory of the root with its own --------------- */

static struct file_model {
    int exists, is_directory, in; /* in: number of the directory, -1: the root */
    char name[64];
    u8 *bytes;
    u64 size;
} files[FILES];

static struct mount mount;

static void open_it(void) {
    mount = (struct mount){.type = "ext2"};
    long error = ext2_open(&mount, "/dev/xvda");
    CHECK(error == 0, "mount: %ld", error);
}

static void close_it(void) {
    CHECK(ext2_sync(&mount) == 0, "sync");
    CHECK(mount.root->users == 1, "the root has %u users", mount.root->users);
    ext2_unmounted(&mount);
    put(mount.root);
}

static struct inode *directory_of(struct file_model *file) {
    struct inode *found;
    if (file->in < 0) {
        inode_get(mount.root);
        return mount.root;
    }
    long error = mount.root->ops->lookup(mount.root, files[file->in].name, &found);
    CHECK(error == 0, "lookup of %s: %ld", files[file->in].name, error);
    return found;
}

static struct inode *inode_of(struct file_model *file) {
    struct inode *directory = directory_of(file), *found;
    long error = directory->ops->lookup(directory, file->name, &found);
    CHECK(error == 0, "lookup of %s: %ld", file->name, error);
    put(directory);
    return found;
}

static int children(int directory) {
    int count = 0;
    for (int i = 0; i < FILES; i++) count += files[i].exists && files[i].in == directory;
    return count;
}

static void compare(void) {
    static u8 bytes[SIZE_MAX];
    for (int i = 0; i < FILES; i++) {
        struct file_model *file = &files[i];
        if (!file->exists) continue;
        struct inode *inode = inode_of(file);
        if (!file->is_directory) {
            CHECK(inode->size == file->size, "%s has %lu bytes, not %lu", file->name, inode->size,
                  file->size);
            long n = inode->ops->read(inode, bytes, SIZE_MAX, 0);
            CHECK(n == (long)file->size, "read of %s: %ld", file->name, n);
            CHECK(memcmp(bytes, file->bytes, n) == 0, "%s has other bytes", file->name);
        } else {
            struct name name;
            int count = 0;
            while (inode->ops->list(inode, count, &name) == 1) count++;
            CHECK(count == children(i), "%s has %d names, not %d", file->name, count, children(i));
        }
        put(inode);
    }
}

static int random_directory(int but) {
    int i = dice() % FILES;
    return files[i].exists && files[i].is_directory && files[i].in < 0 && i != but ? i : -1;
}

static void random_name(char *name) {
    static u32 turn;
    sprintf(name, "%u-", turn++);
    for (u64 n = dice() % 40; n > 0; n--) strcat(name, "x");
}

static void create(struct file_model *file) {
    struct inode *made, *directory;
    int is_directory = dice() % 4 == 0;
    *file = (struct file_model){.exists = 1, .is_directory = is_directory, .bytes = file->bytes,
                                .in = is_directory ? -1 : random_directory(-1)};
    random_name(file->name);
    if (file->bytes == 0) file->bytes = malloc(SIZE_MAX);
    directory = directory_of(file);
    long error = directory->ops->create(directory, file->name,
                                        (is_directory ? S_IFDIR : S_IFREG) | 0755, &made);
    CHECK(error == 0, "create: %ld", error);
    put(directory);
    put(made);
}

static void write_some(struct file_model *file) {
    static u8 data[40000];
    u64 offset = dice() % 3 == 0 ? dice() % (SIZE_MAX - sizeof(data)) : file->size;
    u64 n = 1 + dice() % sizeof(data);
    if (offset + n > SIZE_MAX) return;
    for (u64 i = 0; i < n; i++) data[i] = dice();
    struct inode *inode = inode_of(file);
    long written = inode->ops->write(inode, data, n, offset);
    CHECK(written == (long)n, "write: %ld", written);
    if (offset > file->size) memset(file->bytes + file->size, 0, offset - file->size);
    memcpy(file->bytes + offset, data, n);
    if (offset + n > file->size) file->size = offset + n;
    put(inode);
}

static void cut(struct file_model *file) {
    u64 size = dice() % 2 == 0 ? 0 : file->size + dice() % 5000;
    struct inode *inode = inode_of(file);
    if (size > SIZE_MAX) size = SIZE_MAX;
    CHECK(inode->ops->truncate(inode, size) == 0, "truncate");
    if (size > file->size) memset(file->bytes + file->size, 0, size - file->size);
    file->size = size;
    put(inode);
}

static void rename_it(struct file_model *file) {
    char name[64], old[64];
    struct inode *inode = inode_of(file), *from = directory_of(file), *to;
    strcpy(old, file->name);
    random_name(name);
    if (!file->is_directory) file->in = random_directory(-1);
    to = directory_of(file);
    long error = to->ops->link(to, name, inode);
    if (file->is_directory) {
        CHECK(error == -EXDEV, "a directory has two names: %ld", error);
    } else {
        CHECK(error == 0, "link: %ld", error);
        CHECK(from->ops->unlink(from, old, inode) == 0, "unlink of the old name");
        strcpy(file->name, name);
    }
    put(to), put(from), put(inode);
}

static void remove_it(int i) {
    struct file_model *file = &files[i];
    struct inode *inode = inode_of(file), *directory = directory_of(file);
    long error = directory->ops->unlink(directory, file->name, inode);
    if (file->is_directory && children(i) > 0) {
        CHECK(error == -ENOTEMPTY, "a full directory is removed: %ld", error);
    } else {
        CHECK(error == 0, "unlink: %ld", error);
        file->exists = 0;
    }
    put(directory), put(inode);
}

static void act(void) {
    int i = dice() % FILES;
    struct file_model *file = &files[i];
    u64 what = dice() % 10;
    if (!file->exists) create(file);
    else if (what == 0) remove_it(i);
    else if (what == 1) rename_it(file);
    else if (file->is_directory) return;
    else if (what == 2) cut(file);
    else write_some(file);
}

static void work(void) {
    open_it();
    for (int i = 0; i < 1000; i++) act();
    compare();
    close_it();
    open_it();
    compare();
    close_it();
}

/* ---- A ruined file system -------------------------------------------------------------------- */

/* Whatever happens, it ends, and nothing is read or written that is not on the disk. */
static void visit(struct inode *directory, int depth) {
    struct name name;
    static u8 bytes[10000];
    for (u64 i = 0; i < 30 && directory->ops->list(directory, i, &name) == 1; i++) {
        struct inode *inode;
        if (directory->ops->lookup(directory, name.text, &inode) != 0) continue;
        inode->ops->read(inode, bytes, sizeof(bytes), dice() % (inode->size + 1));
        if (S_IS(inode->mode, DIR) && depth < 4) visit(inode, depth + 1);
        if (dice() % 4 == 0) inode->ops->write(inode, bytes, dice() % 5000, dice() % 100000);
        if (dice() % 4 == 0) inode->ops->truncate(inode, dice() % 100000);
        if (dice() % 8 == 0) directory->ops->unlink(directory, name.text, inode);
        put(inode);
    }
    struct inode *made;
    if (directory->ops->create(directory, "new", S_IFREG | 0644, &made) == 0) put(made);
}

static void ruin(void) {
    u64 size = the_disk.sectors * SECTOR_SIZE;
    for (u64 n = 1 + dice() % 40; n > 0; n--) {
        u8 byte = dice();
        /* Mostly where it hurts: the superblock, descriptors, bitmaps, inodes. */
        pwrite(image, &byte, 1, dice() % 3 == 0 ? dice() % size : dice() % (80 << 10));
    }
    mount = (struct mount){.type = "ext2"};
    if (ext2_open(&mount, "/dev/xvda") != 0) return;
    if (S_IS(mount.root->mode, DIR)) visit(mount.root, 0);
    ext2_sync(&mount);
    CHECK(accesses < 20000000, "%lu accesses", accesses);
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    image = open(arguments[2], O_RDWR);
    CHECK(image >= 0, "no image %s", arguments[2]);
    the_disk.sectors = lseek(image, 0, SEEK_END) / SECTOR_SIZE;
    dice_state = strtoul(arguments[3], 0, 10) * 7919 + 1;
    if (streq(arguments[1], "work")) work();
    else ruin();
}

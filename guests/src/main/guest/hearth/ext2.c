/* ext2.c: files on a disk, as Linux's second extended file system lays them out: mke2fs, e2fsck and debugfs
 * of any Linux can make, check and read what is here. The disk is divided into blocks, and these into groups.
 * Behind the superblock are the groups' descriptors: each tells where its bitmaps of blocks and inodes in use
 * are, and a table of these. An inode is a file without its name: kind, size, and where its blocks are: the
 * first twelve by their numbers, the next in a block of numbers, the rest in blocks of numbers that a block
 * of numbers leads to. A directory is a file of names, each with an inode's number.
 * Everything is read and changed where it lies in the cache (device.h). What is on the disk may be nonsense:
 * every number that leads somewhere is checked before it is followed. */
#include "device.h"
#include "ext2.h"
struct fs {
    struct disk *disk;
    struct mount *mount;
    struct super super;
    u32 block_size, inode_size, groups;
    struct numbers { u32 all, each, first; } numbers[2]; /* in all, in each group, and which is the first */
    struct node *nodes; /* inodes that somebody uses */
};
struct node { /* goes to the disk by sync, or when nobody uses it any more */
    struct inode inode; /* the part that the rest of the kernel knows */
    struct disk_inode on_disk;
    struct fs *fs;
    struct node *next;
};

static const struct inode_ops ext2_ops;

static struct node *node_of(struct inode *inode) { return (struct node *)inode; }

static void *block_at(struct fs *fs, u64 block, u64 offset, int writes) {
    return cache_at(fs->disk, block * fs->block_size + offset, writes);
}

static struct group *group_at(struct fs *fs, u32 index, int writes) {
    return block_at(fs, fs->super.first_block + 1, index * sizeof(struct group), writes);
}

static void write_super(struct fs *fs, u16 state) {
    struct super *super = cache_at(fs->disk, SUPER_OFFSET, 1);
    fs->super.state = state;
    if (super != 0) *super = fs->super;
}

static void count(struct fs *fs, struct group *group, enum kind kind, int taken, int is_directory) {
    group->free[kind] -= taken;
    group->directories += taken * is_directory;
    fs->super.free[kind] -= taken;
    if (fs->super.state & STATE_CLEAN) write_super(fs, 0); /* until sync */
}

/* The number of a block or an inode that nobody uses; 0: the disk is full. */
static u32 take(struct fs *fs, enum kind kind, int is_directory) {
    struct numbers *n = &fs->numbers[kind];
    for (u32 index = 0; index < fs->groups; index++) {
        struct group *group = group_at(fs, index, 1);
        u8 *bitmap = group == 0 || group->free[kind] == 0 ? 0 : block_at(fs, group->bitmap[kind], 0, 1);
        u32 bits = bitmap == 0 ? 0 : MIN(n->each, n->all - index * n->each), bit = 0;
        while (bit < bits && bitmap[bit / 8] >> bit % 8 & 1) bit++;
        if (bit == bits) continue;
        bitmap[bit / 8] |= 1 << bit % 8;
        count(fs, group, kind, 1, is_directory);
        return n->first + index * n->each + bit;
    }
    return 0;
}

static void give_back(struct fs *fs, enum kind kind, u32 number, int is_directory) {
    struct numbers *n = &fs->numbers[kind];
    u32 bit = (number - n->first) % n->each;
    struct group *group = group_at(fs, (number - n->first) / n->each, 1);
    u8 *bitmap = group == 0 ? 0 : block_at(fs, group->bitmap[kind], 0, 1);
    if (bitmap == 0) return;
    bitmap[bit / 8] &= ~(1 << bit % 8);
    count(fs, group, kind, -1, is_directory);
}

static struct disk_inode *inode_at(struct fs *fs, u32 number, int writes) {
    u32 each = fs->super.inodes_per_group, at = number - 1;
    struct group *group = at >= fs->super.inodes ? 0 : group_at(fs, at / each, 0);
    return group == 0 ? 0 : block_at(fs, group->inode_table, at % each * fs->inode_size, writes);
}

static void write_node(struct node *node) {
    struct disk_inode *on_disk = inode_at(node->fs, node->inode.number, 1);
    node->on_disk.mode = node->inode.mode;
    node->on_disk.size = node->inode.size;
    node->on_disk.modified = node->on_disk.changed = node->inode.modified / NANOS_PER_SECOND;
    if (on_disk != 0) *on_disk = node->on_disk;
}

static struct node *add_node(struct fs *fs, u32 number, const struct disk_inode *on_disk) {
    struct node *node = kmalloc(sizeof(*node));
    if (node == 0) return 0;
    *node = (struct node){.next = fs->nodes, .fs = fs, .on_disk = *on_disk, .inode = {
        .users = 1, .mode = on_disk->mode, .links = on_disk->links, .number = number, .size = on_disk->size,
        .modified = on_disk->modified * NANOS_PER_SECOND, .mount = fs->mount, .ops = &ext2_ops}};
    node->on_disk.flags &= ~INDEXED;
    return fs->nodes = node;
}

/* The inode of that number, with one user more. Links, devices and files of 4 GiB are beyond us. */
static long get_inode(struct fs *fs, u32 number, struct inode **found) {
    struct node *node = fs->nodes;
    while (node != 0 && node->inode.number != number) node = node->next;
    if (node != 0) return inode_get(*found = &node->inode), 0;
    struct disk_inode *on_disk = inode_at(fs, number, 0);
    if (on_disk == 0 || on_disk->links == 0) return -EIO;
    if (!S_IS(on_disk->mode, REG) && !S_IS(on_disk->mode, DIR)) return -EPERM;
    if (on_disk->block[DIRECT + 2] != 0 || on_disk->size_high != 0) return -EFBIG;
    *found = &add_node(fs, number, on_disk)->inode; /* which comes first, so that null is null */
    return *found == 0 ? -ENOMEM : 0;
}

static int is_block(struct fs *fs, u32 n) { return n > fs->super.first_block && n < fs->super.blocks; }

static u32 new_block(struct node *node) {
    u32 block = take(node->fs, BLOCK, 0);
    u8 *bytes = block == 0 ? 0 : block_at(node->fs, block, 0, 1);
    if (bytes == 0) return 0;
    memset(bytes, 0, node->fs->block_size);
    node->on_disk.sectors += node->fs->block_size / SECTOR_SIZE;
    return block;
}

/* The disk's block for the index-th of a file; 0: a hole, which reads as zeroes; or -errno. */
static long map(struct node *node, u64 index, int create) {
    struct fs *fs = node->fs;
    u64 each = fs->block_size / 4, span = 1;
    u32 *slot = node->on_disk.block + MIN(index, DIRECT);
    if (index >= DIRECT + each + each * each) return -EFBIG;
    if (index >= DIRECT) {
        index -= DIRECT;
        span = each;
        if (index >= each) index -= each, span *= each, slot++;
    }
    for (;;) { /* down through blocks of numbers */
        if (*slot == 0 && create && (*slot = new_block(node)) == 0) return -ENOSPC;
        if (*slot == 0) return 0;
        if (!is_block(fs, *slot)) return -EIO;
        if (span == 1) return *slot;
        span /= each;
        slot = block_at(fs, *slot, index / span * 4, create);
        if (slot == 0) return -EIO;
        index %= span;
    }
}

/* Gives back a block and, if it is `depth` blocks of numbers deep, what these lead to. */
static void give_back_tree(struct fs *fs, u32 number, u32 depth) {
    if (!is_block(fs, number)) return;
    for (u32 i = 0; depth > 0 && i < fs->block_size / 4; i++) {
        u32 *slot = block_at(fs, number, i * 4, 0);
        if (slot != 0) give_back_tree(fs, *slot, depth - 1);
    }
    give_back(fs, BLOCK, number, 0);
}

static void make_empty(struct node *node) {
    for (u32 i = 0; i < DIRECT + 2; i++) {
        give_back_tree(node->fs, node->on_disk.block[i], i < DIRECT ? 0 : i - DIRECT + 1);
        node->on_disk.block[i] = 0;
    }
    node->on_disk.sectors = 0;
}

/* Copies between memory and the file's blocks; how much, or -errno. */
static long copy_bytes(struct node *node, u8 *memory, u64 n, u64 offset, int writes) {
    struct fs *fs = node->fs;
    for (u64 done = 0, part; done < n; done += part) {
        u64 at = (offset + done) % fs->block_size;
        part = MIN(n - done, fs->block_size - at);
        long block = map(node, (offset + done) / fs->block_size, writes);
        u8 *bytes = block <= 0 ? 0 : block_at(fs, block, at, writes);
        if (bytes != 0) memcpy(writes ? bytes : memory + done, writes ? memory + done : bytes, part);
        else if (block == 0) memset(memory + done, 0, part);
        else return done > 0 ? (long)done : block < 0 ? block : -EIO;
    }
    return n;
}

/* The entry that begins there; null behind the last one, or if what is there makes no sense. */
static struct entry *entry_at(struct node *node, u64 offset, int writes) {
    u32 size = node->fs->block_size, at = offset % size;
    if (offset >= node->inode.size || size - at < sizeof(struct entry)) return 0;
    long block = map(node, offset / size, 0);
    struct entry *entry = block <= 0 ? 0 : block_at(node->fs, block, at, writes);
    if (entry == 0 || entry->size < ENTRY_SIZE(entry->name_length) || entry->size % 4 != 0) return 0;
    return at + entry->size <= size ? entry : 0;
}

static int is_named(const struct entry *entry, const char *name) {
    u32 length = strlen(name);
    return entry->inode != 0 && entry->name_length == length && same_bytes(entry->name, name, length);
}

/* The entry of that name or, without a name, the position-th that is not free, . or ..; and for whoever is
 * about to remove it, the one before it in the same block. */
static struct entry *find_entry(struct node *node, const char *name, u64 position, struct entry **before) {
    struct entry *entry;
    for (u64 offset = 0; (entry = entry_at(node, offset, before != 0)) != 0; offset += entry->size) {
        if (before != 0 && offset % node->fs->block_size == 0) *before = 0;
        if (name != 0 && is_named(entry, name)) break;
        int counts = entry->inode != 0 && !is_named(entry, ".") && !is_named(entry, "..");
        if (name == 0 && counts && position-- == 0) break;
        if (before != 0) *before = entry;
    }
    return entry;
}

/* Into the room that another entry does not need, or into a new block. */
static long add_entry(struct node *node, const char *name, const struct inode *inode) {
    u32 size = node->fs->block_size, length = strlen(name), used = 0, rest = size;
    struct entry *entry;
    for (u64 offset = 0; (entry = entry_at(node, offset, 1)) != 0; offset += entry->size) {
        used = entry->inode == 0 ? 0 : ENTRY_SIZE(entry->name_length);
        rest = entry->size - used;
        if (rest >= ENTRY_SIZE(length)) break;
    }
    if (entry == 0) {
        long block = map(node, node->inode.size / size, 1);
        if (block <= 0 || (entry = block_at(node->fs, block, 0, 1)) == 0) return -ENOSPC;
        node->inode.size += size;
        used = 0, rest = size;
    } else if (used > 0) {
        entry->size = used;
    }
    entry = (struct entry *)((u8 *)entry + used);
    *entry = (struct entry){.inode = inode->number, .size = rest, .name_length = length};
    if (node->fs->super.must_know != 0) entry->type = S_IS(inode->mode, DIR) ? 2 : 1;
    memcpy(entry->name, name, length);
    node->inode.modified = wall_clock();
    return 0;
}

static long ext2_read(struct inode *inode, void *to, u64 n, u64 offset) {
    if (offset >= inode->size) return 0;
    return copy_bytes(node_of(inode), to, MIN(n, inode->size - offset), offset, 0);
}

static long ext2_write(struct inode *inode, const void *from, u64 n, u64 offset) {
    if ((offset + n) >> 32 != 0) return -EFBIG;
    long done = copy_bytes(node_of(inode), (u8 *)from, n, offset, 1);
    if (done > 0) inode->size = MAX(inode->size, offset + done);
    inode->modified = wall_clock();
    return done;
}

/* A file can be made empty or longer, not shorter. */
static long ext2_truncate(struct inode *inode, u64 size) {
    if (node_of(inode)->fs->disk->readonly) return -EROFS;
    if ((size > 0 && size < inode->size) || size >> 32 != 0) return -EINVAL;
    if (size == 0) make_empty(node_of(inode));
    inode->size = size;
    inode->modified = wall_clock();
    return 0;
}

static long ext2_lookup(struct inode *directory, const char *name, struct inode **found) {
    struct node *node = node_of(directory);
    struct entry *entry = find_entry(node, name, 0, 0);
    return entry == 0 ? -ENOENT : get_inode(node->fs, entry->inode, found);
}

static long ext2_list(struct inode *directory, u64 position, struct name *name) {
    struct entry *entry = find_entry(node_of(directory), 0, position, 0);
    if (entry == 0) return 0;
    name->number = entry->inode;
    name->mode = entry->type == 2 ? S_IFDIR : entry->type == 1 ? S_IFREG : 0;
    memcpy(name->text, entry->name, entry->name_length);
    name->text[entry->name_length] = '\0';
    return 1;
}

static long ext2_create(struct inode *directory, const char *name, u32 mode, struct inode **made) {
    struct node *parent = node_of(directory);
    int is_directory = S_IS(mode, DIR);
    struct disk_inode on_disk = {.mode = mode, .links = 1 + is_directory};
    if (!is_directory && !S_IS(mode, REG)) return -EPERM;
    if (parent->fs->disk->readonly) return -EROFS;
    u32 number = take(parent->fs, INODE, is_directory);
    struct node *node = number == 0 ? 0 : add_node(parent->fs, number, &on_disk);
    if (number != 0 && node == 0) give_back(parent->fs, INODE, number, is_directory);
    if (node == 0) return number == 0 ? -ENOSPC : -ENOMEM;
    long error = is_directory ? add_entry(node, ".", &node->inode) : 0;
    if (error == 0 && is_directory) error = add_entry(node, "..", directory);
    if (error == 0) error = add_entry(parent, name, &node->inode);
    if (error == 0) parent->on_disk.links += is_directory;
    else node->on_disk.links = 0; /* its release gives it back */
    *made = &node->inode;
    (*made)->modified = wall_clock();
    if (error != 0) inode_put(*made);
    return error;
}

/* A directory keeps the one name that it was made with: mv copies what cannot be linked. */
static long ext2_link(struct inode *directory, const char *name, struct inode *inode) {
    if (S_IS(inode->mode, DIR)) return -EXDEV;
    long error = add_entry(node_of(directory), name, inode);
    node_of(inode)->on_disk.links += error == 0;
    return error;
}

static long ext2_unlink(struct inode *directory, const char *name, struct inode *inode) {
    struct node *node = node_of(inode), *parent = node_of(directory);
    int is_directory = S_IS(inode->mode, DIR);
    struct entry *before, *entry;
    if (parent->fs->disk->readonly) return -EROFS;
    if (is_directory && find_entry(node, 0, 0, 0) != 0) return -ENOTEMPTY;
    if ((entry = find_entry(parent, name, 0, &before)) == 0) return -ENOENT;
    if (before == 0) entry->inode = 0;
    else before->size += entry->size; /* its room is the other's now */
    parent->on_disk.links -= is_directory;
    node->on_disk.links -= 1 + is_directory;
    directory->modified = wall_clock();
    return 0;
}

/* Nobody uses it any more. Without a name, it ends. */
static void ext2_release(struct inode *inode) {
    struct node *node = node_of(inode), **at = &node->fs->nodes;
    struct fs *fs = node->fs;
    if (node->on_disk.links == 0) {
        make_empty(node);
        node->on_disk.deleted = wall_clock() / NANOS_PER_SECOND;
        give_back(fs, INODE, inode->number, S_IS(inode->mode, DIR));
    }
    write_node(node);
    while (*at != node) at = &(*at)->next;
    *at = node->next;
    if (fs->mount == 0) kfree(fs); /* it was the root's, and the last */
}

static const struct inode_ops ext2_ops = {
    .read = ext2_read, .write = ext2_write, .truncate = ext2_truncate, .lookup = ext2_lookup,
    .list = ext2_list, .create = ext2_create, .link = ext2_link, .unlink = ext2_unlink,
    .release = ext2_release,
};

long ext2_sync(struct mount *mount) {
    struct fs *fs = mount->data;
    if (fs->disk->readonly) return 0;
    for (struct node *node = fs->nodes; node != 0; node = node->next) write_node(node);
    write_super(fs, STATE_CLEAN);
    return cache_sync(fs->disk);
}

/* The root's inode outlives the mount by a moment. */
void ext2_unmounted(struct mount *mount) { ((struct fs *)mount->data)->mount = 0; }

/* Whether this is a file system that we know all about. */
static int is_sound(struct fs *fs) {
    struct super *super = &fs->super;
    if (super->magic != MAGIC || super->log_block_size > 2 || super->first_block >= super->blocks) return 0;
    u32 size = fs->block_size = 1024 << super->log_block_size, blocks = super->blocks - super->first_block;
    u32 inode = fs->inode_size = super->revision == 0 ? sizeof(struct disk_inode) : super->inode_size;
    fs->numbers[BLOCK] = (struct numbers){blocks, super->blocks_per_group, super->first_block};
    fs->numbers[INODE] = (struct numbers){super->inodes, super->inodes_per_group, 1};
    for (enum kind kind = BLOCK; kind <= INODE; kind++) {
        if (fs->numbers[kind].each == 0 || fs->numbers[kind].each > size * 8) return 0;
    }
    fs->groups = (blocks - 1) / super->blocks_per_group + 1;
    return super->blocks <= fs->disk->sectors / (size / SECTOR_SIZE)
           && super->inodes <= (u64)fs->groups * super->inodes_per_group
           && inode >= sizeof(struct disk_inode) && inode <= size && (inode & (inode - 1)) == 0
           && (super->must_know & ~MUST_KNOW) == 0 && (super->must_know_to_write & ~MUST_TO_WRITE) == 0;
}

long ext2_open(struct mount *mount, const char *source) {
    struct disk *disk = disk_by_path(source);
    struct fs *fs = disk == 0 ? 0 : kmalloc(sizeof(*fs));
    if (fs == 0) return disk == 0 ? -ENOTBLK : -ENOMEM;
    struct super *super = cache_at(disk, SUPER_OFFSET, 0);
    if (super != 0) *fs = (struct fs){.disk = disk, .mount = mount, .super = *super};
    long error = super == 0 ? -EIO : !is_sound(fs) ? -EINVAL : get_inode(fs, ROOT_INODE, &mount->root);
    if (error != 0) return kfree(fs), error;
    mount->data = fs;
    return 0;
}

/*
 * ext2.c: files on a disk, as Linux's second extended file system lays them out: simple enough for a
 * page, and mke2fs, e2fsck and debugfs of any Linux can make, check and read what is here.
 *
 *      | unused 1 KiB | superblock | group descriptors ... | bitmaps | inodes | blocks ...
 *
 * The disk is divided into blocks, and these into groups. Each group has a bitmap of its blocks that
 * are in use, one of its inodes, and a table of these. An inode is a file without its name: kind,
 * size, and where its blocks are: the first twelve by their numbers, the next in a block of numbers,
 * the rest in blocks of numbers that a block of numbers leads to. A directory is a file of names,
 * each with the number of an inode.
 *
 * Everything goes through the cache as bytes at an offset. What is on the disk may be nonsense: every
 * number that leads somewhere is checked before it is followed.
 */
#include "cache.h"

#define SUPER_OFFSET   1024
#define MAGIC          0xef53
#define STATE_CLEAN    1
#define ROOT_INODE     2
#define FIRST_INODE    11      /* those before have other uses */
#define HAS_FILE_TYPES 2       /* directories tell the kind of what they name */
#define LARGE_FILES    2       /* among what we need not know to read: sizes above 2 GiB */
#define SPARSE_SUPER   1       /* and: not every group has a copy of the superblock */
#define INDEXED        0x1000  /* a directory has an index, which ends with our first change */
#define DIRECT         12
#define NAME_MAX       255
#define NEVER_REACHED  (1ul << 40) /* blocks */
#define FAST_LINK_MAX  60      /* a short symbolic link is where block numbers would be */

struct super { /* the beginning of it */
    u32 inodes, blocks, reserved_blocks, free_blocks, free_inodes, first_block, log_block_size,
        log_fragment_size, blocks_per_group, fragments_per_group, inodes_per_group, mounted, written;
    u16 mounts, mounts_max, magic, state, errors, minor;
    u32 checked, check_interval, system, revision;
    u16 reserved_uid, reserved_gid;
    u32 first_inode;
    u16 inode_size, group;
    u32 may_ignore, must_know, must_know_to_write;
};

struct group {
    u32 block_bitmap, inode_bitmap, inode_table;
    u16 free_blocks, free_inodes, directories, pad[7];
};

struct disk_inode {
    u16 mode, uid;
    u32 size, accessed, changed, modified, deleted;
    u16 gid, links;
    u32 sectors, flags, system;
    u32 block[DIRECT + 3];
    u32 generation, attributes, size_high, fragment, system2[3];
};

struct entry { u32 inode; u16 size; u8 name_length, type; }; /* the name follows */
#define ENTRY_SIZE(name_length) ROUND_UP(sizeof(struct entry) + (name_length), 4)

struct fs {
    struct disk *disk;
    struct mount *mount;
    struct mutex lock; /* whoever waits for the disk must find things as he left them */
    struct super super;
    u32 block_size, inode_size, groups;
    struct node *nodes; /* inodes that somebody uses */
};

struct node { /* the data of a struct inode */
    struct node *next;
    struct fs *fs;
    struct inode *inode;
    struct disk_inode on_disk;
    int two_names; /* of a directory that is being moved */
};

static const struct inode_ops ext2_ops;

static struct node *node_of(struct inode *inode) { return inode->data; }

static struct fs *lock(struct inode *inode) {
    struct fs *fs = node_of(inode)->fs;
    mutex_lock(&fs->lock);
    return fs;
}

static long unlock(struct fs *fs, long result) {
    mutex_unlock(&fs->lock);
    return result;
}

/* ---- Bitmaps --------------------------------------------------------------------------------- */

static u64 group_offset(struct fs *fs, u32 group) {
    return (u64)(fs->super.first_block + 1) * fs->block_size + group * sizeof(struct group);
}

/* While the numbers of free blocks change the file system is not clean; after sync it is. */
static long write_super(struct fs *fs, u16 state) {
    fs->super.state = state;
    return cache_write(fs->disk, &fs->super, sizeof(fs->super), SUPER_OFFSET);
}

/* Counts blocks or inodes of a group as taken, or as given back. */
static long count(struct fs *fs, u32 index, struct group *group, int inode, int taken) {
    if (inode) {
        group->free_inodes -= taken;
        fs->super.free_inodes -= taken;
    } else {
        group->free_blocks -= taken;
        fs->super.free_blocks -= taken;
    }
    long error = cache_write(fs->disk, group, sizeof(*group), group_offset(fs, index));
    return error != 0 ? error : write_super(fs, 0);
}

/* The first of the bits that is 0 becomes 1; -ENOSPC: none is. */
static long take_bit(struct fs *fs, u32 bitmap, u32 bits, u32 *taken) {
    u8 bytes[64];
    for (u32 first = 0; first < bits; first += sizeof(bytes) * 8) {
        u64 offset = (u64)bitmap * fs->block_size + first / 8;
        long error = cache_read(fs->disk, bytes, sizeof(bytes), offset);
        if (error != 0) return error;
        for (u32 bit = first; bit < MIN(bits, first + sizeof(bytes) * 8); bit++) {
            u8 *byte = &bytes[(bit - first) / 8];
            if (*byte >> bit % 8 & 1) continue;
            *byte |= 1 << bit % 8;
            *taken = bit;
            return cache_write(fs->disk, byte, 1, (u64)bitmap * fs->block_size + bit / 8);
        }
    }
    return -ENOSPC;
}

/* A block or an inode that nobody uses. */
static long allocate(struct fs *fs, int inode, u32 *number) {
    u32 each = inode ? fs->super.inodes_per_group : fs->super.blocks_per_group;
    u32 first = inode ? 1 : fs->super.first_block;
    u32 all = (inode ? fs->super.inodes : fs->super.blocks - first), taken = 0;
    for (u32 index = 0; index < fs->groups; index++) {
        struct group group;
        long error = cache_read(fs->disk, &group, sizeof(group), group_offset(fs, index));
        if (error != 0) return error;
        if ((inode ? group.free_inodes : group.free_blocks) == 0) continue;
        error = take_bit(fs, inode ? group.inode_bitmap : group.block_bitmap,
                         MIN(each, all - index * each), &taken);
        if (error == -ENOSPC) continue; /* the count was wrong */
        *number = first + index * each + taken;
        return error != 0 ? error : count(fs, index, &group, inode, 1);
    }
    return -ENOSPC;
}

static long give_back(struct fs *fs, int inode, u32 number) {
    u32 each = inode ? fs->super.inodes_per_group : fs->super.blocks_per_group;
    u32 bit = number - (inode ? 1 : fs->super.first_block), index = bit / each;
    struct group group;
    u8 byte;
    long error = cache_read(fs->disk, &group, sizeof(group), group_offset(fs, index));
    u64 offset = (u64)(inode ? group.inode_bitmap : group.block_bitmap) * fs->block_size
                 + bit % each / 8;
    if (error != 0 || (error = cache_read(fs->disk, &byte, 1, offset)) != 0) return error;
    byte &= ~(1 << bit % each % 8);
    error = cache_write(fs->disk, &byte, 1, offset);
    return error != 0 ? error : count(fs, index, &group, inode, -1);
}

/* ---- Inodes ---------------------------------------------------------------------------------- */

static long inode_offset(struct fs *fs, u32 number, u64 *offset) {
    struct group group;
    if (number == 0 || number > fs->super.inodes) return -EIO;
    u32 index = (number - 1) / fs->super.inodes_per_group;
    long error = cache_read(fs->disk, &group, sizeof(group), group_offset(fs, index));
    *offset = (u64)group.inode_table * fs->block_size
              + (u64)((number - 1) % fs->super.inodes_per_group) * fs->inode_size;
    return error;
}

static long write_node(struct node *node) {
    struct inode *inode = node->inode;
    u64 offset;
    node->on_disk.mode = inode->mode;
    node->on_disk.size = inode->size;
    if (S_IS(inode->mode, REG)) node->on_disk.size_high = inode->size >> 32;
    node->on_disk.modified = node->on_disk.changed = inode->modified / NANOS_PER_SECOND;
    long error = inode_offset(node->fs, inode->number, &offset);
    if (error != 0 || node->fs->disk->readonly) return error;
    return cache_write(node->fs->disk, &node->on_disk, sizeof(node->on_disk), offset);
}

static struct inode *add_node(struct fs *fs, u32 number, const struct disk_inode *on_disk) {
    struct inode *inode = inode_new(on_disk->mode, &ext2_ops);
    struct node *node = inode == 0 ? 0 : kmalloc(sizeof(*node));
    if (node == 0) {
        kfree(inode);
        return 0;
    }
    *node = (struct node){.next = fs->nodes, .fs = fs, .inode = inode, .on_disk = *on_disk};
    fs->nodes = node;
    inode->number = number;
    inode->links = on_disk->links;
    inode->size = on_disk->size;
    if (S_IS(inode->mode, REG)) inode->size |= (u64)on_disk->size_high << 32;
    inode->modified = on_disk->modified * NANOS_PER_SECOND;
    inode->mount = fs->mount;
    inode->data = node;
    return inode;
}

/* The inode of that number, with one user more. */
static long get_inode(struct fs *fs, u32 number, struct inode **found) {
    struct disk_inode on_disk;
    u64 offset;
    for (struct node *node = fs->nodes; node != 0; node = node->next) {
        if (node->inode->number != number) continue;
        inode_get(*found = node->inode);
        return 0;
    }
    long error = inode_offset(fs, number, &offset);
    if (error == 0) error = cache_read(fs->disk, &on_disk, sizeof(on_disk), offset);
    if (error == 0 && on_disk.links == 0) error = -EIO;
    if (error == 0 && (*found = add_node(fs, number, &on_disk)) == 0) error = -ENOMEM;
    return error;
}

/* ---- Where a file's bytes are ---------------------------------------------------------------- */

static long new_block(struct node *node, u32 *block) {
    static const u8 zeroes[256];
    struct fs *fs = node->fs;
    long error = allocate(fs, 0, block);
    for (u32 at = 0; error == 0 && at < fs->block_size; at += sizeof(zeroes)) {
        error = cache_write(fs->disk, zeroes, sizeof(zeroes), (u64)*block * fs->block_size + at);
    }
    if (error == 0) node->on_disk.sectors += fs->block_size / SECTOR_SIZE;
    return error;
}

/* The disk's block for the index-th of a file; 0: a hole, which reads as zeroes. */
static long map(struct node *node, u64 index, int create, u32 *block) {
    struct fs *fs = node->fs;
    u64 each = fs->block_size / 4, span = 1;
    u32 *root = node->on_disk.block;
    if (index < DIRECT) root += index;
    else {
        index -= DIRECT;
        for (root += DIRECT, span = each; index >= span; span *= each, root++) {
            index -= span;
            if (root == &node->on_disk.block[DIRECT + 2]) return -EFBIG;
        }
    }
    *block = *root;
    if (*block == 0 && create) {
        long error = new_block(node, block);
        if (error != 0) return error;
        *root = *block;
    }
    while (span > 1 && *block != 0) { /* down through blocks of numbers */
        span /= each;
        if (*block >= fs->super.blocks) return -EIO;
        u64 offset = (u64)*block * fs->block_size + index / span * 4;
        index %= span;
        long error = cache_read(fs->disk, block, 4, offset);
        if (error == 0 && *block == 0 && create && (error = new_block(node, block)) == 0) {
            error = cache_write(fs->disk, block, 4, offset);
        }
        if (error != 0) return error;
    }
    return *block >= fs->super.blocks ? -EIO : 0;
}

/* Gives back what belongs to the file from block `keep` on. Under *slot lies what begins at `first`,
 * `depth` blocks of numbers deep. */
static long prune(struct node *node, u32 *slot, u32 depth, u64 first, u64 keep) {
    struct fs *fs = node->fs;
    u64 each = fs->block_size / 4, span = 1;
    for (u32 i = 0; i < depth; i++) span *= each;
    if (*slot == 0 || first + span <= keep) return 0;
    if (*slot < fs->super.first_block || *slot >= fs->super.blocks) return -EIO;
    for (u64 i = 0; depth > 0 && i < each; i++) {
        u64 offset = (u64)*slot * fs->block_size + i * 4;
        u32 number, before;
        long error = cache_read(fs->disk, &number, 4, offset);
        before = number;
        if (error == 0) error = prune(node, &number, depth - 1, first + i * (span / each), keep);
        if (error == 0 && number != before) error = cache_write(fs->disk, &number, 4, offset);
        if (error != 0) return error;
    }
    if (first < keep) return 0;
    u32 block = *slot;
    *slot = 0;
    node->on_disk.sectors -= fs->block_size / SECTOR_SIZE;
    return give_back(fs, 0, block);
}

/* A short symbolic link has no blocks; its text is in their place. */
static int is_fast_link(const struct node *node) {
    return S_IS(node->inode->mode, LNK) && node->on_disk.sectors == 0
           && node->inode->size < FAST_LINK_MAX;
}

static long read_bytes(struct node *node, void *to, u64 n, u64 offset) {
    struct fs *fs = node->fs;
    if (offset >= node->inode->size) return 0;
    n = MIN(n, node->inode->size - offset);
    if (is_fast_link(node)) {
        memcpy(to, (u8 *)node->on_disk.block + offset, n);
        return n;
    }
    for (u64 done = 0, part; done < n; done += part) {
        u64 at = (offset + done) % fs->block_size;
        u32 block;
        part = MIN(n - done, fs->block_size - at);
        long error = map(node, (offset + done) / fs->block_size, 0, &block);
        if (error == 0 && block == 0) memset(to + done, 0, part);
        else if (error == 0) {
            error = cache_read(fs->disk, to + done, part, (u64)block * fs->block_size + at);
        }
        if (error != 0) return error;
    }
    return n;
}

static long write_bytes(struct node *node, const void *from, u64 n, u64 offset) {
    struct fs *fs = node->fs;
    long error = 0;
    u64 done = 0;
    if (S_IS(node->inode->mode, LNK) && offset == 0 && n < FAST_LINK_MAX) {
        memcpy(node->on_disk.block, from, done = n);
    }
    while (done < n && error == 0) {
        u64 at = (offset + done) % fs->block_size, part = MIN(n - done, fs->block_size - at);
        u32 block;
        error = map(node, (offset + done) / fs->block_size, 1, &block);
        if (error == 0) {
            error = cache_write(fs->disk, from + done, part, (u64)block * fs->block_size + at);
        }
        if (error == 0) done += part;
    }
    node->inode->size = MAX(node->inode->size, offset + done);
    node->inode->modified = wall_clock();
    long written = write_node(node);
    return done > 0 && written == 0 ? (long)done : error != 0 ? error : written;
}

static long truncate_to(struct node *node, u64 size) {
    struct fs *fs = node->fs;
    static const u8 zeroes[256];
    u64 each = fs->block_size / 4, keep = ROUND_UP(size, fs->block_size) / fs->block_size;
    u64 first = 0;
    long error = 0;
    if (is_fast_link(node)) keep = NEVER_REACHED; /* none of these are numbers */
    for (u32 i = 0; i < DIRECT + 3 && error == 0; i++) {
        u32 depth = i < DIRECT ? 0 : i - DIRECT + 1;
        error = prune(node, &node->on_disk.block[i], depth, first, keep);
        first += depth == 0 ? 1 : depth == 1 ? each : each * each;
    }
    /* Should the file grow again, what was behind its end is not to come back. */
    u64 end = MIN(node->inode->size, keep * fs->block_size);
    for (u64 at = size; at < end && error >= 0;) {
        error = write_bytes(node, zeroes, MIN(sizeof(zeroes), end - at), at);
        at += MAX(error, 1);
    }
    if (error < 0) return error;
    node->inode->size = size;
    node->inode->modified = wall_clock();
    return write_node(node);
}

/* ---- Directories ----------------------------------------------------------------------------- */

struct entry_place { struct entry entry; u64 offset, previous; char name[NAME_MAX + 1]; };

/* The entry at place->offset; 0 behind the last one. Entries do not cross blocks. */
static long read_entry(struct node *node, struct entry_place *place) {
    u32 block_size = node->fs->block_size;
    long n = read_bytes(node, &place->entry, sizeof(place->entry), place->offset);
    if (n <= 0) return n;
    struct entry *entry = &place->entry;
    if (n < (long)sizeof(*entry) || entry->size < ENTRY_SIZE(entry->name_length)
        || entry->size % 4 != 0 || place->offset % block_size + entry->size > block_size) {
        return -EIO;
    }
    n = read_bytes(node, place->name, entry->name_length, place->offset + sizeof(*entry));
    place->name[entry->name_length] = '\0';
    return n < 0 ? n : 1;
}

static void next_entry(struct entry_place *place) {
    place->previous = place->offset;
    place->offset += place->entry.size;
}

static long find_entry(struct node *node, const char *name, struct entry_place *place) {
    long more;
    place->offset = place->previous = 0;
    while ((more = read_entry(node, place)) == 1) {
        if (place->entry.inode != 0 && streq(place->name, name)) return 0;
        next_entry(place);
    }
    return more < 0 ? more : -ENOENT;
}

static long write_entry(struct node *node, const struct entry *entry, const char *name, u64 offset) {
    u8 bytes[ENTRY_SIZE(NAME_MAX)] = {0};
    u64 size = ENTRY_SIZE(name == 0 ? 0 : entry->name_length);
    memcpy(bytes, entry, sizeof(*entry));
    if (name != 0) memcpy(bytes + sizeof(*entry), name, entry->name_length);
    long n = write_bytes(node, bytes, size, offset);
    if (n < (long)size) return n < 0 ? n : -ENOSPC;
    node->inode->size = ROUND_UP(node->inode->size, node->fs->block_size);
    return write_node(node);
}

/* Into the room that an entry does not need, or into a new block. */
static long add_entry(struct node *node, const char *name, const struct inode *inode) {
    static const u8 types[16] = {[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3,
                                 [S_IFBLK >> 12] = 4, [S_IFSOCK >> 12] = 6, [S_IFLNK >> 12] = 7};
    struct fs *fs = node->fs;
    struct entry_place place = {.offset = 0};
    struct entry entry = {.inode = inode->number, .name_length = strlen(name),
                          .size = fs->block_size};
    u32 needed = ENTRY_SIZE(entry.name_length);
    long more;
    if (fs->super.must_know & HAS_FILE_TYPES) entry.type = types[inode->mode >> 12];
    node->on_disk.flags &= ~INDEXED;
    for (; (more = read_entry(node, &place)) == 1; next_entry(&place)) {
        struct entry *there = &place.entry;
        u32 used = there->inode == 0 ? 0 : ENTRY_SIZE(there->name_length);
        if (there->size - used < needed) continue;
        entry.size = there->size - used;
        if (used > 0) {
            there->size = used;
            more = write_entry(node, there, 0, place.offset);
        }
        return more < 0 ? more : write_entry(node, &entry, name, place.offset + used);
    }
    return more < 0 ? more : write_entry(node, &entry, name, ROUND_UP(place.offset, fs->block_size));
}

/* The entry before it in its block takes its room. */
static long remove_entry(struct node *node, struct entry_place *place) {
    struct entry_place previous = {.offset = place->previous};
    struct entry *entry = &place->entry;
    node->on_disk.flags &= ~INDEXED;
    if (place->offset % node->fs->block_size == 0) {
        entry->inode = 0;
        return write_entry(node, entry, 0, place->offset);
    }
    long more = read_entry(node, &previous);
    if (more != 1) return -EIO;
    previous.entry.size += entry->size;
    return write_entry(node, &previous.entry, 0, place->previous);
}

static int is_dots(const char *name) {
    return streq(name, ".") || streq(name, "..");
}

/* 1: nothing but . and .. */
static long is_empty(struct node *node) {
    struct entry_place place = {.offset = 0};
    long more;
    for (; (more = read_entry(node, &place)) == 1; next_entry(&place)) {
        if (place.entry.inode != 0 && !is_dots(place.name)) return 0;
    }
    return more < 0 ? more : 1;
}

/* The name .. leads elsewhere when a directory is moved. */
static long set_parent(struct node *node, const struct inode *parent) {
    struct entry_place place;
    long error = find_entry(node, "..", &place);
    place.entry.inode = parent->number;
    return error != 0 ? error : write_entry(node, &place.entry, 0, place.offset);
}

static long change_links(struct node *node, int by) {
    node->on_disk.links += by;
    return write_node(node);
}

static long make(struct fs *fs, struct inode *directory, const char *name, u32 mode,
                 struct inode **made) {
    struct disk_inode on_disk = {.mode = mode, .links = S_IS(mode, DIR) ? 2 : 1};
    u32 number;
    long error = allocate(fs, 1, &number);
    if (error != 0) return error;
    struct inode *inode = *made = add_node(fs, number, &on_disk);
    if (inode == 0) return -ENOMEM;
    inode->modified = wall_clock();
    error = write_node(node_of(inode));
    if (error == 0 && S_IS(mode, DIR)) {
        struct group group;
        u32 index = (number - 1) / fs->super.inodes_per_group;
        error = add_entry(node_of(inode), ".", inode);
        if (error == 0) error = add_entry(node_of(inode), "..", directory);
        if (error == 0) error = change_links(node_of(directory), 1);
        if (error == 0) error = cache_read(fs->disk, &group, sizeof(group), group_offset(fs, index));
        group.directories++;
        if (error == 0) error = count(fs, index, &group, 1, 0);
    }
    if (error == 0) error = add_entry(node_of(directory), name, inode);
    return error;
}

/* ---- What the kernel calls ------------------------------------------------------------------- */

static long ext2_read(struct inode *inode, void *to, u64 n, u64 offset) {
    struct fs *fs = lock(inode);
    return unlock(fs, read_bytes(node_of(inode), to, n, offset));
}

static long ext2_write(struct inode *inode, const void *from, u64 n, u64 offset) {
    struct fs *fs = lock(inode);
    return unlock(fs, write_bytes(node_of(inode), from, n, offset));
}

static long ext2_truncate(struct inode *inode, u64 size) {
    struct fs *fs = lock(inode);
    return unlock(fs, truncate_to(node_of(inode), size));
}

static long ext2_lookup(struct inode *directory, const char *name, struct inode **found) {
    struct fs *fs = lock(directory);
    struct entry_place place;
    long error = find_entry(node_of(directory), name, &place);
    return unlock(fs, error != 0 ? error : get_inode(fs, place.entry.inode, found));
}

static long ext2_list(struct inode *directory, u64 position, struct name *name) {
    static const u32 modes[8] = {0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};
    struct fs *fs = lock(directory);
    struct entry_place place = {.offset = 0};
    long more;
    for (; (more = read_entry(node_of(directory), &place)) == 1; next_entry(&place)) {
        if (place.entry.inode == 0 || is_dots(place.name) || position-- > 0) continue;
        name->number = place.entry.inode;
        name->mode = modes[place.entry.type & 7];
        copy_string(name->text, place.name, sizeof(name->text));
        break;
    }
    return unlock(fs, more);
}

static long ext2_create(struct inode *directory, const char *name, u32 mode, struct inode **made) {
    struct fs *fs = lock(directory);
    struct inode *inode = 0;
    long error = fs->disk->readonly ? -EROFS : make(fs, directory, name, mode, &inode);
    unlock(fs, 0);
    if (error == 0) *made = inode;
    else if (inode != 0) {
        node_of(inode)->on_disk.links = 0; /* its release gives it back */
        inode_put(inode);
    }
    return error;
}

static long ext2_link(struct inode *directory, const char *name, struct inode *inode) {
    struct fs *fs = lock(directory);
    struct node *node = node_of(inode);
    long error = add_entry(node_of(directory), name, inode);
    if (error == 0 && S_IS(inode->mode, DIR)) {
        node->two_names = 1;
        error = set_parent(node, directory);
        if (error == 0) error = change_links(node_of(directory), 1);
    } else if (error == 0) {
        error = change_links(node, 1);
    }
    return unlock(fs, error);
}

static long ext2_unlink(struct inode *directory, const char *name, struct inode *inode) {
    struct fs *fs = lock(directory);
    struct node *node = node_of(inode);
    struct entry_place place;
    int is_directory = S_IS(inode->mode, DIR);
    long error = is_directory && !node->two_names ? is_empty(node) - 1 : 0;
    if (error != 0) return unlock(fs, error == -1 ? -ENOTEMPTY : error + 1);
    error = find_entry(node_of(directory), name, &place);
    if (error == 0) error = remove_entry(node_of(directory), &place);
    if (error == 0 && is_directory) error = change_links(node_of(directory), -1);
    if (error == 0 && !node->two_names) error = change_links(node, is_directory ? -2 : -1);
    node->two_names = 0;
    return unlock(fs, error);
}

/* Without a name and without a user, a file ends. */
static void give_back_inode(struct node *node) {
    struct fs *fs = node->fs;
    u32 number = node->inode->number, index = (number - 1) / fs->super.inodes_per_group;
    struct group group;
    truncate_to(node, 0);
    node->on_disk.deleted = wall_clock() / NANOS_PER_SECOND;
    write_node(node);
    give_back(fs, 1, number);
    if (S_IS(node->inode->mode, DIR)
        && cache_read(fs->disk, &group, sizeof(group), group_offset(fs, index)) == 0) {
        group.directories--;
        count(fs, index, &group, 1, 0);
    }
}

static void ext2_release(struct inode *inode) {
    struct fs *fs = lock(inode);
    struct node *node = node_of(inode), **at = &fs->nodes;
    if (node->on_disk.links == 0) give_back_inode(node);
    else write_node(node); /* its mode may have changed */
    while (*at != node) at = &(*at)->next;
    *at = node->next;
    kfree(node);
    unlock(fs, 0);
    if (fs->mount == 0) kfree(fs); /* it was the root's, and the last */
}

static const struct inode_ops ext2_ops = {
    .read = ext2_read, .write = ext2_write, .truncate = ext2_truncate, .lookup = ext2_lookup,
    .list = ext2_list, .create = ext2_create, .link = ext2_link, .unlink = ext2_unlink,
    .release = ext2_release,
};

/* ---- Mounting -------------------------------------------------------------------------------- */

static long ext2_sync(struct mount *mount) {
    struct fs *fs = mount->data;
    if (fs->disk->readonly) return 0;
    mutex_lock(&fs->lock);
    long error = 0;
    for (struct node *node = fs->nodes; node != 0 && error == 0; node = node->next) {
        error = write_node(node);
    }
    if (error == 0) error = write_super(fs, STATE_CLEAN);
    if (error == 0) error = cache_sync(fs->disk);
    return unlock(fs, error);
}

/* The root's inode outlives the mount by a moment. */
static void ext2_unmounted(struct mount *mount) {
    ((struct fs *)mount->data)->mount = 0;
}

/* Whether this is a file system that we know all about. */
static long check_super(struct fs *fs) {
    struct super *super = &fs->super;
    if (super->magic != MAGIC || super->log_block_size > 2) return -EINVAL;
    fs->block_size = 1024 << super->log_block_size;
    fs->inode_size = super->revision == 0 ? sizeof(struct disk_inode) : super->inode_size;
    if (super->blocks_per_group == 0 || super->blocks_per_group > fs->block_size * 8
        || super->inodes_per_group == 0 || super->inodes_per_group > fs->block_size * 8
        || super->first_block >= super->blocks || fs->inode_size < sizeof(struct disk_inode)
        || super->blocks > fs->disk->sectors / (fs->block_size / SECTOR_SIZE)) {
        return -EINVAL;
    }
    fs->groups = (super->blocks - super->first_block - 1) / super->blocks_per_group + 1;
    if (super->inodes > (u64)fs->groups * super->inodes_per_group) return -EINVAL;
    if (super->revision > 0
        && (super->must_know & ~HAS_FILE_TYPES
            || super->must_know_to_write & ~(SPARSE_SUPER | LARGE_FILES))) {
        printk("hearth: the file system on %s has features that we do not know\n", fs->disk->name);
        return -EINVAL;
    }
    return 0;
}

static long ext2_open(struct mount *mount, const char *source, u32 flags) {
    struct disk *disk = disk_by_path(source);
    (void)flags;
    if (disk == 0) return -ENOTBLK;
    struct fs *fs = kmalloc(sizeof(*fs));
    if (fs == 0) return -ENOMEM;
    fs->disk = disk;
    fs->mount = mount;
    long error = cache_read(disk, &fs->super, sizeof(fs->super), SUPER_OFFSET);
    if (error == 0) error = check_super(fs);
    if (error == 0) error = get_inode(fs, ROOT_INODE, &mount->root);
    if (error != 0) {
        kfree(fs);
        return error;
    }
    mount->data = fs;
    mount->sync = ext2_sync;
    mount->unmounted = ext2_unmounted;
    return 0;
}

void disk_files_init(void) {
    static struct mount_type ext2 = {.name = "ext2", .open = ext2_open};
    mount_type_register(&ext2);
}

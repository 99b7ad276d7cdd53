/*
 * ext2.h: how Linux's second extended file system lies on a disk.
 */
#ifndef EXT2_H
#define EXT2_H

#define SUPER_OFFSET  1024
#define MAGIC         0xef53
#define ROOT_INODE    2
#define STATE_CLEAN   1
#define MUST_KNOW     2      /* of the features, we know: directories tell the kind of what they name, */
#define MUST_TO_WRITE 3      /* few groups have a copy of the superblock, files may be above 2 GiB */
#define INDEXED       0x1000 /* a directory has an index, which ends with our first change */
#define DIRECT        12

enum kind { BLOCK, INODE }; /* what there are bitmaps for */

struct super { /* the beginning of it */
    u32 inodes, blocks, reserved_blocks, free[2], first_block, log_block_size, log_fragment_size,
        blocks_per_group, fragments_per_group, inodes_per_group, mounted, written;
    u16 mounts, mounts_max, magic, state, errors, minor;
    u32 checked, check_interval, system, revision, reserved_ids, first_inode;
    u16 inode_size, group;
    u32 may_ignore, must_know, must_know_to_write;
};
struct group { u32 bitmap[2], inode_table; u16 free[2], directories, pad[7]; };
struct disk_inode {
    u16 mode, uid;
    u32 size, accessed, changed, modified, deleted;
    u16 gid, links;
    u32 sectors, flags, system, block[DIRECT + 3], generation, attributes, size_high, rest[4];
};
/* Of a directory. Entries do not cross blocks, and the last fills its block up; inode 0: it is free. */
struct entry { u32 inode; u16 size; u8 name_length, type; char name[]; };
#define ENTRY_SIZE(name_length) ROUND_UP(sizeof(struct entry) + (name_length), 4)

#endif

/* vfs.h: files as the kernel sees them. An inode is a thing with contents; a file is one that somebody has
 * opened; a directory gives inodes names. */
#ifndef VFS_H
#define VFS_H
#include "kernel.h"

struct inode {
    u32 users;             /* open files, mappings, working directories, and each name it has in memory */
    u32 mode, links;       /* mode: S_IF... and permissions */
    u64 number, size;
    u32 device;            /* of a device file: major << 8 | minor */
    u64 modified;          /* ns since 1970 */
    const struct inode_ops *ops;
    struct inode *parent;  /* of a directory */
    struct inode *mounted; /* of a directory: the root of what is mounted on it */
    struct inode *covers;  /* of a root: what it is mounted on */
    struct mount *mount;   /* which file system it belongs to; null: the memory's own */
    const struct file_ops *file_ops; /* of a device: what its files can do, with `data` for theirs */
    void *data;            /* the file system's own */
};

struct file;
struct name { u64 number; u32 mode; char text[256]; }; /* one name in a directory, as list() tells it */

/* What a file system must know to do. Null: that cannot be done (-EPERM). Names come without a slash; lookup
 * and create give an inode with one more user. Offsets are in bytes. All may sleep. */
struct inode_ops {
    long (*read)(struct inode *inode, void *to, u64 n, u64 offset);
    long (*write)(struct inode *inode, const void *from, u64 n, u64 offset);
    long (*truncate)(struct inode *inode, u64 size);
    /* A page of contents for mappings, with one more user; null: mappings get a copy by read(). */
    void *(*page)(struct inode *inode, u64 index, int create);
    long (*lookup)(struct inode *directory, const char *name, struct inode **found);
    /* The position-th name but for . and ..; 0 at the end, 1 otherwise. */
    long (*list)(struct inode *directory, u64 position, struct name *name);
    long (*create)(struct inode *directory, const char *name, u32 mode, struct inode **made);
    /* A directory that moves is linked to its new name before it is unlinked from the old one. */
    long (*link)(struct inode *directory, const char *name, struct inode *inode);
    long (*unlink)(struct inode *directory, const char *name, struct inode *inode);
    void (*release)(struct inode *inode); /* nobody uses it any more: free what it holds */
};

struct file {
    u32 users, flags;    /* flags: O_... */
    u64 position;
    struct inode *inode; /* null: a pipe or a socket */
    const struct file_ops *ops;
    void *data;
};

/* What an open file can do. Bytes are in kernel memory; n is at most a page. Reads and writes wait unless
 * flags has O_NONBLOCK (-EAGAIN), and may be interrupted (-ERESTART, or how much was done before). */
struct file_ops {
    long (*read)(struct file *file, void *to, u64 n);
    long (*write)(struct file *file, const void *from, u64 n);
    long (*ioctl)(struct file *file, u32 request, u64 argument); /* mostly an address. May be null */
    u32 (*poll)(struct file *file);   /* POLLIN ... that hold now; no waiting. Null: always ready */
    void (*close)(struct file *file); /* the last user is gone. May be null */
};

/* What is mounted: the memory's own root, or a disk, with a file system that ext2.c knows. */
struct mount {
    struct mount *next;
    const char *type;
    char source[64], target[64];
    struct inode *root;
    void *data; /* ext2.c's own; null: memory */
};
extern struct mount *mounts;
long ext2_open(struct mount *mount, const char *source); /* fills root, with a user for the mount, and data */
long ext2_sync(struct mount *mount);
void ext2_unmounted(struct mount *mount); /* nobody uses it */
/* ---- vfs.c -------------------------------------------------------------------------------------------- */
#define PATH_MAX 1024
void vfs_init(void);
struct inode *inode_new(u32 mode, const struct inode_ops *ops); /* one user, or null */
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);
/* Where a path leads: the directory of its last name, that name, and what it names; null: nothing yet. */
struct place { struct inode *directory, *inode; char name[256]; };
long place_of(u64 at, u64 path, int follow, struct place *place); /* of a system call's arguments */
long place_make(struct place *place, u32 mode);
void place_put(struct place *place);
long path_find(const char *path, struct inode **found); /* from the working directory */
struct inode *path_make(const char *path, u32 mode); /* it may be there; for the kernel's own files */
/* ---- memfs.c, file.c, tty.c, proc.c ----------------------------------------------------------------- */
extern const struct inode_ops memory_ops;
struct inode *memory_inode(u32 mode);
void initrd_unpack(void);
struct file *file_new(const struct file_ops *ops, void *data, u32 flags); /* one user, or null */
void file_put(struct file *file);
struct file *file_by_number(u64 fd); /* null: -EBADF. Good until the call ends */
/* The lowest free number from `first` on. Takes over the user; flags: O_CLOEXEC or not; -EMFILE. */
long file_number(struct file *file, u64 first, u64 flags);
long inode_open(struct inode *inode, u32 flags, struct file **opened);
long sys_truncate(struct place *place, u64 size);
/* Makes /dev/NAME: opening it gives a file with these operations and data. Null: no memory. */
struct inode *device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops, void *data);
void devices_init(void);
void proc_init(void);
#endif

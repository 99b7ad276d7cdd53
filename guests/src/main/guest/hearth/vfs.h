/*
 * vfs.h: files as the kernel sees them. An inode is a thing with contents; a file is one that
 * somebody has opened; a directory gives inodes names.
 */
#ifndef VFS_H
#define VFS_H

#include "kernel.h"

struct inode {
    u32 users;            /* open files, mappings, working directories, and each name it has */
    u32 mode, links;      /* mode: S_IF... and permissions */
    u64 number, size;
    u32 device;           /* of a device file: major << 8 | minor */
    u64 modified;         /* ns since 1970 */
    const struct inode_ops *ops;
    struct inode *parent; /* of a directory */
    struct inode *mounted; /* of a directory: the root of what is mounted on it */
    struct inode *covers; /* of a root: what it is mounted on */
    struct mount *mount;  /* which file system it belongs to; null: the memory's own */
    void *data;           /* the file system's own */
};

struct file;

/* One name in a directory, as list() tells it. */
struct name { u64 number; u32 mode; char text[256]; };

/* What a file system must know to do. Null: that cannot be done (-EPERM). Names come without a
 * slash; lookup and create give an inode with one more user. Offsets are in bytes. All may sleep. */
struct inode_ops {
    long (*read)(struct inode *inode, void *to, u64 n, u64 offset);
    long (*write)(struct inode *inode, const void *from, u64 n, u64 offset);
    long (*truncate)(struct inode *inode, u64 size);
    /* A page of contents for mappings, with one more user; null: mappings get a copy by read(). */
    void *(*page)(struct inode *inode, u64 index, int create);
    long (*lookup)(struct inode *directory, const char *name, struct inode **found);
    /* The position-th name, 0 being the first behind . and ..; 0 at the end, 1 otherwise. */
    long (*list)(struct inode *directory, u64 position, struct name *name);
    long (*create)(struct inode *directory, const char *name, u32 mode, struct inode **made);
    long (*link)(struct inode *directory, const char *name, struct inode *inode);
    long (*unlink)(struct inode *directory, const char *name, struct inode *inode);
    long (*open)(struct inode *inode, struct file *file); /* may set file->ops and data */
    void (*release)(struct inode *inode); /* nobody uses it any more: free what it holds */
};

struct file {
    u32 users;
    u32 flags;           /* O_... */
    u64 position;
    struct inode *inode; /* null: a socket or the like without a name */
    const struct file_ops *ops;
    void *data;
};

/* What an open file can do. Bytes are in kernel memory; n is at most a page for all but regular
 * files. Reads and writes wait unless flags has O_NONBLOCK (-EAGAIN), and may be interrupted
 * (-ERESTART, or how much was done before). Null: -EINVAL, ioctl -ENOTTY, poll: always ready. */
struct file_ops {
    long (*read)(struct file *file, void *to, u64 n);
    long (*write)(struct file *file, const void *from, u64 n);
    long (*ioctl)(struct file *file, u32 request, u64 argument); /* argument: an address, mostly */
    u32 (*poll)(struct file *file);  /* POLLIN ... that hold now; no waiting */
    void (*close)(struct file *file); /* the last user is gone */
};

/* ---- vfs.c: inodes, paths, mounts ------------------------------------------------------------ */

extern struct inode *root_inode;
void vfs_init(void);
void mount_kernels_own(void); /* /dev and /proc */
struct inode *inode_new(u32 mode, const struct inode_ops *ops); /* one user, or null */
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);
long path_find(const char *path, int follow, struct inode **found);
/* The directory a path's last name is in, and that name. */
long path_parent(const char *path, struct inode **directory, char *last);
long path_make(const char *path, u32 mode, struct inode **made); /* made may be null */
long mount_root(struct mount *mount, const char *target);
long path_of(struct inode *directory, char *to, u64 room);       /* length */
#define PATH_MAX 1024

/* A mounted file system. `root` is the root's inode, with a user for the mount. */
struct mount {
    struct mount *next;
    const char *type;
    char source[64], target[64];
    struct inode *root;
    long (*sync)(struct mount *mount);               /* may be null */
    void (*unmounted)(struct mount *mount);          /* free everything; nobody uses it */
    long (*space)(struct mount *mount, struct statfs *answer); /* may be null */
    void *data;
};
extern struct mount *mounts;
/* What sys_mount calls for a type: fills root and the functions. */
struct mount_type {
    struct mount_type *next;
    const char *name;
    long (*open)(struct mount *mount, const char *source, u32 flags);
};
void mount_type_register(struct mount_type *type);
long mount_at(const char *source, const char *target, const char *type, u32 flags);

/* ---- memfs.c: files in memory, and the initial RAM disk -------------------------------------- */

extern const struct inode_ops memory_ops;
struct inode *memory_inode(u32 mode);
void initrd_unpack(void);

/* ---- file.c: open files ---------------------------------------------------------------------- */

struct file *file_new(const struct file_ops *ops, void *data, u32 flags); /* one user, or null */
long file_open(const char *path, u32 flags, u32 mode, struct file **opened);
long inode_open(struct inode *inode, u32 flags, struct file **opened);
void file_get(struct file *file);
void file_put(struct file *file);
struct file *file_by_number(u64 fd);           /* null: -EBADF. Good until the call ends. */
long file_number(struct file *file, int close_on_exec); /* takes over the user; fd or -EMFILE */
void files_close_all(struct file_table *table);
extern const struct file_ops regular_ops;
long poll_wait(u64 deadline);                  /* sleeps until any wakeup() */

struct path_walk { char *path; struct inode *directory; int begins_elsewhere; long error; };
char *path_begin(u64 at, u64 address, struct path_walk *walk);
long path_end(struct path_walk *walk, long result);

/* ---- tty.c, pipe.c, proc.c ------------------------------------------------------------------- */

/* Makes /dev/NAME: opening it gives a file with these operations and data. */
long device_register(const char *name, u32 mode, u32 number, const struct file_ops *ops,
                     void *data);
void devices_init(void);
long device_open(struct inode *inode, struct file *file);
void random_bytes(void *to, u64 n);
long pipe_new(struct file **read_end, struct file **write_end);

void proc_init(void);
/* Makes /proc/NAME (one slash may be in it, as in net/dev): a text, made anew when it is opened. */
struct proc_file { struct proc_file *next; const char *name; void (*print)(struct text *text); };
void proc_register(struct proc_file *file);

#endif

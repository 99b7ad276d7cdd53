/*
 * names.c: system calls that take the names of files: look at them, make, move and remove them.
 */
#include "kernel.h"

/* ---- Looking ------------------------------------------------------------------------------------------ */

long place_of(u64 at, u64 address, int follow, struct place *place) {
    char *path = kmalloc(PATH_MAX);
    struct file *file = file_by_number(at);
    long error = path == 0 ? -ENOMEM : MIN(string_from_user(path, address, PATH_MAX), 0);
    int is_here = (int)at == AT_FDCWD || (error == 0 && *path == '/');
    if (error == 0 && !is_here && (file == 0 || file->inode == 0)) error = -EBADF;
    if (error == 0) error = path_walk(is_here ? current->directory : file->inode, path, follow, place);
    kfree(path);
    return error;
}

/* What a path leads to, with one user more. Without a path, or with an empty one: the open file `at`. */
static long inode_of(u64 at, u64 path, int follow, struct inode **found) {
    struct place place;
    struct file *file = file_by_number(at);
    char first = 'x';
    if (path == 0 || (copy_from_user(&first, path, 1) == 0 && first == '\0' && (int)at != AT_FDCWD)) {
        if (file == 0 || file->inode == 0) return -EBADF;
        inode_get(*found = file->inode);
        return 0;
    }
    long error = place_of(at, path, follow, &place);
    if (error != 0) return error;
    inode_put(place.directory);
    return (*found = place.inode) == 0 ? -ENOENT : 0;
}

static long tell_stat(struct inode *inode, u64 to) {
    struct timespec modified = {inode->modified / NANOS_PER_SECOND, inode->modified % NANOS_PER_SECOND};
    struct stat stat = {
        .st_dev = inode->mount == 0 ? 1 : (u64)virt_to_pfn(inode->mount), .st_ino = inode->number,
        .st_nlink = inode->links, .st_mode = inode->mode, .st_rdev = inode->device, .st_size = inode->size,
        .st_blksize = PAGE_SIZE, .st_blocks = ROUND_UP(inode->size, PAGE_SIZE) / 512,
        .st_atim = modified, .st_mtim = modified, .st_ctim = modified};
    return copy_to_user(to, &stat, sizeof(stat));
}

long sys_newfstatat(u64 at, u64 path, u64 to, u64 flags) {
    struct inode *inode, unnamed = {.mode = S_IFIFO | 0600, .links = 1};
    struct file *file = file_by_number(at);
    if (flags & AT_EMPTY_PATH && file != 0 && file->inode == 0) return tell_stat(&unnamed, to);
    long error = inode_of(at, path, !(flags & AT_SYMLINK_NOFOLLOW), &inode);
    if (error == 0) error = tell_stat(inode, to), inode_put(inode);
    return error;
}

/* There is one user, root, who may do everything but execute what is no program. */
long sys_faccessat(u64 at, u64 path, u64 mode) {
    struct inode *inode;
    long error = inode_of(at, path, 1, &inode);
    if (error != 0) return error;
    if (mode & 1 && !(inode->mode & 0111)) error = -EACCES;
    inode_put(inode);
    return error;
}

long sys_readlinkat(u64 at, u64 path, u64 to, u64 room) {
    struct inode *inode;
    char text[PATH_MAX];
    long length = inode_of(at, path, 0, &inode);
    if (length != 0) return length;
    length = !S_IS(inode->mode, LNK) ? -EINVAL : inode->ops->read(inode, text, MIN(room, sizeof(text)), 0);
    inode_put(inode);
    return length > 0 && copy_to_user(to, text, length) != 0 ? -EFAULT : length;
}

/* Positions 0 and 1 are . and .. */
static long name_at(struct inode *directory, u64 position, struct name *name) {
    if (position >= 2) return directory->ops->list(directory, position - 2, name);
    *name = (struct name){.number = directory->number, .mode = S_IFDIR, .text = ".."};
    name->text[position + 1] = '\0';
    return 1;
}

long sys_getdents64(u64 fd, u64 to, u64 room) {
    struct file *file = file_by_number(fd);
    struct { struct dirent64 head; char name[sizeof(((struct name *)0)->text) + 8]; } record;
    struct name name;
    u64 done = 0;
    long more;
    if (file == 0 || file->inode == 0) return -EBADF;
    if (!S_IS(file->inode->mode, DIR)) return -ENOTDIR;
    while ((more = name_at(file->inode, file->position, &name)) == 1) {
        u64 length = strlen(name.text) + 1, size = ROUND_UP(sizeof(record.head) + length, 8);
        if (done + size > room) return done == 0 ? -EINVAL : (long)done;
        record.head = (struct dirent64){.d_ino = name.number, .d_off = ++file->position, .d_reclen = size,
                                        .d_type = name.mode >> 12};
        memcpy(record.name, name.text, length);
        if (copy_to_user(to + done, &record, size) != 0) return -EFAULT;
        done += size;
    }
    return more < 0 ? more : (long)done;
}

long sys_chdir(u64 path) {
    struct inode *inode;
    long error = inode_of(AT_FDCWD, path, 1, &inode);
    if (error != 0) return error;
    if (!S_IS(inode->mode, DIR)) return inode_put(inode), -ENOTDIR;
    inode_put(current->directory);
    current->directory = inode;
    return 0;
}

/* ---- Making, moving and removing ---------------------------------------------------------------------- */

long sys_mkdirat(u64 at, u64 path, u64 mode) {
    struct place place;
    long error = place_of(at, path, 0, &place);
    if (error != 0) return error;
    error = place_make(&place, S_IFDIR | (mode & 07777 & ~current->umask));
    place_put(&place);
    return error;
}

long sys_symlinkat(u64 text_address, u64 at, u64 path) {
    char text[PATH_MAX];
    struct place place;
    long length = string_from_user(text, text_address, sizeof(text));
    long error = length < 0 ? length : place_of(at, path, 0, &place);
    if (error != 0) return error;
    error = place_make(&place, S_IFLNK | 0777);
    if (error == 0) error = MIN(place.inode->ops->write(place.inode, text, length, 0), 0);
    place_put(&place);
    return error;
}

static long remove(struct place *place, int wants_directory) {
    struct inode *inode = place->inode;
    struct name first;
    if (inode == 0) return -ENOENT;
    if (inode->covers != 0 || place->directory == 0 || streq(place->name, ".") || streq(place->name, "..")) {
        return -EBUSY;
    }
    if (S_IS(inode->mode, DIR) != wants_directory) return wants_directory ? -ENOTDIR : -EISDIR;
    if (wants_directory && inode->ops->list(inode, 0, &first) == 1) return -ENOTEMPTY;
    if (place->directory->ops->unlink == 0) return -EPERM;
    long error = place->directory->ops->unlink(place->directory, place->name, inode);
    if (error == 0) inode->links--;
    return error;
}

long sys_unlinkat(u64 at, u64 path, u64 flags) {
    struct place place;
    long error = place_of(at, path, 0, &place);
    if (error != 0) return error;
    error = remove(&place, (flags & AT_REMOVEDIR) != 0);
    place_put(&place);
    return error;
}

/* A second name, and with `moving` no first one any more. What had the name is removed. */
static long give_name(struct place *old, struct place *new, int moving) {
    struct inode *inode = old->inode, *from = old->directory, *to = new->directory;
    if (inode == 0) return -ENOENT;
    if (from == 0 || to == 0 || inode->covers != 0) return -EBUSY;
    if (to->ops->link == 0 || from->ops != to->ops || from->mount != to->mount) return -EXDEV;
    int is_directory = S_IS(inode->mode, DIR);
    if (is_directory && !moving) return -EPERM;
    for (struct inode *above = to; above != 0; above = above->parent) if (above == inode) return -EINVAL;
    if (new->inode == inode && moving) return 0;
    long error = new->inode == 0 ? 0 : moving ? remove(new, is_directory) : -EEXIST;
    if (error == 0) error = to->ops->link(to, new->name, inode);
    if (error != 0) return error;
    if (!moving) {
        inode->links++;
        return 0;
    }
    if (is_directory && from != to) {
        inode_get(inode->parent = to);
        inode_put(from);
    }
    return from->ops->unlink(from, old->name, inode);
}

static long link_or_move(u64 from_at, u64 from, u64 to_at, u64 to, int moving) {
    struct place old, new;
    long error = place_of(from_at, from, 0, &old);
    if (error != 0) return error;
    if ((error = place_of(to_at, to, 0, &new)) == 0) {
        error = give_name(&old, &new, moving);
        place_put(&new);
    }
    place_put(&old);
    return error;
}

long sys_linkat(u64 from_at, u64 from, u64 to_at, u64 to) {
    return link_or_move(from_at, from, to_at, to, 0);
}

long sys_renameat(u64 from_at, u64 from, u64 to_at, u64 to) {
    return link_or_move(from_at, from, to_at, to, 1);
}

/* ---- Changing ----------------------------------------------------------------------------------------- */

long sys_fchmodat(u64 at, u64 path, u64 mode) {
    struct inode *inode;
    long error = inode_of(at, path, 1, &inode);
    if (error != 0) return error;
    inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
    inode_put(inode);
    return 0;
}

long sys_utimensat(u64 at, u64 path, u64 times) {
    struct timespec time[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct inode *inode;
    if (times != 0 && copy_from_user(time, times, sizeof(time)) != 0) return -EFAULT;
    long error = inode_of(at, path, 1, &inode);
    if (error != 0) return error;
    inode->modified = time[1].tv_nsec == UTIME_NOW ? wall_clock()
                      : time[1].tv_sec * NANOS_PER_SECOND + time[1].tv_nsec;
    inode_put(inode);
    return 0;
}

long sys_umask(u64 mask) {
    u32 old = current->umask;
    current->umask = mask & 0777;
    return old;
}

/* The older forms begin at the working directory; those for open files have no path. */
long sys_stat(u64 path, u64 to) { return sys_newfstatat(AT_FDCWD, path, to, 0); }
long sys_lstat(u64 path, u64 to) { return sys_newfstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW); }
long sys_fstat(u64 fd, u64 to) { return sys_newfstatat(fd, 0, to, AT_EMPTY_PATH); }
long sys_access(u64 path, u64 mode) { return sys_faccessat(AT_FDCWD, path, mode); }
long sys_readlink(u64 path, u64 to, u64 room) { return sys_readlinkat(AT_FDCWD, path, to, room); }
long sys_mkdir(u64 path, u64 mode) { return sys_mkdirat(AT_FDCWD, path, mode); }
long sys_symlink(u64 text, u64 path) { return sys_symlinkat(text, AT_FDCWD, path); }
long sys_unlink(u64 path) { return sys_unlinkat(AT_FDCWD, path, 0); }
long sys_rmdir(u64 path) { return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
long sys_link(u64 from, u64 to) { return sys_linkat(AT_FDCWD, from, AT_FDCWD, to); }
long sys_rename(u64 from, u64 to) { return sys_renameat(AT_FDCWD, from, AT_FDCWD, to); }
long sys_chmod(u64 path, u64 mode) { return sys_fchmodat(AT_FDCWD, path, mode); }
long sys_fchmod(u64 fd, u64 mode) { return sys_fchmodat(fd, 0, mode); }

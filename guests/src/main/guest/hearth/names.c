/*
 * names.c: system calls on files that have names. They get a place instead of a path, or of an open file's
 * number: syscall.c walks the way.
 */
#include "kernel.h"

long sys_stat(struct place *place, u64 to) {
    struct inode *inode = place->inode;
    struct timespec modified = {inode->modified / NANOS_PER_SECOND, inode->modified % NANOS_PER_SECOND};
    struct stat stat = {
        .st_dev = inode->mount == 0 ? 1 : (u64)virt_to_pfn(inode->mount), .st_ino = inode->number,
        .st_nlink = inode->links, .st_mode = inode->mode, .st_rdev = inode->device, .st_size = inode->size,
        .st_blksize = PAGE_SIZE, .st_blocks = ROUND_UP(inode->size, PAGE_SIZE) / 512,
        .st_atim = modified, .st_mtim = modified, .st_ctim = modified};
    return copy_to_user(to, &stat, sizeof(stat));
}

long sys_newfstatat(struct place *place, u64 to, u64 flags) {
    long error = flags & AT_SYMLINK_NOFOLLOW ? 0 : place_follow(place);
    return error != 0 ? error : sys_stat(place, to);
}

/* There is one user, root, who may do everything but execute what is no program. */
long sys_access(struct place *place, u64 mode) {
    return mode & 1 && !(place->inode->mode & 0111) ? -EACCES : 0;
}

long sys_readlink(struct place *place, u64 to, u64 room) {
    char text[PATH_MAX];
    if (!S_IS(place->inode->mode, LNK)) return -EINVAL;
    long length = place->inode->ops->read(place->inode, text, MIN(room, sizeof(text)), 0);
    return length > 0 && copy_to_user(to, text, length) != 0 ? -EFAULT : length;
}

long sys_chdir(struct place *place) {
    if (!S_IS(place->inode->mode, DIR)) return -ENOTDIR;
    inode_get(place->inode);
    inode_put(current->directory);
    current->directory = place->inode;
    return 0;
}

long sys_chmod(struct place *place, u64 mode) {
    place->inode->mode = (place->inode->mode & S_IFMT) | (mode & 07777);
    return 0;
}

long sys_truncate(struct place *place, u64 size) {
    struct inode *inode = place->inode;
    if (!S_IS(inode->mode, REG)) return -EINVAL;
    return inode->ops->truncate == 0 ? -EROFS : inode->ops->truncate(inode, size);
}

long sys_utimensat(struct place *place, u64 times) {
    struct timespec time[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    if (times != 0 && copy_from_user(time, times, sizeof(time)) != 0) return -EFAULT;
    place->inode->modified = time[1].tv_nsec == UTIME_NOW ? wall_clock()
                             : time[1].tv_sec * NANOS_PER_SECOND + time[1].tv_nsec;
    return 0;
}

/* ---- Making, moving and removing names ---------------------------------------------------------------- */
long sys_mkdir(struct place *place, u64 mode) { return place_make(place, S_IFDIR | (mode & 0755)); }

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
    struct inode *inode = place->inode, *directory = place->directory;
    struct name first;
    if (inode == 0) return -ENOENT;
    if (inode->covers != 0 || directory == 0 || is_dot_name(place->name)) return -EBUSY;
    if (S_IS(inode->mode, DIR) != wants_directory) return wants_directory ? -ENOTDIR : -EISDIR;
    if (wants_directory && inode->ops->list(inode, 0, &first) == 1) return -ENOTEMPTY;
    long error = directory->ops->unlink == 0 ? -EPERM : directory->ops->unlink(directory, place->name, inode);
    if (error == 0) inode->links--;
    return error;
}

long sys_unlinkat(struct place *place, u64 flags) { return remove(place, (flags & AT_REMOVEDIR) != 0); }
long sys_unlink(struct place *place) { return remove(place, 0); }
long sys_rmdir(struct place *place) { return remove(place, 1); }

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
    if (!moving) return inode->links++, 0;
    if (is_directory && from != to) inode_get(inode->parent = to), inode_put(from);
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

long sys_linkat(u64 from_at, u64 from, u64 at, u64 to) { return link_or_move(from_at, from, at, to, 0); }
long sys_renameat(u64 from_at, u64 from, u64 at, u64 to) { return link_or_move(from_at, from, at, to, 1); }
/* The older calls begin at the working directory. */
long sys_symlink(u64 text, u64 path) { return sys_symlinkat(text, AT_FDCWD, path); }
long sys_link(u64 from, u64 to) { return link_or_move(AT_FDCWD, from, AT_FDCWD, to, 0); }
long sys_rename(u64 from, u64 to) { return link_or_move(AT_FDCWD, from, AT_FDCWD, to, 1); }

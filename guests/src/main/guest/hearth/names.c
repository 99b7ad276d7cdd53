/*
 * names.c: system calls that take the names of files: look at them, make and remove them.
 */
#include "kernel.h"

/* ---- Looking ------------------------------------------------------------------------------------------ */

static long tell_stat(struct inode *inode, u64 to) {
    struct timespec modified = {inode->modified / NANOS_PER_SECOND, inode->modified % NANOS_PER_SECOND};
    struct stat stat = {
        .st_dev = inode->mount == 0 ? 1 : (u64)virt_to_pfn(inode->mount), .st_ino = inode->number,
        .st_nlink = inode->links, .st_mode = inode->mode, .st_rdev = inode->device,
        .st_size = inode->size, .st_blksize = PAGE_SIZE, .st_blocks = ROUND_UP(inode->size, 4096) / 512,
        .st_atim = modified, .st_mtim = modified, .st_ctim = modified};
    return copy_to_user(to, &stat, sizeof(stat));
}

long sys_fstat(u64 fd, u64 to) {
    struct file *file = file_by_number(fd);
    struct inode unnamed = {.mode = S_IFIFO | 0600, .links = 1}; /* a pipe, a socket */
    if (file == 0) return -EBADF;
    return tell_stat(file->inode != 0 ? file->inode : &unnamed, to);
}

/* What a path of a system call leads to, with one user more. */
static long find(u64 at, u64 path, int follow, struct inode **found) {
    struct path_walk walk;
    path_begin(at, path, &walk);
    return path_end(&walk, walk.error != 0 ? 0 : path_find(walk.path, follow, found));
}

long sys_newfstatat(u64 at, u64 path, u64 to, u64 flags) {
    struct inode *inode;
    char first = 0;
    if (flags & AT_EMPTY_PATH && copy_from_user(&first, path, 1) == 0 && first == '\0') {
        return sys_fstat(at, to);
    }
    long error = find(at, path, !(flags & AT_SYMLINK_NOFOLLOW), &inode);
    if (error != 0) return error;
    error = tell_stat(inode, to);
    inode_put(inode);
    return error;
}

long sys_stat(u64 path, u64 to) {
    return sys_newfstatat(AT_FDCWD, path, to, 0);
}

long sys_lstat(u64 path, u64 to) {
    return sys_newfstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

/* There is one user, root, who may do everything but execute what is no program. */
long sys_faccessat(u64 at, u64 path, u64 mode) {
    struct inode *inode;
    long error = find(at, path, 1, &inode);
    if (error != 0) return error;
    if (mode & 1 && !(inode->mode & 0111)) error = -EACCES;
    inode_put(inode);
    return error;
}

long sys_access(u64 path, u64 mode) {
    return sys_faccessat(AT_FDCWD, path, mode);
}

long sys_readlinkat(u64 at, u64 path, u64 to, u64 room) {
    struct inode *inode;
    char text[PATH_MAX / 4];
    long length = find(at, path, 0, &inode);
    if (length != 0) return length;
    length = -EINVAL;
    if (S_IS(inode->mode, LNK)) length = inode->ops->read(inode, text, MIN(room, sizeof(text)), 0);
    inode_put(inode);
    if (length > 0 && copy_to_user(to, text, length) != 0) return -EFAULT;
    return length;
}

long sys_readlink(u64 path, u64 to, u64 room) {
    return sys_readlinkat(AT_FDCWD, path, to, room);
}

/* Positions 0 and 1 are . and .. */
static long name_at(struct inode *directory, u64 position, struct name *name) {
    if (position >= 2) return directory->ops->list(directory, position - 2, name);
    name->number = directory->number;
    name->mode = S_IFDIR;
    copy_string(name->text, position == 0 ? "." : "..", 3);
    return 1;
}

long sys_getdents64(u64 fd, u64 to, u64 room) {
    struct file *file = file_by_number(fd);
    u64 done = 0;
    if (file == 0 || file->inode == 0) return -EBADF;
    if (file->inode->ops->list == 0 || !S_IS(file->inode->mode, DIR)) return -ENOTDIR;
    struct name *name = kmalloc(sizeof(*name));
    struct dirent64 *record = kmalloc(sizeof(*record) + sizeof(name->text) + 8);
    long error = name == 0 || record == 0 ? -ENOMEM : 0;
    while (error == 0 && (error = name_at(file->inode, file->position, name)) == 1) {
        u64 length = strlen(name->text) + 1, size = ROUND_UP(sizeof(*record) + length, 8);
        error = 0;
        if (done + size > room) {
            if (done == 0) error = -EINVAL;
            break;
        }
        file->position++;
        *record = (struct dirent64){.d_ino = name->number, .d_off = file->position,
                                    .d_reclen = size, .d_type = name->mode >> 12};
        memcpy(record->d_name, name->text, length);
        error = copy_to_user(to + done, record, size);
        done += size;
    }
    kfree(name), kfree(record);
    return error < 0 ? error : (long)done;
}

static long tell_statfs(struct inode *inode, u64 to) {
    struct statfs answer = {.f_type = 0x01021994 /* tmpfs */, .f_bsize = PAGE_SIZE,
        .f_frsize = PAGE_SIZE, .f_blocks = pages_total, .f_bfree = pages_free,
        .f_bavail = pages_free, .f_namelen = 255};
    if (inode->mount != 0 && inode->mount->space != 0) inode->mount->space(inode->mount, &answer);
    return copy_to_user(to, &answer, sizeof(answer));
}

long sys_statfs(u64 path, u64 to) {
    struct inode *inode;
    long error = find(AT_FDCWD, path, 1, &inode);
    if (error != 0) return error;
    error = tell_statfs(inode, to);
    inode_put(inode);
    return error;
}

long sys_fstatfs(u64 fd, u64 to) {
    struct file *file = file_by_number(fd);
    return file == 0 || file->inode == 0 ? -EBADF : tell_statfs(file->inode, to);
}

/* ---- Where we are --------------------------------------------------------------------------------------- */

static long enter_directory(struct inode *inode) {
    if (!S_IS(inode->mode, DIR)) return inode_put(inode), -ENOTDIR;
    inode_put(current->directory);
    current->directory = inode;
    return 0;
}

long sys_chdir(u64 path) {
    struct inode *inode;
    long error = find(AT_FDCWD, path, 1, &inode);
    return error != 0 ? error : enter_directory(inode);
}

long sys_fchdir(u64 fd) {
    struct file *file = file_by_number(fd);
    if (file == 0 || file->inode == 0) return -EBADF;
    inode_get(file->inode);
    return enter_directory(file->inode);
}

long sys_getcwd(u64 to, u64 room) {
    char path[PATH_MAX / 4];
    long length = path_of(current->directory != 0 ? current->directory : root_inode, path, sizeof(path));
    if (length < 0) return length;
    if ((u64)length + 1 > room) return -ERANGE;
    return copy_to_user(to, path, length + 1) != 0 ? -EFAULT : length + 1;
}

/* ---- Making and removing ----------------------------------------------------------------------------------- */

static long make(u64 at, u64 path, u32 mode, const char *contents, u32 device) {
    struct path_walk walk;
    struct inode *inode;
    path_begin(at, path, &walk);
    long error = walk.error != 0 ? 0 : path_make(walk.path, mode, &inode);
    if (walk.error == 0 && error == 0) {
        inode->device = device;
        if (contents != 0) error = inode->ops->write(inode, contents, strlen(contents), 0);
        inode_put(inode);
    }
    return path_end(&walk, MIN(error, 0));
}

long sys_mkdirat(u64 at, u64 path, u64 mode) {
    return make(at, path, S_IFDIR | (mode & 07777 & ~current->umask), 0, 0);
}

long sys_mkdir(u64 path, u64 mode) {
    return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(u64 at, u64 path, u64 mode, u64 device) {
    if ((mode & S_IFMT) == 0) mode |= S_IFREG;
    if (!S_IS(mode, REG) && !S_IS(mode, CHR) && !S_IS(mode, BLK)) return -EPERM; /* pipes have no names */
    return make(at, path, mode & ~current->umask, 0, device);
}

long sys_mknod(u64 path, u64 mode, u64 device) {
    return sys_mknodat(AT_FDCWD, path, mode, device);
}

long sys_symlinkat(u64 text_address, u64 at, u64 path) {
    char text[PATH_MAX / 4];
    long length = string_from_user(text, text_address, sizeof(text));
    return length < 0 ? length : make(at, path, S_IFLNK | 0777, text, 0);
}

long sys_symlink(u64 text, u64 path) {
    return sys_symlinkat(text, AT_FDCWD, path);
}

static long remove(struct inode *directory, const char *name, int want_directory) {
    struct inode *inode;
    long error = directory->ops->lookup(directory, name, &inode);
    if (error != 0) return error;
    if (S_IS(inode->mode, DIR) != (want_directory != 0)) error = want_directory ? -ENOTDIR : -EISDIR;
    else if (inode->mounted != 0) error = -EBUSY;
    else error = directory->ops->unlink == 0 ? -EPERM : directory->ops->unlink(directory, name, inode);
    if (error == 0) inode->links--;
    inode_put(inode);
    return error;
}

long sys_unlinkat(u64 at, u64 path, u64 flags) {
    struct path_walk walk;
    struct inode *directory;
    char last[256];
    path_begin(at, path, &walk);
    long error = walk.error != 0 ? 0 : path_parent(walk.path, &directory, last);
    if (walk.error == 0 && error == 0) {
        error = remove(directory, last, flags & AT_REMOVEDIR);
        inode_put(directory);
    }
    return path_end(&walk, error);
}

long sys_unlink(u64 path) {
    return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(u64 path) {
    return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int is_below(struct inode *directory, struct inode *ancestor) {
    while (directory != 0 && directory != ancestor) directory = directory->parent;
    return directory == ancestor;
}

/* A second name in `to`, and with `moving` no first one any more. What had the name is removed. */
static long link_to(struct inode *from, const char *old, u64 at, u64 path, int moving) {
    struct path_walk walk;
    struct inode *to, *inode;
    char last[256];
    path_begin(at, path, &walk);
    long error = walk.error != 0 ? 0 : path_parent(walk.path, &to, last);
    if (walk.error != 0 || error != 0) return path_end(&walk, error);
    error = from->ops->lookup(from, old, &inode);
    if (error == 0) {
        struct inode *there;
        if (from->ops->link == 0 || from->ops != to->ops || from->mount != to->mount) error = -EXDEV;
        else if (S_IS(inode->mode, DIR) && !moving) error = -EPERM;
        else if (is_below(to, inode)) error = -EINVAL; /* into itself */
        else if (to->ops->lookup(to, last, &there) == 0) {
            int same = there == inode, is_directory = S_IS(there->mode, DIR);
            inode_put(there);
            error = same ? 1 : !moving ? -EEXIST : remove(to, last, is_directory);
        }
        if (error == 0) error = to->ops->link(to, last, inode);
        if (error == 0 && moving) error = from->ops->unlink(from, old, inode);
        if (error == 0 && !moving) inode->links++;
        if (error == 0 && moving && S_IS(inode->mode, DIR) && inode->parent != to) {
            inode_put(inode->parent);
            inode_get(inode->parent = to);
        }
        inode_put(inode);
    }
    inode_put(to);
    return path_end(&walk, MIN(error, 0));
}

static long link_from(u64 from_at, u64 from, u64 to_at, u64 to, int moving) {
    struct path_walk walk;
    struct inode *directory;
    char last[256];
    path_begin(from_at, from, &walk);
    long error = walk.error != 0 ? 0 : path_parent(walk.path, &directory, last);
    int found = walk.error == 0 && error == 0;
    error = path_end(&walk, error);
    if (found) {
        error = link_to(directory, last, to_at, to, moving);
        inode_put(directory);
    }
    return error;
}

long sys_linkat(u64 from_at, u64 from, u64 to_at, u64 to) {
    return link_from(from_at, from, to_at, to, 0);
}

long sys_link(u64 from, u64 to) {
    return link_from(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_renameat(u64 from_at, u64 from, u64 to_at, u64 to) {
    return link_from(from_at, from, to_at, to, 1);
}

long sys_rename(u64 from, u64 to) {
    return link_from(AT_FDCWD, from, AT_FDCWD, to, 1);
}

/* ---- Changing ------------------------------------------------------------------------------------------------ */

long sys_fchmodat(u64 at, u64 path, u64 mode) {
    struct inode *inode;
    long error = find(at, path, 1, &inode);
    if (error != 0) return error;
    inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
    inode_put(inode);
    return 0;
}

long sys_chmod(u64 path, u64 mode) {
    return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(u64 fd, u64 mode) {
    struct file *file = file_by_number(fd);
    if (file == 0 || file->inode == 0) return -EBADF;
    file->inode->mode = (file->inode->mode & S_IFMT) | (mode & 07777);
    return 0;
}

long sys_ftruncate(u64 fd, u64 size) {
    struct file *file = file_by_number(fd);
    if (file == 0 || file->inode == 0 || (file->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
    return !S_IS(file->inode->mode, REG) || file->inode->ops->truncate == 0 ? -EINVAL
           : file->inode->ops->truncate(file->inode, size);
}

long sys_truncate(u64 path, u64 size) {
    struct inode *inode;
    long error = find(AT_FDCWD, path, 1, &inode);
    if (error != 0) return error;
    error = S_IS(inode->mode, DIR) ? -EISDIR
            : !S_IS(inode->mode, REG) || inode->ops->truncate == 0 ? -EINVAL : is_program_running(inode) ? -ETXTBSY
            : inode->ops->truncate(inode, size);
    inode_put(inode);
    return error;
}

long sys_utimensat(u64 at, u64 path, u64 times) {
    struct timespec time[2];
    struct file *file = file_by_number(at);
    struct inode *inode = 0;
    long error = times == 0 ? 0 : copy_from_user(time, times, sizeof(time));
    if (error == 0 && path != 0) error = find(at, path, 1, &inode);
    else if (error == 0 && file != 0 && file->inode != 0) inode_get(inode = file->inode);
    if (error != 0 || inode == 0) return error != 0 ? error : -EBADF;
    int is_now = times == 0 || time[1].tv_nsec == 0x3fffffff; /* UTIME_NOW */
    inode->modified = is_now ? wall_clock() : time[1].tv_sec * NANOS_PER_SECOND + time[1].tv_nsec;
    inode_put(inode);
    return 0;
}

long sys_umask(u64 mask) {
    u32 old = current->umask;
    current->umask = mask & 0777;
    return old;
}

long sys_mount(u64 source, u64 target, u64 type, u64 flags) {
    char names[3][64];
    u64 addresses[] = {source, target, type};
    for (int i = 0; i < 3; i++) {
        names[i][0] = '\0';
        long length = addresses[i] == 0 ? 0 : string_from_user(names[i], addresses[i], 64);
        if (length < 0) return length;
    }
    return mount_at(names[0], names[1], names[2], flags);
}

long sys_sync(void) {
    for (struct mount *mount = mounts; mount != 0; mount = mount->next) {
        if (mount->sync != 0) mount->sync(mount);
    }
    return 0;
}

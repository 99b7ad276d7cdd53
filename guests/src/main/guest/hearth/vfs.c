/* vfs.c: from a path to an inode, over symbolic links and from one mounted file system to another. What is in
 * a directory the file system knows (memfs.c, proc.c, and the one on disks). */
#include "kernel.h"
struct mount *mounts;
static struct inode *root_inode;

struct inode *inode_new(u32 mode, const struct inode_ops *ops) {
    static u64 last_number;
    struct inode *inode = kmalloc(sizeof(*inode));
    if (inode == 0) return 0;
    *inode = (struct inode){.users = 1, .mode = mode, .links = 1, .number = ++last_number,
                            .modified = wall_clock(), .ops = ops};
    return inode;
}

void inode_get(struct inode *inode) { if (inode != 0) inode->users++; }

void inode_put(struct inode *inode) {
    if (inode == 0 || --inode->users > 0) return;
    if (inode->ops->release != 0) inode->ops->release(inode);
    struct inode *parent = inode->parent;
    kfree(inode);
    inode_put(parent);
}

static long walk(struct inode *from, const char *path, int follow, int links, struct place *place);

void place_put(struct place *place) { inode_put(place->directory), inode_put(place->inode); }
static int is_dot_name(const char *name) { return streq(name, ".") || streq(name, ".."); }

static struct inode *up(struct inode *directory) {
    while (directory->covers != 0) directory = directory->covers;
    return directory->parent != 0 ? directory->parent : directory;
}

/* From a symbolic link to the place that it names. */
static long follow_link(struct place *place, int links) {
    struct place target;
    char *text = kmalloc(PATH_MAX);
    long error = text == 0 ? -ENOMEM : links == 8 ? -ELOOP
                 : MIN(place->inode->ops->read(place->inode, text, PATH_MAX - 1, 0), 0);
    if (error == 0) error = walk(place->directory, text, 1, links + 1, &target);
    kfree(text);
    if (error != 0) return error;
    place_put(place);
    *place = target;
    return 0;
}

/* Looks for place->name in place->directory. */
static long look(struct place *place, int follow, int links) {
    struct inode *directory = place->directory, *found;
    if (!S_IS(directory->mode, DIR)) return -ENOTDIR;
    if (is_dot_name(place->name)) {
        inode_get(found = place->name[1] == '.' ? up(directory) : directory);
    } else {
        long error = directory->ops->lookup(directory, place->name, &found);
        if (error != 0) return error == -ENOENT ? 0 : error;
        if (S_IS(found->mode, DIR) && found->parent == 0) inode_get(found->parent = directory);
    }
    for (struct inode *root; (root = found->mounted) != 0; found = root) inode_get(root), inode_put(found);
    place->inode = found;
    return follow && S_IS(found->mode, LNK) ? follow_link(place, links) : 0;
}

static long walk(struct inode *from, const char *path, int follow, int links, struct place *place) {
    long error = *path == '\0' ? -ENOENT : 0;
    *place = (struct place){.inode = *path == '/' || from == 0 ? root_inode : from};
    while (place->inode->mounted != 0) place->inode = place->inode->mounted;
    inode_get(place->inode);
    while (error == 0) {
        u64 length = 0;
        while (*path == '/') path++;
        if (*path == '\0') return 0;
        while (path[length] != '/' && path[length] != '\0') length++;
        inode_put(place->directory);
        place->directory = place->inode; /* null: a name in the middle leads nowhere */
        place->inode = 0;
        if (length >= sizeof(place->name)) error = -ENAMETOOLONG;
        else if (place->directory == 0) error = -ENOENT;
        else copy_string(place->name, path, length + 1);
        path += length;
        if (error == 0) error = look(place, follow || *path == '/', links);
    }
    place_put(place);
    return error;
}

long path_find(const char *path, struct inode **found) {
    struct place place;
    long error = walk(current->directory, path, 1, 0, &place);
    if (error == 0) inode_put(place.directory);
    return error != 0 ? error : (*found = place.inode) == 0 ? -ENOENT : 0;
}

/* The path of a process, from the directory whose number is `at`. Without a path: what `at` is. */
long place_of(u64 at, u64 address, int follow, struct place *place) {
    static struct inode unnamed = {.users = 1, .mode = S_IFIFO | 0600, .links = 1}; /* a pipe, a socket */
    char *path = kmalloc(PATH_MAX);
    struct file *file = file_by_number(at);
    struct inode *from = file == 0 ? 0 : file->inode == 0 ? &unnamed : file->inode;
    long error = path == 0 ? -ENOMEM : address == 0 ? 0 : MIN(string_from_user(path, address, PATH_MAX), 0);
    if (error != 0) return kfree(path), error;
    if ((int)at == AT_FDCWD) error = walk(current->directory, path, follow, 0, place);
    else if (from == 0 && *path != '/') error = -EBADF;
    else if (*path == '\0') *place = (struct place){.inode = from}, inode_get(from);
    else error = walk(from, path, follow, 0, place);
    kfree(path);
    return error;
}

long place_make(struct place *place, u32 mode) {
    if (place->inode != 0) return -EEXIST;
    if (place->directory->ops->create == 0) return -EPERM;
    return place->directory->ops->create(place->directory, place->name, mode, &place->inode);
}

struct inode *path_make(const char *path, u32 mode) {
    struct place place;
    if (walk(root_inode, path, 0, 0, &place) != 0) return 0;
    if (place.inode == 0) place_make(&place, mode);
    place_put(&place);
    return place.inode;
}

/* Upwards, looking in each directory for the name of the one below. */
long sys_getcwd(u64 to, u64 room) {
    char path[PATH_MAX];
    struct name name;
    u64 at = sizeof(path) - 1;
    path[at] = '\0';
    for (struct inode *here = current->directory, *parent; here != 0 && up(here) != here; here = parent) {
        while (here->covers != 0) here = here->covers;
        parent = here->parent;
        for (u64 i = 0; parent->ops->list(parent, i, &name) == 1 && name.number != here->number;) i++;
        u64 length = strlen(name.text);
        if (at < length + 1) return -ERANGE;
        memcpy(path + (at -= length), name.text, length);
        path[--at] = '/';
    }
    if (path[at] == '\0') path[--at] = '/';
    u64 length = sizeof(path) - at;
    return length > room ? -ERANGE : copy_to_user(to, path + at, length) != 0 ? -EFAULT : (long)length;
}

/* ---- System calls on what has a name. They get a place instead of a path: syscall.c walks the way ------ */
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
    long error = flags & AT_SYMLINK_NOFOLLOW || !S_IS(place->inode->mode, LNK) ? 0 : follow_link(place, 0);
    return error != 0 ? error : place->inode == 0 ? -ENOENT : sys_stat(place, to);
}

/* There is one user, root, who may do everything but execute what is no program. */
long sys_access(struct place *at, u64 mode) { return mode & 1 && !(at->inode->mode & 0111) ? -EACCES : 0; }

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
    if (is_running(inode)) return -ETXTBSY;
    return inode->ops->truncate == 0 ? -EROFS : inode->ops->truncate(inode, size);
}

long sys_utimensat(struct place *place, u64 times) {
    struct timespec time[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    if (times != 0 && copy_from_user(time, times, sizeof(time)) != 0) return -EFAULT;
    place->inode->modified = time[1].tv_nsec == UTIME_NOW ? wall_clock()
                             : time[1].tv_sec * NANOS_PER_SECOND + time[1].tv_nsec;
    return 0;
}

long sys_mkdir(struct place *place, u64 mode) { return place_make(place, S_IFDIR | (mode & 0755)); }

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

/* The inode gets its new name first, and then loses the old one. What had the new name is removed. */
static long move(struct place *old, struct place *new) {
    struct inode *inode = old->inode, *from = old->directory, *to = new->directory;
    if (inode == 0) return -ENOENT;
    if (from == 0 || to == 0 || inode->covers != 0) return -EBUSY;
    if (to->ops->link == 0 || from->ops != to->ops || from->mount != to->mount) return -EXDEV;
    for (struct inode *above = to; above != 0; above = above->parent) if (above == inode) return -EINVAL;
    if (new->inode == inode) return 0;
    int is_directory = S_IS(inode->mode, DIR);
    long error = new->inode == 0 ? 0 : remove(new, is_directory);
    if (error == 0) error = to->ops->link(to, new->name, inode);
    if (error != 0) return error;
    if (is_directory && from != to) inode_get(inode->parent = to), inode_put(from);
    return from->ops->unlink(from, old->name, inode);
}

long sys_renameat(u64 from_at, u64 from, u64 to_at, u64 to) {
    struct place old, new;
    long error = place_of(from_at, from, 0, &old);
    if (error != 0) return error;
    if ((error = place_of(to_at, to, 0, &new)) == 0) error = move(&old, &new), place_put(&new);
    place_put(&old);
    return error;
}

long sys_rename(u64 from, u64 to) { return sys_renameat(AT_FDCWD, from, AT_FDCWD, to); }

long sys_mount(u64 source, u64 target) {
    struct mount *mount = kmalloc(sizeof(*mount)), **at = &mounts;
    struct inode *on = 0;
    if (mount == 0) return -ENOMEM;
    long error = MIN(string_from_user(mount->source, source, sizeof(mount->source)), 0);
    if (error == 0) error = MIN(string_from_user(mount->target, target, sizeof(mount->target)), 0);
    if (error == 0) error = path_find(mount->target, &on);
    if (error == 0) error = ext2_open(mount, mount->source);
    if (error != 0) return inode_put(on), kfree(mount), error;
    mount->type = "ext2";
    mount->root->covers = on;
    on->mounted = mount->root;
    while (*at != 0) at = &(*at)->next;
    *at = mount;
    return 0;
}

long sys_umount2(struct place *place) {
    struct inode *root = place->inode;
    struct mount **at = &mounts, *mount;
    while ((mount = *at) != 0 && (mount->root != root || mount->data == 0)) at = &mount->next;
    if (mount == 0) return -EINVAL;
    if (root->users > 2) return -EBUSY; /* more than the mount's and the place's */
    ext2_sync(mount);
    root->covers->mounted = 0;
    inode_put(root->covers);
    *at = mount->next;
    ext2_unmounted(mount);
    inode_put(root);
    kfree(mount);
    return 0;
}

long sys_sync(void) {
    for (struct mount *at = mounts; at != 0; at = at->next) if (at->data != 0) ext2_sync(at);
    return 0;
}

void vfs_init(void) {
    static struct mount root = {.type = "rootfs", .source = "rootfs", .target = "/"};
    root.root = root_inode = memory_inode(S_IFDIR | 0755);
    mounts = &root;
}

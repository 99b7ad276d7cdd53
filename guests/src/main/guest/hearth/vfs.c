/*
 * vfs.c: from a path to an inode, over symbolic links and from one mounted file system to another.
 * What is in a directory the file system knows (memfs.c, proc.c, and the one on disks).
 */
#include "kernel.h"

#define MAX_LINKS 8 /* symbolic links that lead to symbolic links */

struct inode *root_inode;
struct mount *mounts;
static struct mount_type *mount_types;
static u64 last_number;

/* ---- Inodes -------------------------------------------------------------------------------------- */

struct inode *inode_new(u32 mode, const struct inode_ops *ops) {
    struct inode *inode = kmalloc(sizeof(*inode));
    if (inode == 0) return 0;
    inode->users = 1;
    inode->mode = mode;
    inode->links = 1;
    inode->number = ++last_number;
    inode->modified = wall_clock();
    inode->ops = ops;
    return inode;
}

void inode_get(struct inode *inode) {
    inode->users++;
}

void inode_put(struct inode *inode) {
    if (inode == 0 || --inode->users > 0) return;
    if (inode->ops->release != 0) inode->ops->release(inode);
    struct inode *parent = inode->parent;
    kfree(inode);
    inode_put(parent);
}

/* ---- Paths --------------------------------------------------------------------------------------- */

static struct inode *up(struct inode *directory) {
    while (directory->covers != 0) directory = directory->covers;
    return directory->parent != 0 ? directory->parent : directory;
}

static long walk(struct inode *at, const char *path, int follow, int links, struct inode **found,
                 char *last);

static long follow_link(struct inode *directory, struct inode *link, int links,
                        struct inode **found) {
    char *text = kmalloc(PATH_MAX);
    long length = text == 0 ? -ENOMEM : links > MAX_LINKS ? -ELOOP
                  : link->ops->read(link, text, PATH_MAX - 1, 0);
    if (length >= 0) length = walk(directory, text, 1, links + 1, found, 0);
    kfree(text);
    return length;
}

/* One step down; `found` gets one user more. */
static long step(struct inode *at, const char *name, int follow, int links, struct inode **found) {
    struct inode *next = at;
    if (!S_IS(at->mode, DIR)) return -ENOTDIR;
    if (streq(name, ".") || streq(name, "..")) {
        if (name[1] == '.') next = up(at);
        inode_get(next);
    } else {
        long error = at->ops->lookup(at, name, &next);
        if (error != 0) return error;
        if (S_IS(next->mode, DIR) && next->parent == 0) inode_get(next->parent = at);
    }
    if (S_IS(next->mode, LNK) && follow) {
        struct inode *link = next;
        long error = follow_link(at, link, links, &next);
        inode_put(link);
        if (error != 0) return error;
    }
    while (next->mounted != 0) {
        struct inode *root = next->mounted;
        inode_get(root);
        inode_put(next);
        next = root;
    }
    *found = next;
    return 0;
}

/* With `last`: ends at the directory of the last name, and stores that. */
static long walk(struct inode *at, const char *path, int follow, int links, struct inode **found,
                 char *last) {
    char name[256];
    if (*path == '\0') return -ENOENT;
    if (*path == '/') at = root_inode;
    while (at->mounted != 0) at = at->mounted;
    inode_get(at);
    for (;;) {
        u64 length = 0;
        while (*path == '/') path++;
        if (*path == '\0') break;
        for (; *path != '/' && *path != '\0'; path++) {
            if (length == sizeof(name) - 1) return inode_put(at), -ENAMETOOLONG;
            name[length++] = *path;
        }
        name[length] = '\0';
        const char *rest = path;
        while (*rest == '/') rest++;
        if (last != 0 && *rest == '\0') {
            copy_string(last, name, sizeof(name));
            *found = at;
            return 0;
        }
        struct inode *next;
        long error = step(at, name, follow || *path == '/', links, &next);
        inode_put(at);
        if (error != 0) return error;
        at = next;
    }
    *found = at;
    return last != 0 ? inode_put(at), -EEXIST : 0; /* "/" is in no directory */
}

static struct inode *here(void) {
    return current->directory != 0 ? current->directory : root_inode;
}

long path_find(const char *path, int follow, struct inode **found) {
    return walk(here(), path, follow, 0, found, 0);
}

long path_parent(const char *path, struct inode **directory, char *last) {
    long error = walk(here(), path, 1, 0, directory, last);
    if (error == 0 && (streq(last, ".") || streq(last, ".."))) return inode_put(*directory), -EBUSY;
    if (error == 0 && !S_IS((*directory)->mode, DIR)) return inode_put(*directory), -ENOTDIR;
    return error;
}

long path_make(const char *path, u32 mode, struct inode **made) {
    char last[256];
    struct inode *directory, *inode;
    long error = path_parent(path, &directory, last);
    if (error != 0) return error;
    error = directory->ops->lookup(directory, last, &inode);
    if (error == 0) inode_put(inode);
    error = error == 0 ? -EEXIST : error != -ENOENT ? error : directory->ops->create == 0 ? -EPERM
            : directory->ops->create(directory, last, mode, &inode);
    inode_put(directory);
    if (error != 0) return error;
    if (made != 0) *made = inode;
    else inode_put(inode);
    return 0;
}

/* Upwards, looking in each directory for the name of the one below. */
long path_of(struct inode *directory, char *to, u64 room) {
    struct name *name = kmalloc(sizeof(*name));
    u64 at = room - 1;
    if (name == 0) return -ENOMEM;
    to[at] = '\0';
    while (up(directory) != directory) {
        while (directory->covers != 0) directory = directory->covers;
        struct inode *parent = directory->parent;
        u64 position = 0;
        while (parent->ops->list(parent, position, name) == 1 && name->number != directory->number) {
            position++;
        }
        u64 length = strlen(name->text);
        if (at < length + 1) return kfree(name), -ERANGE;
        memcpy(to + (at -= length), name->text, length);
        to[--at] = '/';
        directory = parent;
    }
    kfree(name);
    if (at == room - 1) to[--at] = '/';
    for (u64 i = at; i < room; i++) to[i - at] = to[i];
    return room - 1 - at;
}

/* ---- Mounting --------------------------------------------------------------------------------------- */

void mount_type_register(struct mount_type *type) {
    type->next = mount_types;
    mount_types = type;
}

long mount_root(struct mount *mount, const char *target) {
    struct inode *on;
    long error = path_find(target, 1, &on);
    if (error != 0) return error;
    copy_string(mount->target, target, sizeof(mount->target));
    mount->root->covers = on;
    on->mounted = mount->root;
    struct mount **at = &mounts;
    while (*at != 0) at = &(*at)->next;
    *at = mount;
    return 0;
}

long mount_at(const char *source, const char *target, const char *name, u32 flags) {
    struct mount_type *type = mount_types;
    while (type != 0 && !streq(type->name, name)) type = type->next;
    if (type == 0) return -ENODEV;
    struct mount *mount = kmalloc(sizeof(*mount));
    if (mount == 0) return -ENOMEM;
    mount->type = type->name;
    copy_string(mount->source, source, sizeof(mount->source));
    long error = type->open(mount, source, flags);
    if (error == 0) error = mount_root(mount, target);
    if (error != 0) kfree(mount);
    return error;
}

long sys_umount2(u64 path, u64 flags) {
    char target[PATH_MAX / 4];
    struct inode *root;
    (void)flags;
    long error = string_from_user(target, path, sizeof(target));
    if (error < 0 || (error = path_find(target, 1, &root)) != 0) return error;
    inode_put(root);
    for (struct mount **at = &mounts; *at != 0; at = &(*at)->next) {
        struct mount *mount = *at;
        if (mount->root != root || root->covers == 0) continue;
        if (root->users > 1) return -EBUSY;
        if (mount->sync != 0) mount->sync(mount);
        root->covers->mounted = 0;
        inode_put(root->covers);
        *at = mount->next;
        if (mount->unmounted != 0) mount->unmounted(mount);
        inode_put(root);
        kfree(mount);
        return 0;
    }
    return -EINVAL;
}

static long tmpfs_open(struct mount *mount, const char *source, u32 flags) {
    (void)source, (void)flags;
    mount->root = memory_inode(S_IFDIR | 0755);
    return mount->root == 0 ? -ENOMEM : 0;
}

void vfs_init(void) {
    static struct mount_type tmpfs = {.name = "tmpfs", .open = tmpfs_open};
    static struct mount root = {.type = "rootfs", .source = "rootfs", .target = "/"};
    root.root = root_inode = memory_inode(S_IFDIR | 0755);
    mounts = &root;
    mount_type_register(&tmpfs);
}

/* Every program expects these two. */
void mount_kernels_own(void) {
    path_make("/dev", S_IFDIR | 0755, 0);
    path_make("/proc", S_IFDIR | 0555, 0);
    mount_at("devtmpfs", "/dev", "devtmpfs", 0);
    mount_at("proc", "/proc", "proc", 0);
}

/*
 * vfs.c: from a path to an inode, over symbolic links and from one mounted file system to another. What is in
 * a directory the file system knows (memfs.c, proc.c, and the one on disks).
 */
#include "kernel.h"

#define MAX_LINKS 8 /* symbolic links that lead to symbolic links */

struct mount *mounts;
static struct mount_type *mount_types;
static struct inode *root_inode;

struct inode *inode_new(u32 mode, const struct inode_ops *ops) {
    static u64 last_number;
    struct inode *inode = kmalloc(sizeof(*inode));
    if (inode == 0) return 0;
    *inode = (struct inode){.users = 1, .mode = mode, .links = 1, .number = ++last_number,
                            .modified = wall_clock(), .ops = ops};
    return inode;
}

void inode_get(struct inode *inode) {
    if (inode != 0) inode->users++;
}

void inode_put(struct inode *inode) {
    if (inode == 0 || --inode->users > 0) return;
    if (inode->ops->release != 0) inode->ops->release(inode);
    struct inode *parent = inode->parent;
    kfree(inode);
    inode_put(parent);
}

/* ---- Paths -------------------------------------------------------------------------------------------- */

static long walk(struct inode *from, const char *path, int follow, int links, struct place *place);

void place_put(struct place *place) {
    inode_put(place->directory);
    inode_put(place->inode);
}

static struct inode *up(struct inode *directory) {
    while (directory->covers != 0) directory = directory->covers;
    return directory->parent != 0 ? directory->parent : directory;
}

/* From a symbolic link to the place that it names. */
static long follow_link(struct place *place, int links) {
    struct place target;
    char *text = kmalloc(PATH_MAX);
    long error = text == 0 ? -ENOMEM : links == MAX_LINKS ? -ELOOP
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
    if (streq(place->name, ".") || streq(place->name, "..")) {
        found = place->name[1] == '.' ? up(directory) : directory;
        inode_get(found);
    } else {
        long error = directory->ops->lookup(directory, place->name, &found);
        if (error != 0) return error == -ENOENT ? 0 : error;
        if (S_IS(found->mode, DIR) && found->parent == 0) inode_get(found->parent = directory);
    }
    for (struct inode *root; (root = found->mounted) != 0; found = root) {
        inode_get(root);
        inode_put(found);
    }
    place->inode = found;
    return follow && S_IS(found->mode, LNK) ? follow_link(place, links) : 0;
}

static long walk(struct inode *from, const char *path, int follow, int links, struct place *place) {
    long error = *path == '\0' ? -ENOENT : 0;
    place->directory = 0;
    place->name[0] = '\0';
    for (place->inode = *path == '/' ? root_inode : from; place->inode->mounted != 0;) {
        place->inode = place->inode->mounted;
    }
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

long path_walk(struct inode *from, const char *path, int follow, struct place *place) {
    return walk(from == 0 ? root_inode : from, path, follow, 0, place);
}

long path_find(const char *path, struct inode **found) {
    struct place place;
    long error = path_walk(current->directory, path, 1, &place);
    if (error != 0) return error;
    inode_put(place.directory);
    return (*found = place.inode) == 0 ? -ENOENT : 0;
}

long place_make(struct place *place, u32 mode) {
    if (place->inode != 0) return -EEXIST;
    if (place->directory->ops->create == 0) return -EPERM;
    return place->directory->ops->create(place->directory, place->name, mode, &place->inode);
}

struct inode *path_make(const char *path, u32 mode) {
    struct place place;
    if (path_walk(0, path, 0, &place) != 0) return 0;
    int is_made = place_make(&place, mode) == 0;
    place_put(&place);
    return is_made ? place.inode : 0;
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

/* ---- Mounting ----------------------------------------------------------------------------------------- */

void mount_type_register(struct mount_type *type) {
    type->next = mount_types;
    mount_types = type;
}

static long mount_on(struct inode *on, const char *source, const char *target, struct mount_type *type) {
    struct mount *mount = kmalloc(sizeof(*mount)), **at = &mounts;
    if (mount == 0) return -ENOMEM;
    mount->type = type->name;
    copy_string(mount->source, source, sizeof(mount->source));
    copy_string(mount->target, target, sizeof(mount->target));
    long error = type->open(mount, source, 0);
    if (error != 0) return kfree(mount), error;
    mount->root->covers = on;
    on->mounted = mount->root;
    while (*at != 0) at = &(*at)->next;
    *at = mount;
    return 0;
}

long sys_mount(u64 source, u64 target, u64 type_name) {
    char names[3][64];
    u64 addresses[] = {source, target, type_name};
    struct mount_type *type = mount_types;
    struct inode *on;
    for (int i = 0; i < 3; i++) {
        long length = string_from_user(names[i], addresses[i], sizeof(names[i]));
        if (length < 0) return length;
    }
    while (type != 0 && !streq(type->name, names[2])) type = type->next;
    if (type == 0) return -ENODEV;
    long error = path_find(names[1], &on);
    if (error == 0 && (error = mount_on(on, names[0], names[1], type)) != 0) inode_put(on);
    return error;
}

long sys_umount2(u64 path) {
    char target[PATH_MAX];
    struct inode *root;
    long error = MIN(string_from_user(target, path, sizeof(target)), 0);
    if (error != 0 || (error = path_find(target, &root)) != 0) return error;
    inode_put(root);
    for (struct mount **at = &mounts, *mount; (mount = *at) != 0; at = &mount->next) {
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

long sys_sync(void) {
    for (struct mount *mount = mounts; mount != 0; mount = mount->next) {
        if (mount->sync != 0) mount->sync(mount);
    }
    return 0;
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

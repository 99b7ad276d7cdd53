/*
 * file.c: open files and their numbers, and the system calls on them. These get a file in the place of its
 * number: syscall.c looks it up.
 */
#include "kernel.h"

struct file *file_new(const struct file_ops *ops, void *data, u32 flags) {
    struct file *file = kmalloc(sizeof(*file));
    if (file != 0) *file = (struct file){.users = 1, .flags = flags, .ops = ops, .data = data};
    return file;
}

void file_put(struct file *file) {
    if (--file->users > 0) return;
    if (file->ops->close != 0) file->ops->close(file);
    inode_put(file->inode);
    kfree(file);
}

/* ---- Numbers ------------------------------------------------------------------------------------------ */
struct file *file_by_number(u64 fd) { return fd < MAX_FILES ? current->files[fd] : 0; }

long file_number(struct file *file, u64 first, u64 flags) {
    for (u64 fd = first; fd < MAX_FILES; fd++) {
        if (current->files[fd] != 0) continue;
        current->files[fd] = file;
        current->close_on_exec &= ~(1ul << fd);
        if (flags & O_CLOEXEC) current->close_on_exec |= 1ul << fd;
        return fd;
    }
    file_put(file);
    return -EMFILE;
}

long sys_close(u64 fd) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    current->files[fd] = 0;
    file_put(file);
    return 0;
}

long sys_dup(struct file *file) {
    file->users++;
    return file_number(file, 0, 0);
}

long sys_dup3(struct file *file, u64 wanted, u64 flags) {
    if (wanted >= MAX_FILES) return -EBADF;
    if (current->files[wanted] == file) return wanted;
    file->users++;
    sys_close(wanted);
    return file_number(file, wanted, flags);
}

long sys_dup2(struct file *file, u64 wanted) { return sys_dup3(file, wanted, 0); }

long sys_fcntl(u64 fd, u64 command, u64 argument) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    switch (command) {
    case F_DUPFD: case F_DUPFD_CLOEXEC:
        file->users++;
        return file_number(file, argument, command == F_DUPFD ? 0 : O_CLOEXEC);
    case F_GETFD:
        return current->close_on_exec >> fd & 1;
    case F_SETFD:
        current->close_on_exec = (current->close_on_exec & ~(1ul << fd)) | (argument & 1) << fd;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~(O_APPEND | O_NONBLOCK)) | (argument & (O_APPEND | O_NONBLOCK));
        return 0;
    default:
        return -EINVAL;
    }
}

/* ---- Files with contents ------------------------------------------------------------------------------ */
static long regular_read(struct file *file, void *to, u64 n) {
    if (S_IS(file->inode->mode, DIR)) return -EISDIR;
    long done = file->inode->ops->read(file->inode, to, n, file->position);
    if (done > 0) file->position += done;
    return done;
}

static long regular_write(struct file *file, const void *from, u64 n) {
    struct inode *inode = file->inode;
    if (file->flags & O_APPEND) file->position = inode->size;
    long done = inode->ops->write == 0 ? -EROFS : inode->ops->write(inode, from, n, file->position);
    if (done > 0) file->position += done;
    inode->modified = wall_clock();
    return done;
}

static const struct file_ops regular_ops = {.read = regular_read, .write = regular_write};

long inode_open(struct inode *inode, u32 flags, struct file **opened) {
    int is_device = S_IS(inode->mode, CHR) || S_IS(inode->mode, BLK);
    if (is_device && inode->ops->open == 0) return -ENXIO;
    struct file *file = *opened = file_new(&regular_ops, 0, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (file == 0) return -ENOMEM;
    inode_get(file->inode = inode);
    if (is_device) inode->ops->open(inode, file);
    return 0;
}

long sys_open(struct place *place, u64 flags, u64 mode) {
    struct file *file;
    long error = 0;
    if (place->inode == 0) error = flags & O_CREAT ? place_make(place, S_IFREG | (mode & 0755)) : -ENOENT;
    else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) error = -EEXIST;
    else if (!S_IS(place->inode->mode, DIR)) error = flags & O_DIRECTORY ? -ENOTDIR : 0;
    else if ((flags & O_ACCMODE) != O_RDONLY) error = -EISDIR;
    if (error == 0 && flags & O_TRUNC && S_IS(place->inode->mode, REG)) error = sys_truncate(place, 0);
    if (error == 0) error = inode_open(place->inode, flags, &file);
    return error != 0 ? error : file_number(file, 0, flags);
}

long sys_creat(struct place *place, u64 mode) { return sys_open(place, O_CREAT | O_WRONLY | O_TRUNC, mode); }

long sys_lseek(struct file *file, long offset, u64 whence) {
    if (file->inode == 0 || S_IS(file->inode->mode, CHR)) return -ESPIPE;
    offset += whence == 1 ? file->position : whence == 2 ? file->inode->size : 0;
    return offset < 0 || whence > 2 ? -EINVAL : (long)(file->position = offset);
}

/* Positions 0 and 1 are . and .. */
static long name_at(struct inode *directory, u64 position, struct name *name) {
    if (position >= 2) return directory->ops->list(directory, position - 2, name);
    *name = (struct name){.number = directory->number, .mode = S_IFDIR, .text = ".."};
    name->text[position + 1] = '\0';
    return 1;
}

long sys_getdents64(struct file *file, u64 to, u64 room) {
    struct { struct dirent64 head; char name[sizeof(((struct name *)0)->text) + 8]; } record;
    struct name name;
    u64 done = 0;
    long more;
    if (file->inode == 0 || !S_IS(file->inode->mode, DIR)) return -ENOTDIR;
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

/* ---- Reading and writing ------------------------------------------------------------------------------ */
/* Page by page through a page of the kernel's own; what comes from elsewhere than a file with contents is
 * given to the process as soon as there is something. */
static long transfer(struct file *file, u64 address, u64 n, int writing) {
    u64 done = 0;
    long result = 0;
    if ((file->flags & O_ACCMODE) == (writing ? O_RDONLY : O_WRONLY)) return -EBADF;
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    do {
        u64 part = MIN(n - done, PAGE_SIZE);
        if (writing) {
            result = copy_from_user(page, address + done, part);
            if (result == 0) result = file->ops->write(file, page, part);
        } else {
            result = file->ops->read(file, page, part);
            if (result > 0 && copy_to_user(address + done, page, result) != 0) result = -EFAULT;
        }
        if (result <= 0) break;
        done += result;
        if ((u64)result < part || long_work() != 0) break;
    } while (done < n && (writing || file->ops->poll == 0)); /* ... and cannot keep us waiting */
    page_put(page);
    return done > 0 ? (long)done : result;
}

static long transfer_vector(struct file *file, u64 vector, u64 count, int writing) {
    struct { u64 base, length; } part;
    long done = 0, result;
    for (u64 i = 0; i < count; i++, done += result) {
        if (copy_from_user(&part, vector + i * sizeof(part), sizeof(part)) != 0) return -EFAULT;
        result = part.length == 0 ? 0 : transfer(file, part.base, part.length, writing);
        if (result < 0 || (u64)result < part.length) return done + MAX(result, 0) > 0 ? done + MAX(result, 0) : result;
    }
    return done;
}

long sys_read(struct file *file, u64 to, u64 n) { return transfer(file, to, n, 0); }
long sys_write(struct file *file, u64 from, u64 n) { return transfer(file, from, n, 1); }
long sys_readv(struct file *file, u64 vector, u64 count) { return transfer_vector(file, vector, count, 0); }
long sys_writev(struct file *file, u64 vector, u64 count) { return transfer_vector(file, vector, count, 1); }

long sys_pread64(struct file *file, u64 to, u64 n, u64 offset) {
    u64 position = file->position;
    if (file->ops != &regular_ops) return -ESPIPE;
    file->position = offset;
    long result = transfer(file, to, n, 0);
    file->position = position;
    return result;
}

long sys_ioctl(struct file *file, u64 request, u64 argument) {
    return file->ops->ioctl == 0 ? -ENOTTY : file->ops->ioctl(file, request, argument);
}

/* ---- Waiting for several ------------------------------------------------------------------------------ */
/* How many are ready; sleeps until any wakeup() and looks again, for as long as `deadline` (0: ever). */
static long poll_until(struct pollfd *fds, u64 count, u64 deadline) {
    for (;;) {
        long found = 0, error;
        for (u64 i = 0; i < count; i++) {
            struct file *file = file_by_number(fds[i].fd);
            u32 ready = file == 0 ? POLLNVAL : file->ops->poll == 0 ? POLLIN | POLLOUT : file->ops->poll(file);
            fds[i].revents = fds[i].fd < 0 ? 0 : ready & (fds[i].events | POLLERR | POLLHUP | POLLNVAL);
            found += fds[i].revents != 0;
        }
        if (found > 0 || (error = poll_wait(deadline)) == -ETIMEDOUT) return found;
        if (error != 0) return error;
    }
}

long sys_poll(u64 address, u64 count, u64 millis) {
    struct pollfd fds[MAX_FILES];
    if (count > MAX_FILES) return -EINVAL;
    if (copy_from_user(fds, address, count * sizeof(fds[0])) != 0) return -EFAULT;
    long found = poll_until(fds, count, (int)millis < 0 ? 0 : now() + (int)millis * NANOS_PER_MILLI);
    return found >= 0 && copy_to_user(address, fds, count * sizeof(fds[0])) != 0 ? -EFAULT : found;
}

/* The same with three sets of bits, a number each, in the place of a list. */
long sys_pselect6(u64 count, u64 in, u64 out, u64 other, u64 timeout) {
    static const u32 events[] = {POLLIN | POLLHUP, POLLOUT | POLLERR, POLLPRI};
    u64 addresses[] = {in, out, other}, sets[3] = {0}, ready[3] = {0};
    struct pollfd fds[MAX_FILES];
    struct timespec time = {0, 0};
    if (timeout != 0 && copy_from_user(&time, timeout, sizeof(time)) != 0) return -EFAULT;
    for (int i = 0; i < 3; i++) if (copy_from_user(&sets[i], addresses[i], 8) != 0 && addresses[i] != 0) return -EFAULT;
    count = MIN(count, MAX_FILES);
    for (u64 fd = 0; fd < count; fd++) {
        fds[fd] = (struct pollfd){.fd = (sets[0] | sets[1] | sets[2]) >> fd & 1 ? (int)fd : -1};
        for (int i = 0; i < 3; i++) if (sets[i] >> fd & 1) fds[fd].events |= events[i];
    }
    u64 deadline = timeout == 0 ? 0 : now() + time.tv_sec * NANOS_PER_SECOND + time.tv_nsec;
    long found = poll_until(fds, count, deadline);
    for (u64 fd = 0; fd < count; fd++) {
        for (int i = 0; i < 3; i++) ready[i] |= sets[i] & (u64)((fds[fd].revents & events[i]) != 0) << fd;
    }
    for (int i = 0; i < 3; i++) {
        if (found >= 0 && addresses[i] != 0 && copy_to_user(addresses[i], &ready[i], 8) != 0) return -EFAULT;
    }
    return found;
}

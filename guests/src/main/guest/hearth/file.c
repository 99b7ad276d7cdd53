/*
 * file.c: open files and their numbers, and the system calls on them.
 */
#include "kernel.h"

/* ---- Files and their numbers -------------------------------------------------------------------------- */

struct file *file_new(const struct file_ops *ops, void *data, u32 flags) {
    struct file *file = kmalloc(sizeof(*file));
    if (file != 0) *file = (struct file){.users = 1, .flags = flags, .ops = ops, .data = data};
    return file;
}

void file_get(struct file *file) {
    file->users++;
}

void file_put(struct file *file) {
    if (--file->users > 0) return;
    if (file->ops->close != 0) file->ops->close(file);
    inode_put(file->inode);
    kfree(file);
}

struct file *file_by_number(u64 fd) {
    return fd < MAX_FILES ? current->files[fd] : 0;
}

static void set_close_on_exec(u64 fd, int wanted) {
    current->close_on_exec &= ~(1ul << fd);
    current->close_on_exec |= (u64)(wanted != 0) << fd;
}

long file_number(struct file *file, u64 first, int close_on_exec) {
    for (u64 fd = first; fd < MAX_FILES; fd++) {
        if (current->files[fd] != 0) continue;
        current->files[fd] = file;
        set_close_on_exec(fd, close_on_exec);
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

static long duplicate(struct file *file, u64 first, int close_on_exec) {
    if (file == 0) return -EBADF;
    file_get(file);
    return file_number(file, first, close_on_exec);
}

long sys_dup(u64 fd) {
    return duplicate(file_by_number(fd), 0, 0);
}

long sys_dup3(u64 fd, u64 wanted, u64 flags) {
    struct file *file = file_by_number(fd);
    if (file == 0 || wanted >= MAX_FILES) return -EBADF;
    if (fd == wanted) return -EINVAL;
    file_get(file);
    sys_close(wanted);
    return file_number(file, wanted, flags & O_CLOEXEC);
}

long sys_dup2(u64 fd, u64 wanted) {
    return fd == wanted && file_by_number(fd) != 0 ? (long)fd : sys_dup3(fd, wanted, 0);
}

long sys_fcntl(u64 fd, u64 command, u64 argument) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    switch (command) {
    case F_DUPFD: case F_DUPFD_CLOEXEC:
        return duplicate(file, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return current->close_on_exec >> fd & 1;
    case F_SETFD:
        set_close_on_exec(fd, argument & FD_CLOEXEC);
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

long sys_ioctl(u64 fd, u64 request, u64 argument) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    return file->ops->ioctl == 0 ? -ENOTTY : file->ops->ioctl(file, request, argument);
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

static long truncate(struct inode *inode, u64 size) {
    if (!S_IS(inode->mode, REG)) return -EINVAL;
    return inode->ops->truncate == 0 ? -EROFS : inode->ops->truncate(inode, size);
}

long inode_open(struct inode *inode, u32 flags, struct file **opened) {
    int is_device = S_IS(inode->mode, CHR) || S_IS(inode->mode, BLK);
    if (is_device && inode->ops->open == 0) return -ENXIO;
    long error = flags & O_TRUNC && !is_device ? truncate(inode, 0) : 0;
    if (error != 0) return error;
    struct file *file = *opened = file_new(&regular_ops, 0, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (file == 0) return -ENOMEM;
    inode_get(file->inode = inode);
    if (is_device) inode->ops->open(inode, file);
    return 0;
}

static long open_place(struct place *place, u64 flags, u32 mode, struct file **opened) {
    long error = 0;
    if (place->inode == 0) error = flags & O_CREAT ? place_make(place, mode) : -ENOENT;
    else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) error = -EEXIST;
    else if (S_IS(place->inode->mode, LNK)) error = -ELOOP;
    else if (!S_IS(place->inode->mode, DIR)) error = flags & O_DIRECTORY ? -ENOTDIR : 0;
    else if ((flags & O_ACCMODE) != O_RDONLY) error = -EISDIR;
    return error != 0 ? error : inode_open(place->inode, flags, opened);
}

long sys_openat(u64 at, u64 path, u64 flags, u64 mode) {
    struct place place;
    struct file *file;
    long error = place_of(at, path, !(flags & O_NOFOLLOW), &place);
    if (error != 0) return error;
    error = open_place(&place, flags, S_IFREG | (mode & 07777 & ~current->umask), &file);
    place_put(&place);
    return error != 0 ? error : file_number(file, 0, (flags & O_CLOEXEC) != 0);
}

long sys_open(u64 path, u64 flags, u64 mode) {
    return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(u64 path, u64 mode) {
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_ftruncate(u64 fd, u64 size) {
    struct file *file = file_by_number(fd);
    if (file == 0 || file->inode == 0 || (file->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
    return truncate(file->inode, size);
}

long sys_lseek(u64 fd, long offset, u64 whence) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    if (file->inode == 0 || S_IS(file->inode->mode, CHR)) return -ESPIPE;
    offset += whence == 1 ? file->position : whence == 2 ? file->inode->size : 0;
    return offset < 0 || whence > 2 ? -EINVAL : (long)(file->position = offset);
}

/* ---- Reading and writing ------------------------------------------------------------------------------ */

/* Page by page through a page of the kernel's own; what comes from elsewhere than a file with contents is given
 * to the process as soon as there is something. */
static long transfer(struct file *file, u64 address, u64 n, int writing) {
    u64 done = 0;
    long result = 0;
    if (file == 0 || (file->flags & O_ACCMODE) == (writing ? O_RDONLY : O_WRONLY)) return -EBADF;
    if ((writing ? (void *)file->ops->write : (void *)file->ops->read) == 0) return -EINVAL;
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

long sys_read(u64 fd, u64 to, u64 n) {
    return transfer(file_by_number(fd), to, n, 0);
}

long sys_write(u64 fd, u64 from, u64 n) {
    return transfer(file_by_number(fd), from, n, 1);
}

static long transfer_at(struct file *file, u64 address, u64 n, u64 offset, int writing) {
    if (file == 0) return -EBADF;
    if (file->ops != &regular_ops) return -ESPIPE;
    u64 position = file->position;
    file->position = offset;
    long result = transfer(file, address, n, writing);
    file->position = position;
    return result;
}

long sys_pread64(u64 fd, u64 to, u64 n, u64 offset) {
    return transfer_at(file_by_number(fd), to, n, offset, 0);
}

long sys_pwrite64(u64 fd, u64 from, u64 n, u64 offset) {
    return transfer_at(file_by_number(fd), from, n, offset, 1);
}

static long transfer_vector(struct file *file, u64 vector, u64 count, int writing) {
    struct { u64 base, length; } part;
    long done = 0;
    for (u64 i = 0; i < count; i++) {
        if (copy_from_user(&part, vector + i * sizeof(part), sizeof(part)) != 0) return -EFAULT;
        long result = part.length == 0 ? 0 : transfer(file, part.base, part.length, writing);
        if (result < 0) return done > 0 ? done : result;
        done += result;
        if ((u64)result < part.length) break;
    }
    return done;
}

long sys_readv(u64 fd, u64 vector, u64 count) {
    return transfer_vector(file_by_number(fd), vector, count, 0);
}

long sys_writev(u64 fd, u64 vector, u64 count) {
    return transfer_vector(file_by_number(fd), vector, count, 1);
}

/* ---- Waiting for several ------------------------------------------------------------------------------ */

/* How many are ready; sleeps until any wakeup() and looks again, for as long as `deadline` (0: ever). */
static long poll_until(struct pollfd *fds, u64 count, u64 deadline) {
    for (;;) {
        long found = 0;
        for (u64 i = 0; i < count; i++) {
            struct file *file = file_by_number(fds[i].fd);
            u32 ready = file == 0 ? POLLNVAL : file->ops->poll == 0 ? POLLIN | POLLOUT : file->ops->poll(file);
            fds[i].revents = fds[i].fd < 0 ? 0 : ready & (fds[i].events | POLLERR | POLLHUP | POLLNVAL);
            found += fds[i].revents != 0;
        }
        long error = found > 0 ? 0 : poll_wait(deadline);
        if (error == -EINTR) return error;
        if (found > 0 || error == -ETIMEDOUT) return found;
    }
}

static long poll(u64 address, u64 count, u64 deadline) {
    struct pollfd fds[MAX_FILES];
    if (count > MAX_FILES) return -EINVAL;
    if (copy_from_user(fds, address, count * sizeof(fds[0])) != 0) return -EFAULT;
    long found = poll_until(fds, count, deadline);
    return found >= 0 && copy_to_user(address, fds, count * sizeof(fds[0])) != 0 ? -EFAULT : found;
}

/* The same with three sets of bits in the place of a list. */
static long select(u64 count, const u64 *addresses, u64 deadline) {
    static const u32 events[] = {POLLIN, POLLOUT, POLLPRI};
    struct pollfd fds[MAX_FILES];
    u64 sets[3] = {0};
    count = MIN(count, MAX_FILES);
    for (int i = 0; i < 3; i++) {
        if (addresses[i] != 0 && copy_from_user(&sets[i], addresses[i], 8) != 0) return -EFAULT;
    }
    for (u64 fd = 0; fd < count; fd++) {
        fds[fd] = (struct pollfd){.fd = -1};
        for (int i = 0; i < 3; i++) if (sets[i] >> fd & 1) fds[fd].fd = fd, fds[fd].events |= events[i];
    }
    long found = poll_until(fds, count, deadline);
    if (found < 0) return found;
    found = 0;
    for (int i = 0; i < 3; i++) {
        u64 ready = 0;
        for (u64 fd = 0; fd < count; fd++) {
            u32 wanted = events[i] | (i < 2 ? POLLERR | POLLHUP | POLLNVAL : 0);
            if (sets[i] >> fd & 1 && fds[fd].revents & wanted) ready |= 1ul << fd, found++;
        }
        if (addresses[i] != 0 && copy_to_user(addresses[i], &ready, 8) != 0) return -EFAULT;
    }
    return found;
}

/* When a time of a process's will have passed: seconds and parts of them; 0: no time is given. */
static long deadline_of(u64 address, u64 nanos_per_part, u64 *deadline) {
    long time[2];
    *deadline = 0;
    if (address == 0) return 0;
    if (copy_from_user(time, address, sizeof(time)) != 0) return -EFAULT;
    *deadline = now() + time[0] * NANOS_PER_SECOND + time[1] * nanos_per_part;
    return 0;
}

long sys_poll(u64 fds, u64 count, u64 millis) {
    return poll(fds, count, (int)millis < 0 ? 0 : now() + (int)millis * NANOS_PER_MILLI);
}

long sys_ppoll(u64 fds, u64 count, u64 timeout) {
    u64 deadline;
    long error = deadline_of(timeout, 1, &deadline);
    return error != 0 ? error : poll(fds, count, deadline);
}

long sys_select(u64 count, u64 in, u64 out, u64 other, u64 timeout) {
    u64 sets[] = {in, out, other}, deadline;
    long error = deadline_of(timeout, NANOS_PER_MICRO, &deadline);
    return error != 0 ? error : select(count, sets, deadline);
}

long sys_pselect6(u64 count, u64 in, u64 out, u64 other, u64 timeout) {
    u64 sets[] = {in, out, other}, deadline;
    long error = deadline_of(timeout, 1, &deadline);
    return error != 0 ? error : select(count, sets, deadline);
}

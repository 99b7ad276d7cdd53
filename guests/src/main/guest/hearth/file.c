/*
 * file.c: open files and their numbers, and the system calls on them.
 */
#include "kernel.h"

/* ---- Files and their numbers ------------------------------------------------------------------------ */

struct file *file_new(const struct file_ops *ops, void *data, u32 flags) {
    struct file *file = kmalloc(sizeof(*file));
    if (file == 0) return 0;
    *file = (struct file){.users = 1, .flags = flags, .ops = ops, .data = data};
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
    wakeup(file); /* the other end of what it was may have something to notice */
}

struct file *file_by_number(u64 fd) {
    return fd < MAX_FILES ? current->files->files[fd] : 0;
}

static long number_from(u64 first, struct file *file, int close_on_exec) {
    for (u64 fd = first; fd < MAX_FILES; fd++) {
        if (current->files->files[fd] != 0) continue;
        current->files->files[fd] = file;
        current->files->close_on_exec &= ~(1ul << fd);
        current->files->close_on_exec |= (u64)(close_on_exec != 0) << fd;
        return fd;
    }
    file_put(file);
    return -EMFILE;
}

long file_number(struct file *file, int close_on_exec) {
    return number_from(0, file, close_on_exec);
}

void files_close_all(struct file_table *table) {
    if (--table->users > 0) return;
    for (int fd = 0; fd < MAX_FILES; fd++) if (table->files[fd] != 0) file_put(table->files[fd]);
    kfree(table);
}

/* ---- Files with contents -------------------------------------------------------------------------------- */

static long regular_read(struct file *file, void *to, u64 n) {
    if (S_IS(file->inode->mode, DIR)) return -EISDIR;
    long done = file->inode->ops->read(file->inode, to, n, file->position);
    if (done > 0) file->position += done;
    return done;
}

static long regular_write(struct file *file, const void *from, u64 n) {
    struct inode *inode = file->inode;
    if (file->flags & O_APPEND) file->position = inode->size;
    if (inode->ops->write == 0) return -EROFS;
    long done = inode->ops->write(inode, from, n, file->position);
    if (done > 0) file->position += done;
    inode->modified = wall_clock();
    return done;
}

const struct file_ops regular_ops = {.read = regular_read, .write = regular_write};

long inode_open(struct inode *inode, u32 flags, struct file **opened) {
    struct file *file = file_new(&regular_ops, 0, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (file == 0) return -ENOMEM;
    inode_get(file->inode = inode);
    long error = 0;
    if (S_IS(inode->mode, CHR) || S_IS(inode->mode, BLK)) error = device_open(inode, file);
    if (error == 0 && inode->ops->open != 0) error = inode->ops->open(inode, file);
    int changes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    if (error == 0 && changes && is_program_running(inode)) error = -ETXTBSY;
    if (error == 0 && flags & O_TRUNC && S_IS(inode->mode, REG)) {
        error = inode->ops->truncate == 0 ? -EROFS : inode->ops->truncate(inode, 0);
    }
    if (error != 0) {
        file->ops = &regular_ops; /* nothing to close */
        file_put(file);
        return error;
    }
    *opened = file;
    return 0;
}

long file_open(const char *path, u32 flags, u32 mode, struct file **opened) {
    struct inode *inode;
    long error = path_find(path, !(flags & O_NOFOLLOW), &inode);
    if (error == -ENOENT && flags & O_CREAT) {
        error = path_make(path, S_IFREG | (mode & 07777 & ~current->umask), &inode);
    } else if (error == 0 && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        error = -EEXIST;
        inode_put(inode);
    }
    if (error != 0) return error;
    int directory = S_IS(inode->mode, DIR);
    if (directory && (flags & O_ACCMODE) != O_RDONLY) error = -EISDIR;
    else if (!directory && flags & O_DIRECTORY) error = -ENOTDIR;
    else if (S_IS(inode->mode, LNK)) error = -ELOOP;
    else error = inode_open(inode, flags, opened);
    inode_put(inode);
    return error;
}

/* Paths of system calls: relative ones begin at the directory `at`, which becomes the current one
 * for as long as the call takes. path_end() must follow path_begin(), also after an error. */
char *path_begin(u64 at, u64 address, struct path_walk *walk) {
    struct file *file = file_by_number(at);
    walk->directory = current->directory;
    walk->begins_elsewhere = 0;
    walk->path = kmalloc(PATH_MAX);
    walk->error = walk->path == 0 ? -ENOMEM : string_from_user(walk->path, address, PATH_MAX);
    if (walk->error > 0) walk->error = 0;
    if (walk->error != 0 || (int)at == AT_FDCWD || *walk->path == '/') return walk->path;
    if (file == 0 || file->inode == 0) walk->error = -EBADF;
    else inode_get(current->directory = file->inode), walk->begins_elsewhere = 1;
    return walk->path;
}

long path_end(struct path_walk *walk, long result) {
    if (walk->begins_elsewhere) inode_put(current->directory);
    current->directory = walk->directory;
    kfree(walk->path);
    return walk->error != 0 ? walk->error : result;
}

long sys_openat(u64 at, u64 path, u64 flags, u64 mode) {
    struct path_walk walk;
    struct file *file;
    path_begin(at, path, &walk);
    long error = walk.error != 0 ? 0 : file_open(walk.path, flags, mode, &file);
    error = path_end(&walk, error);
    return error != 0 ? error : file_number(file, flags & O_CLOEXEC);
}

long sys_open(u64 path, u64 flags, u64 mode) {
    return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(u64 path, u64 mode) {
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_close(u64 fd) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    current->files->files[fd] = 0;
    file_put(file);
    return 0;
}

/* ---- Reading and writing ------------------------------------------------------------------------------------ */

/* Page by page through a page of the kernel's own; what comes from elsewhere than a file with
 * contents is given to the process as soon as there is something. */
static long transfer(struct file *file, u64 address, u64 n, int writing) {
    u64 done = 0;
    u32 access = file == 0 ? 0 : file->flags & O_ACCMODE;
    if (file == 0 || access == (writing ? O_RDONLY : O_WRONLY)) return -EBADF;
    if ((writing ? (void *)file->ops->write : (void *)file->ops->read) == 0) return -EINVAL;
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    file_get(file); /* nobody closes it under us while we sleep */
    long result = 0;
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
    file_put(file);
    return done > 0 ? (long)done : result;
}

long sys_read(u64 fd, u64 to, u64 n) {
    return transfer(file_by_number(fd), to, n, 0);
}

long sys_write(u64 fd, u64 from, u64 n) {
    return transfer(file_by_number(fd), from, n, 1);
}

static long transfer_at(u64 fd, u64 address, u64 n, u64 offset, int writing) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    if (file->ops != &regular_ops) return -ESPIPE;
    u64 position = file->position;
    file->position = offset;
    long result = transfer(file, address, n, writing);
    file->position = position;
    return result;
}

long sys_pread64(u64 fd, u64 to, u64 n, u64 offset) {
    return transfer_at(fd, to, n, offset, 0);
}

long sys_pwrite64(u64 fd, u64 from, u64 n, u64 offset) {
    return transfer_at(fd, from, n, offset, 1);
}

static long transfer_vector(u64 fd, u64 vector, u64 count, int writing) {
    long done = 0;
    for (u64 i = 0; i < count; i++) {
        struct iovec part;
        if (copy_from_user(&part, vector + i * sizeof(part), sizeof(part)) != 0) return -EFAULT;
        if (part.length == 0) continue;
        long result = transfer(file_by_number(fd), part.base, part.length, writing);
        if (result < 0) return done > 0 ? done : result;
        done += result;
        if ((u64)result < part.length) break;
    }
    return done;
}

long sys_readv(u64 fd, u64 vector, u64 count) {
    return transfer_vector(fd, vector, count, 0);
}

long sys_writev(u64 fd, u64 vector, u64 count) {
    return transfer_vector(fd, vector, count, 1);
}

long sys_sendfile(u64 to, u64 from, u64 offset_address, u64 n) {
    struct file *in = file_by_number(from), *out = file_by_number(to);
    u64 done = 0, offset;
    if (in == 0 || out == 0) return -EBADF;
    if (in->ops->read == 0 || out->ops->write == 0) return -EINVAL;
    if (offset_address != 0 && copy_from_user(&offset, offset_address, 8) != 0) return -EFAULT;
    u64 position = in->position;
    if (offset_address != 0) in->position = offset;
    void *page = page_alloc();
    long result = page == 0 ? -ENOMEM : 0;
    while (page != 0 && done < n) {
        result = in->ops->read(in, page, MIN(n - done, PAGE_SIZE));
        if (result > 0) result = out->ops->write(out, page, result);
        if (result <= 0) break;
        done += result;
        if (long_work() != 0) break;
    }
    if (page != 0) page_put(page);
    if (offset_address != 0) {
        offset = in->position;
        in->position = position;
        copy_to_user(offset_address, &offset, 8);
    }
    return done > 0 ? (long)done : result;
}

long sys_lseek(u64 fd, long offset, u64 whence) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    if (file->ops != &regular_ops && (file->inode == 0 || !S_IS(file->inode->mode, BLK))) {
        return -ESPIPE;
    }
    offset += whence == 1 ? file->position : whence == 2 ? file->inode->size : 0;
    if (offset < 0 || whence > 2) return -EINVAL;
    return file->position = offset;
}

/* ---- Numbers ------------------------------------------------------------------------------------------------- */

long sys_dup(u64 fd) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    file_get(file);
    return file_number(file, 0);
}

long sys_dup3(u64 fd, u64 wanted, u64 flags) {
    struct file *file = file_by_number(fd);
    if (file == 0 || wanted >= MAX_FILES) return -EBADF;
    if (fd == wanted) return -EINVAL;
    file_get(file);
    sys_close(wanted);
    return number_from(wanted, file, flags & O_CLOEXEC);
}

long sys_dup2(u64 fd, u64 wanted) {
    if (fd == wanted) return file_by_number(fd) == 0 ? -EBADF : (long)fd;
    return sys_dup3(fd, wanted, 0);
}

long sys_fcntl(u64 fd, u64 command, u64 argument) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    switch (command) {
    case F_DUPFD: case F_DUPFD_CLOEXEC:
        file_get(file);
        return number_from(argument, file, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return current->files->close_on_exec >> fd & 1;
    case F_SETFD:
        current->files->close_on_exec &= ~(1ul << fd);
        current->files->close_on_exec |= (argument & FD_CLOEXEC) << fd;
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

long sys_pipe2(u64 address, u64 flags) {
    struct file *ends[2];
    int numbers[2];
    long error = pipe_new(&ends[0], &ends[1]);
    if (error != 0) return error;
    for (int i = 0; i < 2; i++) ends[i]->flags |= flags & O_NONBLOCK;
    numbers[0] = file_number(ends[0], flags & O_CLOEXEC);
    numbers[1] = file_number(ends[1], flags & O_CLOEXEC);
    if (numbers[0] >= 0 && numbers[1] >= 0) return copy_to_user(address, numbers, sizeof(numbers));
    if (numbers[0] >= 0) sys_close(numbers[0]);
    return -EMFILE;
}

long sys_pipe(u64 address) {
    return sys_pipe2(address, 0);
}

/* ---- Waiting for several ------------------------------------------------------------------------------------------ */

static u32 ready(struct file *file, u32 wanted) {
    u32 now_ready = file->ops->poll == 0 ? POLLIN | POLLOUT : file->ops->poll(file);
    return now_ready & (wanted | POLLERR | POLLHUP);
}

static u64 deadline_in(long nanos) {
    return nanos < 0 ? 0 : now() + nanos;
}

static long poll_until(u64 address, u64 count, u64 deadline, int forever) {
    struct pollfd *fds = kmalloc(PAGE_SIZE / 2);
    long found = 0, error = count > PAGE_SIZE / 2 / sizeof(*fds) ? -EINVAL : fds == 0 ? -ENOMEM
                 : copy_from_user(fds, address, count * sizeof(*fds));
    while (error == 0) {
        found = 0;
        for (u64 i = 0; i < count; i++) {
            struct file *file = file_by_number(fds[i].fd);
            fds[i].revents = fds[i].fd < 0 ? 0 : file == 0 ? POLLNVAL : ready(file, fds[i].events);
            found += fds[i].revents != 0;
        }
        if (found > 0 || (error = poll_wait(forever ? 0 : deadline)) != 0) break;
    }
    if (error == -ETIMEDOUT) error = 0;
    if (error == 0) error = copy_to_user(address, fds, count * sizeof(*fds));
    kfree(fds);
    return error != 0 ? error : found;
}

long sys_poll(u64 fds, u64 count, u64 timeout) {
    return poll_until(fds, count, deadline_in((long)(int)timeout * NANOS_PER_MILLI),
                      (int)timeout < 0);
}

long sys_ppoll(u64 fds, u64 count, u64 timeout) {
    struct timespec time = {.tv_sec = 0};
    if (timeout != 0 && copy_from_user(&time, timeout, sizeof(time)) != 0) return -EFAULT;
    return poll_until(fds, count, deadline_in(time.tv_sec * NANOS_PER_SECOND + time.tv_nsec),
                      timeout == 0);
}

static long select_until(u64 count, const u64 *sets, u64 deadline) {
    static const u32 events[] = {POLLIN, POLLOUT, POLLPRI};
    u64 wanted[3] = {0}, found[3];
    long number = 0, error = 0;
    if (count > MAX_FILES) count = MAX_FILES;
    for (int i = 0; i < 3; i++) {
        if (sets[i] != 0 && copy_from_user(&wanted[i], sets[i], 8) != 0) return -EFAULT;
    }
    for (; error == 0; error = poll_wait(deadline)) {
        number = 0;
        for (int i = 0; i < 3; i++) {
            found[i] = 0;
            for (u64 fd = 0; fd < count; fd++) {
                struct file *file = file_by_number(fd);
                if (!(wanted[i] >> fd & 1)) continue;
                if (file == 0) return -EBADF;
                u32 answer = ready(file, events[i]);
                if (answer == 0 || (i == 2 && !(answer & POLLPRI))) continue;
                found[i] |= 1ul << fd;
                number++;
            }
        }
        if (number > 0) break;
    }
    if (error == -EINTR) return error;
    for (int i = 0; i < 3; i++) {
        if (sets[i] != 0 && copy_to_user(sets[i], &found[i], 8) != 0) return -EFAULT;
    }
    return number;
}

long sys_select(u64 count, u64 in, u64 out, u64 other, u64 timeout) {
    u64 sets[] = {in, out, other};
    struct timeval time;
    if (timeout == 0) return select_until(count, sets, 0);
    if (copy_from_user(&time, timeout, sizeof(time)) != 0) return -EFAULT;
    return select_until(count, sets,
                        now() + time.tv_sec * NANOS_PER_SECOND + time.tv_usec * NANOS_PER_MICRO);
}

long sys_pselect6(u64 count, u64 in, u64 out, u64 other, u64 timeout) {
    u64 sets[] = {in, out, other};
    struct timespec time;
    if (timeout == 0) return select_until(count, sets, 0);
    if (copy_from_user(&time, timeout, sizeof(time)) != 0) return -EFAULT;
    return select_until(count, sets, now() + time.tv_sec * NANOS_PER_SECOND + time.tv_nsec);
}

/* file.c: open files and their numbers, and the system calls on them, which get a file in the place of its
 * number from syscall.c. */
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

long sys_dup3(struct file *file, u64 wanted, u64 flags) {
    if (wanted >= MAX_FILES) return -EBADF;
    if (current->files[wanted] == file) return wanted;
    file->users++;
    sys_close(wanted);
    return file_number(file, wanted, flags);
}

long sys_dup2(struct file *file, u64 wanted) { return sys_dup3(file, wanted, 0); }
long sys_dup(struct file *file) { return file->users++, file_number(file, 0, 0); }

long sys_fcntl(u64 fd, u64 command, u64 argument) {
    struct file *file = file_by_number(fd);
    if (file == 0) return -EBADF;
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        file->users++;
        return file_number(file, argument, command == F_DUPFD ? 0 : O_CLOEXEC);
    }
    u64 *bits = &current->close_on_exec;
    if (command == F_SETFD) *bits = (*bits & ~(1ul << fd)) | (argument & 1) << fd;
    if (command == F_SETFL) file->flags = (file->flags & ~O_NONBLOCK) | (argument & O_NONBLOCK);
    return command == F_GETFD ? (long)(*bits >> fd & 1) : command == F_GETFL ? (long)file->flags : 0;
}

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
    const struct file_ops *ops = inode->file_ops != 0 ? inode->file_ops : &regular_ops;
    struct file *file = *opened = file_new(ops, inode->data, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (file == 0) return -ENOMEM;
    inode_get(file->inode = inode);
    return 0;
}

long sys_open(struct place *place, u64 flags, u64 mode) {
    struct file *file;
    long error = 0;
    if (place->inode == 0) error = flags & O_CREAT ? place_make(place, S_IFREG | (mode & 0755)) : -ENOENT;
    else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) error = -EEXIST;
    else if (!S_IS(place->inode->mode, DIR)) error = flags & O_DIRECTORY ? -ENOTDIR : 0;
    else if ((flags & O_ACCMODE) != O_RDONLY) error = -EISDIR;
    if (error == 0 && (flags & O_ACCMODE) != O_RDONLY && is_running(place->inode)) error = -ETXTBSY;
    if (error == 0 && flags & O_TRUNC && S_IS(place->inode->mode, REG)) error = sys_truncate(place, 0);
    if (error == 0) error = inode_open(place->inode, flags, &file);
    return error != 0 ? error : file_number(file, 0, flags);
}

long sys_lseek(struct file *file, long offset, u64 whence) {
    if (file->inode == 0 || S_IS(file->inode->mode, CHR)) return -ESPIPE;
    offset += whence == 1 ? file->position : whence == 2 ? file->inode->size : 0;
    return offset < 0 || whence > 2 ? -EINVAL : (long)(file->position = offset);
}

long sys_getdents64(struct file *file, u64 to, u64 room) {
    struct { struct dirent64 head; char name[sizeof(((struct name *)0)->text) + 8]; } record;
    struct name name;
    u64 done = 0;
    if (file->inode == 0 || !S_IS(file->inode->mode, DIR)) return -ENOTDIR;
    while (file->inode->ops->list(file->inode, file->position, &name) == 1) {
        u64 length = strlen(name.text) + 1, size = ROUND_UP(sizeof(record.head) + length, 8);
        if (done + size > room) return done == 0 ? -EINVAL : (long)done;
        record.head = (struct dirent64){.d_ino = name.number, .d_off = ++file->position, .d_reclen = size,
                                        .d_type = name.mode >> 12};
        memcpy(record.name, name.text, length);
        if (copy_to_user(to + done, &record, size) != 0) return -EFAULT;
        done += size;
    }
    return done;
}

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
        if (kernel_work()) schedule(); /* this may take long */
        if ((u64)result < part || signal_waiting(current)) break;
    } while (done < n && (writing || file->ops->poll == 0)); /* ... and cannot keep us waiting */
    page_put(page);
    return done > 0 ? (long)done : result;
}

long sys_read(struct file *file, u64 to, u64 n) { return transfer(file, to, n, 0); }
long sys_write(struct file *file, u64 from, u64 n) { return transfer(file, from, n, 1); }

/* One buffer of the process after the other, until one is not used up. */
static long transfer_each(struct file *file, u64 address, u64 count, int writing) {
    struct { u64 address, n; } part;
    long done = 0, n = 0;
    if (count > 1024) return -EINVAL; /* IOV_MAX */
    for (; count-- > 0; done += n, address += sizeof(part)) {
        n = copy_from_user(&part, address, sizeof(part)) != 0 ? -EFAULT : 0;
        if (n == 0 && part.n > 0) n = transfer(file, part.address, part.n, writing);
        if (n < 0) return done > 0 ? done : n;
        if ((u64)n < part.n) return done + n;
    }
    return done;
}

long sys_readv(struct file *file, u64 parts, u64 count) { return transfer_each(file, parts, count, 0); }
long sys_writev(struct file *file, u64 parts, u64 count) { return transfer_each(file, parts, count, 1); }

long sys_ioctl(struct file *file, u64 request, u64 argument) {
    return file->ops->ioctl == 0 ? -ENOTTY : file->ops->ioctl(file, request, argument);
}

/* Sleeps until any wakeup() and looks again, until one of the files is ready or time is up. */
long sys_poll(u64 address, u64 count, u64 millis) {
    struct pollfd fds[MAX_FILES];
    u64 deadline = (int)millis < 0 ? 0 : now() + (int)millis * NANOS_PER_MILLI;
    long found = 0, error = 0;
    if (count > MAX_FILES) return -EINVAL;
    if (copy_from_user(fds, address, count * sizeof(fds[0])) != 0) return -EFAULT;
    while (found == 0 && error == 0) {
        for (struct pollfd *wish = fds; wish < fds + count; wish++) {
            struct file *f = file_by_number(wish->fd);
            u32 ready = f == 0 ? POLLNVAL : f->ops->poll == 0 ? POLLIN | POLLOUT : f->ops->poll(f);
            wish->revents = wish->fd < 0 ? 0 : ready & (wish->events | POLLERR | POLLHUP | POLLNVAL);
            found += wish->revents != 0;
        }
        if (found == 0) error = poll_wait(deadline);
    }
    if (error == -EINTR) return error;
    return copy_to_user(address, fds, count * sizeof(fds[0])) != 0 ? -EFAULT : found;
}

/* ---- Pipes: a page between two processes, which one writes and the other reads ------------------------ */
struct pipe {
    char *page;
    u32 put, taken; /* bytes so far: run freely, like the indices of Xen's rings */
    int readers, writers;
};

static long pipe_read(struct file *file, void *to, u64 n) {
    struct pipe *pipe = file->data;
    while (pipe->put == pipe->taken) {
        if (pipe->writers == 0 || n == 0) return 0;
        if (file->flags & O_NONBLOCK) return -EAGAIN;
        if (wait(pipe, 0) != 0) return -ERESTART;
    }
    u64 done = 0;
    while (done < n && pipe->put != pipe->taken) ((char *)to)[done++] = pipe->page[pipe->taken++ % PAGE_SIZE];
    wakeup(pipe);
    return done;
}

static long pipe_write(struct file *file, const void *from, u64 n) {
    struct pipe *pipe = file->data;
    long done = 0, error = 0;
    while ((u64)done < n && error == 0) {
        if (pipe->readers == 0) {
            signal_send(current, SIGPIPE);
            error = -EPIPE;
        } else if (pipe->put - pipe->taken < PAGE_SIZE) {
            pipe->page[pipe->put++ % PAGE_SIZE] = ((const char *)from)[done++];
        } else {
            wakeup(pipe);
            error = file->flags & O_NONBLOCK ? -EAGAIN : wait(pipe, 0) != 0 ? -ERESTART : 0;
        }
    }
    wakeup(pipe);
    return done > 0 ? done : error;
}

static u32 pipe_poll(struct file *file) {
    struct pipe *pipe = file->data;
    u32 waiting = pipe->put - pipe->taken;
    u32 to_read = (waiting > 0 ? POLLIN : 0) | (pipe->writers == 0 ? POLLHUP : 0);
    u32 to_write = (waiting < PAGE_SIZE ? POLLOUT : 0) | (pipe->readers == 0 ? POLLERR : 0);
    return file->flags & O_WRONLY ? to_write : to_read;
}

static void pipe_close(struct file *file) {
    struct pipe *pipe = file->data;
    if (file->flags & O_WRONLY) pipe->writers--;
    else pipe->readers--;
    wakeup(pipe);
    if (pipe->readers > 0 || pipe->writers > 0) return;
    page_put(pipe->page);
    kfree(pipe);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .close = pipe_close};

long sys_pipe2(u64 address, u64 flags) {
    struct pipe *pipe = kmalloc(sizeof(*pipe));
    if (pipe == 0 || (pipe->page = page_alloc()) == 0) return kfree(pipe), -ENOMEM;
    pipe->readers = pipe->writers = 1;
    struct file *in = file_new(&pipe_ops, pipe, O_RDONLY | (flags & O_NONBLOCK));
    struct file *out = file_new(&pipe_ops, pipe, O_WRONLY | (flags & O_NONBLOCK));
    if (in == 0 || out == 0) return kfree(in), kfree(out), page_put(pipe->page), kfree(pipe), -ENOMEM;
    int numbers[] = {file_number(in, 0, flags), file_number(out, 0, flags)};
    if (numbers[1] < 0) return sys_close(numbers[0]), -EMFILE;
    return copy_to_user(address, numbers, sizeof(numbers));
}

long sys_pipe(u64 address) { return sys_pipe2(address, 0); }

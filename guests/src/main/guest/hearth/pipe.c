/*
 * pipe.c: a page between two processes, which one writes and the other reads.
 */
#include "kernel.h"

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
    u32 part = MIN(n, pipe->put - pipe->taken);
    for (u32 i = 0; i < part; i++) ((char *)to)[i] = pipe->page[pipe->taken++ % PAGE_SIZE];
    wakeup(pipe);
    return part;
}

static long pipe_write(struct file *file, const void *from, u64 n) {
    struct pipe *pipe = file->data;
    u64 done = 0;
    while (done < n) {
        if (pipe->readers == 0) {
            signal_send(current, SIGPIPE);
            return -EPIPE;
        }
        if (pipe->put - pipe->taken < PAGE_SIZE) {
            pipe->page[pipe->put++ % PAGE_SIZE] = ((const char *)from)[done++];
            continue;
        }
        wakeup(pipe);
        if (file->flags & O_NONBLOCK) return done > 0 ? (long)done : -EAGAIN;
        if (wait(pipe, 0) != 0) return done > 0 ? (long)done : -ERESTART;
    }
    wakeup(pipe);
    return done;
}

static int is_write_end(struct file *file) { return (file->flags & O_ACCMODE) == O_WRONLY; }

static u32 pipe_poll(struct file *file) {
    struct pipe *pipe = file->data;
    u32 waiting = pipe->put - pipe->taken;
    if (is_write_end(file)) return (waiting < PAGE_SIZE ? POLLOUT : 0) | (pipe->readers == 0 ? POLLERR : 0);
    return (waiting > 0 ? POLLIN : 0) | (pipe->writers == 0 ? POLLHUP : 0);
}

static void pipe_close(struct file *file) {
    struct pipe *pipe = file->data;
    if (is_write_end(file)) pipe->writers--;
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
    char *page = page_alloc();
    struct file *in = file_new(&pipe_ops, pipe, O_RDONLY | (flags & O_NONBLOCK));
    struct file *out = file_new(&pipe_ops, pipe, O_WRONLY | (flags & O_NONBLOCK));
    if (pipe == 0 || page == 0 || in == 0 || out == 0) {
        if (page != 0) page_put(page);
        kfree(pipe), kfree(in), kfree(out);
        return -ENOMEM;
    }
    *pipe = (struct pipe){.page = page, .readers = 1, .writers = 1};
    int numbers[] = {file_number(in, 0, flags), file_number(out, 0, flags)};
    if (numbers[0] >= 0 && numbers[1] >= 0) return copy_to_user(address, numbers, sizeof(numbers));
    sys_close(numbers[0]); /* of a number that it did not get: -EBADF */
    return -EMFILE;
}

long sys_pipe(u64 address) { return sys_pipe2(address, 0); }

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
        u32 room = PAGE_SIZE - (pipe->put - pipe->taken);
        if (pipe->readers == 0) {
            signal_send(current, SIGPIPE);
            return -EPIPE;
        }
        if (room == 0) {
            if (file->flags & O_NONBLOCK) return done > 0 ? (long)done : -EAGAIN;
            if (wait(pipe, 0) != 0) return done > 0 ? (long)done : -ERESTART;
            continue;
        }
        for (; room > 0 && done < n; room--) {
            pipe->page[pipe->put++ % PAGE_SIZE] = ((const char *)from)[done++];
        }
        wakeup(pipe);
    }
    return done;
}

static u32 read_end_poll(struct file *file) {
    struct pipe *pipe = file->data;
    return (pipe->put != pipe->taken ? POLLIN : 0) | (pipe->writers == 0 ? POLLHUP : 0);
}

static u32 write_end_poll(struct file *file) {
    struct pipe *pipe = file->data;
    return (pipe->put - pipe->taken < PAGE_SIZE ? POLLOUT : 0) | (pipe->readers == 0 ? POLLERR : 0);
}

static void pipe_close(struct file *file) {
    struct pipe *pipe = file->data;
    if ((file->flags & O_ACCMODE) == O_WRONLY) pipe->writers--;
    else pipe->readers--;
    wakeup(pipe);
    if (pipe->readers == 0 && pipe->writers == 0) {
        page_put(pipe->page);
        kfree(pipe);
    }
}

static const struct file_ops read_end_ops = {
    .read = pipe_read, .poll = read_end_poll, .close = pipe_close};
static const struct file_ops write_end_ops = {
    .write = pipe_write, .poll = write_end_poll, .close = pipe_close};

long pipe_new(struct file **read_end, struct file **write_end) {
    struct pipe *pipe = kmalloc(sizeof(*pipe));
    char *page = page_alloc();
    *read_end = file_new(&read_end_ops, pipe, O_RDONLY);
    *write_end = file_new(&write_end_ops, pipe, O_WRONLY);
    if (pipe == 0 || page == 0 || *read_end == 0 || *write_end == 0) {
        if (page != 0) page_put(page);
        kfree(pipe), kfree(*read_end), kfree(*write_end);
        return -ENOMEM;
    }
    *pipe = (struct pipe){.page = page, .readers = 1, .writers = 1};
    return 0;
}

/*
 * socket.c: the system calls on sockets: what inet.c does at once or not at all, with waiting, and
 * with the memory of processes on one side.
 */
#include "inet.h"
#include "net.h"

#define MSG_PEEK     0x02
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define SOCK_TYPE    0xf /* the rest of a socket's type are flags, with the values of O_... */

enum { SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_TYPE, SO_ERROR };
#define TCP_NODELAY 1

static struct socket *socket_of(struct file *file) {
    return file->data;
}

void socket_wake(struct socket *socket) {
    wakeup(socket);
}

/* Whether to try again: the result was "not yet", the program is willing to wait, and something has
 * happened meanwhile. */
static int after_waiting(struct file *file, u32 flags, long *result) {
    if (*result != -EAGAIN || file->flags & O_NONBLOCK || flags & MSG_DONTWAIT) return 0;
    if (wait(socket_of(file), 0) == 0) return 1;
    *result = -ERESTART;
    return 0;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static long get_address(struct endpoint *endpoint, u64 address, u32 length) {
    struct sockaddr_in name;
    if (length < sizeof(name)) return -EINVAL;
    if (copy_from_user(&name, address, sizeof(name)) != 0) return -EFAULT;
    if (name.family != AF_INET) return -EAFNOSUPPORT;
    *endpoint = (struct endpoint){from_be32(name.address), from_be16(name.port)};
    return 0;
}

static long put_address(struct endpoint endpoint, u64 address, u64 length_address) {
    struct sockaddr_in name = {.family = AF_INET, .port = to_be16(endpoint.port),
                               .address = to_be32(endpoint.address)};
    u32 room, length = sizeof(name);
    if (address == 0) return 0;
    if (copy_from_user(&room, length_address, sizeof(room)) != 0
        || copy_to_user(address, &name, MIN(room, length)) != 0
        || copy_to_user(length_address, &length, sizeof(length)) != 0) {
        return -EFAULT;
    }
    return 0;
}

long socket_name(struct file *file, u64 address, u64 length_address, int peer) {
    struct socket *s = socket_of(file);
    struct endpoint local = {s->local, s->local_port}, remote = {s->remote, s->remote_port};
    if (peer && s->remote == ADDRESS_ANY) return -ENOTCONN;
    return put_address(peer ? remote : local, address, length_address);
}

/* ---- Connections ----------------------------------------------------------------------------- */

long socket_file(u32 family, u32 type, u32 protocol, struct file **made) {
    u32 natural = (type & SOCK_TYPE) == STREAM ? PROTOCOL_TCP : PROTOCOL_UDP;
    if (family != AF_INET) return -EAFNOSUPPORT;
    if ((type & SOCK_TYPE) < STREAM || (type & SOCK_TYPE) > RAW) return -EPROTONOSUPPORT;
    if ((type & SOCK_TYPE) == RAW ? protocol != PROTOCOL_ICMP
                                  : protocol != 0 && protocol != natural) {
        return -EPROTONOSUPPORT;
    }
    struct socket *socket = socket_new(type & SOCK_TYPE, protocol == 0 ? natural : protocol);
    if (socket == 0) return -ENOMEM;
    *made = file_new(&socket_ops, socket, O_RDWR | (type & O_NONBLOCK));
    if (*made != 0) return 0;
    inet_close(socket);
    return -ENOMEM;
}

long socket_bind(struct file *file, u64 address, u32 length) {
    struct endpoint local;
    long error = get_address(&local, address, length);
    return error != 0 ? error : inet_bind(socket_of(file), local);
}

long socket_listen(struct file *file, int backlog) {
    return inet_listen(socket_of(file), backlog);
}

long socket_connect(struct file *file, u64 address, u32 length) {
    struct socket *socket = socket_of(file);
    struct endpoint remote;
    long result = get_address(&remote, address, length);
    if (result != 0) return result;
    result = inet_connect(socket, remote);
    if (file->flags & O_NONBLOCK || (result != -EINPROGRESS && result != -EALREADY)) return result;
    while (!inet_writable(socket)) {
        if (wait(socket, 0) != 0) return -ERESTART;
    }
    return inet_error(socket);
}

long socket_accept(struct file *file, u64 address, u64 length_address, struct file **accepted) {
    struct socket *listener = socket_of(file), *socket;
    long result;
    if (listener->tcp.state != LISTEN) return -EINVAL;
    do {
        socket = inet_accept(listener);
        result = socket != 0 ? 0 : -EAGAIN;
    } while (after_waiting(file, 0, &result));
    if (socket == 0) return result;
    *accepted = file_new(&socket_ops, socket, O_RDWR);
    if (*accepted == 0) {
        inet_close(socket);
        return -ENOMEM;
    }
    struct endpoint remote = {socket->remote, socket->remote_port};
    return put_address(remote, address, length_address);
}

long socket_shutdown(struct file *file, u32 how) {
    return how > 2 ? -EINVAL : inet_shutdown(socket_of(file), how != 1, how != 0);
}

/* ---- Sending and receiving ------------------------------------------------------------------- */

/* All of it, unless a signal or an error comes first. */
static long send(struct file *file, const void *data, u64 n, u32 flags, const struct endpoint *to) {
    u64 sent = 0;
    long result;
    do {
        result = inet_send(socket_of(file), (const u8 *)data + sent, n - sent, to);
        if (result > 0) sent += result;
    } while (sent < n && (result > 0 || after_waiting(file, flags, &result)));
    if (result == -EPIPE && !(flags & MSG_NOSIGNAL)) signal_send(current, SIGPIPE);
    return sent > 0 ? (long)sent : result;
}

static long receive(struct file *file, void *data, u64 n, u32 flags, struct endpoint *from) {
    long result;
    do {
        result = inet_receive(socket_of(file), data, n, (flags & MSG_PEEK) != 0, from);
    } while (after_waiting(file, flags, &result));
    return result;
}

/* A page at a time: streams have no seams, and no datagram is longer. */
long socket_send(struct file *file, u64 from, u64 n, u32 flags, u64 address, u32 length) {
    struct endpoint to;
    u64 sent = 0;
    long result = address == 0 ? 0 : get_address(&to, address, length);
    if (result != 0) return result;
    if (n > PAGE_SIZE && socket_of(file)->type != STREAM) return -EMSGSIZE;
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    do {
        u64 part = MIN(n - sent, PAGE_SIZE);
        result = copy_from_user(page, from + sent, part) != 0 ? -EFAULT
                 : send(file, page, part, flags, address == 0 ? 0 : &to);
        if (result > 0) sent += result;
        if (result != (long)part) break;
    } while (sent < n);
    page_put(page);
    return sent > 0 ? (long)sent : result;
}

long socket_receive(struct file *file, u64 to, u64 n, u32 flags, u64 address,
                    u64 length_address) {
    struct endpoint from = {0, 0};
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    long result = receive(file, page, MIN(n, PAGE_SIZE), flags, &from);
    if (result > 0 && copy_to_user(to, page, result) != 0) result = -EFAULT;
    page_put(page);
    if (result < 0) return result;
    long error = put_address(from, address, length_address);
    return error != 0 ? error : result;
}

/* ---- Options --------------------------------------------------------------------------------- */

static long get_option(struct socket *socket, u32 level, u32 name, u64 value, u64 length) {
    u32 room, answer = 0;
    if (level == SOL_SOCKET && name == SO_ERROR) answer = -inet_error(socket);
    if (level == SOL_SOCKET && name == SO_TYPE) answer = socket->type;
    if (copy_from_user(&room, length, sizeof(room)) != 0 || room < sizeof(answer)) return -EINVAL;
    room = sizeof(answer);
    return copy_to_user(value, &answer, sizeof(answer)) != 0
           || copy_to_user(length, &room, sizeof(room)) != 0 ? -EFAULT : 0;
}

/* Most options tune what we do not have; programs may set them, to no effect. */
long socket_option(struct file *file, int set, u32 level, u32 name, u64 value, u64 length) {
    struct socket *socket = socket_of(file);
    u32 on = 0;
    if (!set) return get_option(socket, level, name, value, length);
    if (length >= sizeof(on) && copy_from_user(&on, value, sizeof(on)) != 0) return -EFAULT;
    if (level == SOL_SOCKET && name == SO_REUSEADDR) socket->reuse_address = on != 0;
    if (level == PROTOCOL_TCP && name == TCP_NODELAY) socket->no_delay = on != 0;
    return 0;
}

/* ---- As a file ------------------------------------------------------------------------------- */

static long socket_file_read(struct file *file, void *to, u64 n) {
    return receive(file, to, n, 0, 0);
}

static long socket_file_write(struct file *file, const void *from, u64 n) {
    return send(file, from, n, 0, 0);
}

static long socket_file_ioctl(struct file *file, u32 request, u64 argument) {
    u32 readable = tcp_readable(socket_of(file));
    if (request == FIONREAD) return copy_to_user(argument, &readable, sizeof(readable));
    return interface_control(request, argument);
}

static u32 socket_file_poll(struct file *file) {
    struct socket *socket = socket_of(file);
    return (inet_readable(socket) ? POLLIN : 0) | (inet_writable(socket) ? POLLOUT : 0)
           | (socket->error != 0 ? POLLERR : 0);
}

static void socket_file_close(struct file *file) {
    inet_close(socket_of(file));
}

const struct file_ops socket_ops = {
    .read = socket_file_read, .write = socket_file_write, .ioctl = socket_file_ioctl,
    .poll = socket_file_poll, .close = socket_file_close,
};

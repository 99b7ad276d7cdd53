/*
 * socket.c: the system calls on sockets: what inet.c does at once or not at all, with waiting, and with the memory of
 * processes on one side.
 */
#include "inet.h"

#define AF_INET    2
#define SOL_SOCKET 1
#define SO_ERROR   4

struct sockaddr_in { u16 family; be16 port; be32 address; u8 zero[8]; }; /* how programs name an endpoint */

/* Whether to try again: the result was "not yet", the program is willing to wait, and something has happened. */
static int after_waiting(struct file *file, long *result) {
    if (*result != -EAGAIN || file->flags & O_NONBLOCK) return 0;
    if (wait(file->data, 0) == 0) return 1;
    *result = -ERESTART;
    return 0;
}

static long get_address(struct endpoint *endpoint, u64 address, u64 length) {
    struct sockaddr_in name;
    if (length < sizeof(name)) return -EINVAL;
    if (copy_from_user(&name, address, sizeof(name)) != 0) return -EFAULT;
    if (name.family != AF_INET) return -EAFNOSUPPORT;
    *endpoint = (struct endpoint){from_be32(name.address), from_be16(name.port)};
    return 0;
}

static long put_address(struct endpoint endpoint, u64 address, u64 length_address) {
    struct sockaddr_in name = {AF_INET, to_be16(endpoint.port), to_be32(endpoint.address), {0}};
    u32 room, length = sizeof(name);
    if (address == 0) return 0;
    return copy_from_user(&room, length_address, sizeof(room)) != 0
           || copy_to_user(address, &name, MIN(room, length)) != 0
           || copy_to_user(length_address, &length, sizeof(length)) != 0 ? -EFAULT : 0;
}

/* ---- Connections ------------------------------------------------------------------------------- */

static long make_file(struct socket *socket, u64 flags) {
    struct file *file = socket == 0 ? 0 : file_new(&socket_ops, socket, O_RDWR | (flags & O_NONBLOCK));
    if (file != 0) return file_number(file, 0, flags);
    if (socket != 0) inet_close(socket);
    return -ENOMEM;
}

long sys_socket(u64 family, u64 type, u64 protocol) {
    static const u8 natural[] = {[STREAM] = PROTOCOL_TCP, [DATAGRAM] = PROTOCOL_UDP, [RAW] = PROTOCOL_ICMP};
    u64 kind = type & 15; /* the rest are flags, with the values of O_... */
    if (family != AF_INET) return -EAFNOSUPPORT;
    if (kind < STREAM || kind > RAW || (protocol != natural[kind] && (protocol != 0 || kind == RAW))) {
        return -EPROTONOSUPPORT;
    }
    return make_file(socket_new(kind), type);
}

long sys_bind(struct file *file, u64 address, u64 length) {
    struct socket *socket = file->data;
    struct endpoint local;
    long error = get_address(&local, address, length);
    return error != 0 ? error : inet_bind(socket, local);
}

long sys_listen(struct file *file, u64 backlog) {
    struct socket *socket = file->data;
    return inet_listen(socket, backlog);
}

long sys_connect(struct file *file, u64 address, u64 length) {
    struct socket *socket = file->data;
    struct endpoint remote;
    long result = get_address(&remote, address, length);
    if (result == 0) result = inet_connect(socket, remote);
    if (file->flags & O_NONBLOCK || (result != -EINPROGRESS && result != -EALREADY)) return result;
    while (!inet_writable(socket)) if (wait(socket, 0) != 0) return -ERESTART;
    return inet_error(socket);
}

long sys_accept4(struct file *file, u64 address, u64 length_address, u64 flags) {
    struct socket *socket = file->data;
    struct socket *accepted;
    long result;
    if (socket->tcp.state != LISTEN) return -EINVAL;
    do {
        accepted = inet_accept(socket);
        result = accepted != 0 ? 0 : -EAGAIN;
    } while (after_waiting(file, &result));
    if (result != 0) return result;
    long error = put_address(accepted->remote, address, length_address);
    result = make_file(accepted, flags);
    return error != 0 ? error : result;
}

long sys_accept(struct file *file, u64 address, u64 length_address) {
    return sys_accept4(file, address, length_address, 0);
}

long sys_getsockname(struct file *file, u64 address, u64 length_address) {
    struct socket *socket = file->data;
    return put_address(socket->local, address, length_address);
}

long sys_getpeername(struct file *file, u64 address, u64 length_address) {
    struct socket *socket = file->data;
    return socket->remote.address == ADDRESS_ANY ? -ENOTCONN : put_address(socket->remote, address, length_address);
}

long sys_shutdown(struct file *file, u64 how) {
    struct socket *socket = file->data;
    if (socket->type == STREAM && socket->tcp.state < ESTABLISHED) return -ENOTCONN;
    if (how != 0) tcp_shutdown(socket);
    return 0;
}

long sys_getsockopt(struct file *file, u64 level, u64 name, u64 value, u64 length_address) {
    struct socket *socket = file->data;
    u32 answer = level == SOL_SOCKET && name == SO_ERROR ? -inet_error(socket) : 0, size = sizeof(answer);
    return copy_to_user(value, &answer, size) != 0 || copy_to_user(length_address, &size, 4) != 0 ? -EFAULT : 0;
}

/* ---- Sending and receiving --------------------------------------------------------------------- */

/* All of it, unless a signal or an error comes first. */
static long send(struct file *file, const u8 *data, u64 n, const struct endpoint *to) {
    u64 sent = 0;
    long result;
    do {
        result = inet_send(file->data, data + sent, n - sent, to);
        if (result > 0) sent += result;
    } while (sent < n && (result > 0 || after_waiting(file, &result)));
    if (result == -EPIPE) signal_send(current, SIGPIPE);
    return sent > 0 ? (long)sent : result;
}

static long receive(struct file *file, void *data, u64 n, struct endpoint *from) {
    long result;
    do result = inet_receive(file->data, data, n, from);
    while (after_waiting(file, &result));
    return result;
}

/* A page at most: no datagram is longer, and the rest of a stream may be sent by another call. */
long sys_sendto(struct file *file, u64 from, u64 n, u64 flags, u64 address, u64 length) {
    struct socket *socket = file->data;
    struct endpoint to = socket->remote;
    long result = address == 0 ? 0 : get_address(&to, address, length);
    void *page = result == 0 ? page_alloc() : 0;
    if (page == 0) return result != 0 ? result : -ENOMEM;
    (void)flags;
    n = MIN(n, PAGE_SIZE);
    result = copy_from_user(page, from, n) != 0 ? -EFAULT : send(file, page, n, &to);
    page_put(page);
    return result;
}

long sys_recvfrom(struct file *file, u64 to, u64 n, u64 flags, u64 address, u64 length_address) {
    struct socket *socket = file->data;
    struct endpoint from = socket->remote;
    void *page = page_alloc();
    if (page == 0) return -ENOMEM;
    (void)flags;
    long result = receive(file, page, MIN(n, PAGE_SIZE), &from);
    if (result > 0 && copy_to_user(to, page, result) != 0) result = -EFAULT;
    page_put(page);
    long error = result < 0 ? 0 : put_address(from, address, length_address);
    return error != 0 ? error : result;
}

static long socket_read(struct file *file, void *to, u64 n) {
    struct endpoint from;
    return receive(file, to, n, &from);
}

static long socket_write(struct file *file, const void *from, u64 n) {
    return send(file, from, n, &((struct socket *)file->data)->remote);
}

static u32 socket_poll(struct file *file) {
    struct socket *socket = file->data;
    return (inet_readable(socket) ? POLLIN : 0) | (inet_writable(socket) ? POLLOUT : 0)
           | (socket->error != 0 ? POLLERR : 0);
}

static void socket_close(struct file *file) {
    inet_close(file->data);
}

const struct file_ops socket_ops = {
    .read = socket_read, .write = socket_write, .poll = socket_poll, .close = socket_close,
};

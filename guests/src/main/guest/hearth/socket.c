/* socket.c: what a program holds of the network: an end of a connection, a box for datagrams; and the system
 * calls by which it uses them. */
#include "inet.h"
#define EPHEMERAL_FIRST 32768 /* ports that we choose from for a program that does not mind */
#define EPHEMERAL_COUNT 28232
#define BACKLOG_MAX     64
#define DATAGRAM_MAX    (ETHER_PAYLOAD - sizeof(struct ip_header) - sizeof(struct udp_header))
#define AF_INET         2

struct sockaddr_in { u16 family; be16 port; be32 address; u8 zero[8]; }; /* how programs name an endpoint */

struct socket *sockets; /* all, also those that no program holds any more */

struct socket *socket_new(enum socket_type type) {
    struct socket *socket = kmalloc(sizeof(*socket));
    if (socket == 0) return 0;
    socket->type = type;
    socket->next = sockets;
    return sockets = socket;
}

static void drop_first(struct socket *socket) {
    struct packet *packet = socket->first;
    socket->first = packet->next;
    socket->packets--;
    socket->bytes -= packet->length;
    kfree(packet);
}

void socket_free(struct socket *socket) {
    struct socket **link = &sockets;
    for (; *link != socket; link = &(*link)->next) continue;
    *link = socket->next;
    while (socket->first != 0) drop_first(socket);
    kfree(socket);
}

/* Puts what came at the end of the queue. A full one takes no more: what is lost a stream repeats. */
int socket_take(struct socket *socket, struct packet *packet) {
    struct packet **link = &socket->first;
    if (socket->packets == QUEUE_MAX) return kfree(packet), 0;
    while (*link != 0) link = &(*link)->next;
    packet->next = 0;
    *link = packet;
    socket->packets++;
    socket->bytes += packet->length;
    wakeup(socket);
    return 1;
}

/* An error is told once. */
static long take_error(struct socket *socket) {
    int error = socket->error;
    socket->error = 0;
    return -error;
}

/* The connection that has been waiting longest: new sockets come to the front of the list. */
static struct socket *longest_waiting(const struct socket *listener) {
    struct socket *found = 0;
    for (struct socket *s = sockets; s != 0; s = s->next) {
        if (s->listener == listener && s->tcp.state > SYN_RECEIVED) found = s;
    }
    return found;
}

static int has_ended(const struct socket *socket) {
    return socket->type == STREAM && (socket->tcp.fin_received || socket->tcp.state == CLOSED);
}

/* What a program could do now without waiting. POLLIN is also to accept, POLLOUT also to be connected. */
static u32 socket_poll(struct file *file) {
    const struct socket *s = file->data;
    const struct tcp *tcp = &s->tcp;
    int full = tcp->state == ESTABLISHED && !tcp->closing && tcp->end - tcp->una == STREAM_SIZE;
    u32 ready = (s->error != 0 ? POLLIN | POLLERR : 0) | (full || tcp->state == SYN_SENT ? 0 : POLLOUT);
    int readable = tcp->state == LISTEN ? longest_waiting(s) != 0 : s->first != 0 || has_ended(s);
    return ready | (readable ? POLLIN : 0);
}

/* Whether to try again: the result was "not yet", the program wants to wait, and something has happened. */
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
    *endpoint = (struct endpoint){from_be32(name.address), from_be16(name.port)};
    return name.family == AF_INET ? 0 : -EAFNOSUPPORT;
}

static long put_address(struct endpoint endpoint, u64 address, u64 length_address) {
    struct sockaddr_in name = {AF_INET, to_be16(endpoint.port), to_be32(endpoint.address), {0}};
    u32 room, length = sizeof(name);
    if (address == 0) return 0;
    if (copy_from_user(&room, length_address, sizeof(room)) != 0) return -EFAULT;
    long error = copy_to_user(address, &name, MIN(room, length));
    return error != 0 ? error : copy_to_user(length_address, &length, sizeof(length));
}

/* Whether somebody has the port. A connection does not keep a new listener away from it. */
static int is_taken(enum socket_type type, u16 port, int also_by_connections) {
    for (struct socket *s = sockets; s != 0; s = s->next) {
        int has_it = s->type == type && s->local.port == port;
        if (has_it && (also_by_connections || s->tcp.state <= LISTEN)) return 1;
    }
    return 0;
}

static long bind(struct socket *socket, struct endpoint local) {
    static u32 turn;
    int chooses = local.port == 0, tries = 0;
    if (local.address != ADDRESS_ANY && !ip_is_ours(local.address)) return -EADDRNOTAVAIL;
    do {
        if (chooses) local.port = EPHEMERAL_FIRST + turn++ % EPHEMERAL_COUNT;
        if (is_taken(socket->type, local.port, chooses)) continue;
        socket->local = local;
        return 0;
    } while (chooses && ++tries < EPHEMERAL_COUNT);
    return -EADDRINUSE;
}

static long bind_if_need_be(struct socket *s) { return s->local.port != 0 ? 0 : bind(s, s->local); }

long sys_bind(struct file *file, u64 address, u64 length) {
    struct socket *socket = file->data;
    struct endpoint local;
    long error = get_address(&local, address, length);
    return error != 0 ? error : socket->local.port != 0 ? -EINVAL : bind(socket, local);
}

static void socket_close(struct file *file) {
    struct socket *socket = file->data;
    if (socket->type == STREAM) tcp_close(socket);
    else socket_free(socket);
}

static long make_file(struct socket *socket, u64 flags) {
    struct file *file = socket == 0 ? 0 : file_new(&socket_ops, socket, O_RDWR | (flags & O_NONBLOCK));
    if (file != 0) return file_number(file, 0, flags);
    if (socket != 0) socket_close(&(struct file){.data = socket});
    return -ENOMEM;
}

long sys_socket(u64 family, u64 type, u64 protocol) {
    static const u8 natural[] = {[STREAM] = PROTOCOL_TCP, [DATAGRAM] = PROTOCOL_UDP, [RAW] = PROTOCOL_ICMP};
    u64 kind = type & 15; /* the rest are flags, with the values of O_... */
    if (family != AF_INET) return -EAFNOSUPPORT;
    if (kind < STREAM || kind > RAW || (protocol != natural[kind] && protocol != 0)) return -EPROTONOSUPPORT;
    return make_file(socket_new(kind), type);
}

long sys_listen(struct file *file, u64 backlog) {
    struct socket *socket = file->data;
    if (socket->type != STREAM) return -EOPNOTSUPP;
    if (socket->tcp.state > LISTEN || bind_if_need_be(socket) != 0) return -EINVAL;
    socket->backlog = MAX(1, MIN(backlog, BACKLOG_MAX));
    socket->tcp.state = LISTEN;
    return 0;
}

long sys_accept(struct file *file, u64 address, u64 length_address) {
    struct socket *listener = file->data, *socket;
    long result;
    if (listener->tcp.state != LISTEN) return -EINVAL;
    do result = (socket = longest_waiting(listener)) != 0 ? 0 : -EAGAIN;
    while (after_waiting(file, &result));
    if (result == 0) result = put_address(socket->remote, address, length_address);
    if (result != 0) return result;
    socket->listener = 0;
    return make_file(socket, 0);
}

/* For datagrams, only notes whom to send to and to hear. */
static long begin_connection(struct socket *socket, struct endpoint remote) {
    enum tcp_state state = socket->tcp.state;
    if (state != CLOSED) return state == SYN_SENT ? -EALREADY : -EISCONN;
    if (socket->type == STREAM && socket->remote.port != 0) return -EINVAL; /* one for each socket */
    if (remote.address == ADDRESS_ANY) remote.address = ADDRESS_LOOPBACK;
    if (ip_source(remote.address) == ADDRESS_ANY) return -ENETUNREACH;
    if (bind_if_need_be(socket) != 0) return -EADDRINUSE;
    socket->remote = remote;
    if (socket->type != STREAM) return 0;
    socket->local.address = ip_source(remote.address);
    return tcp_connect(socket) != 0 ? -ENOMEM : -EINPROGRESS;
}

long sys_connect(struct file *file, u64 address, u64 length) {
    struct endpoint remote;
    long result = get_address(&remote, address, length);
    if (result == 0) result = begin_connection(file->data, remote);
    if (file->flags & O_NONBLOCK || (result != -EINPROGRESS && result != -EALREADY)) return result;
    while (!(socket_poll(file) & POLLOUT)) if (wait(file->data, 0) != 0) return -ERESTART;
    return take_error(file->data);
}

long sys_shutdown(struct file *file, u64 how) {
    if (how != 0) tcp_shutdown(file->data); /* which only a connection heeds */
    return 0;
}

static long send_datagram(struct socket *socket, const void *data, u64 length, struct endpoint to) {
    struct packet *packet;
    if (to.address == ADDRESS_ANY) return -EDESTADDRREQ;
    if (length > DATAGRAM_MAX) return -EMSGSIZE;
    if (bind_if_need_be(socket) != 0 || (packet = packet_new()) == 0) return -ENOMEM;
    packet->source = socket->local;
    packet->destination = to;
    if (packet->source.address == ADDRESS_ANY) packet->source.address = ip_source(to.address);
    packet_append(packet, data, length);
    if (socket->type == DATAGRAM) udp_send(packet);
    else ip_send(packet, PROTOCOL_ICMP);
    return length;
}

/* What there is room for. */
static long send_stream(struct socket *socket, const void *data, u64 length) {
    struct tcp *tcp = &socket->tcp;
    if (socket->error != 0) return take_error(socket);
    if (tcp->state == SYN_SENT) return -EAGAIN;
    if (socket->remote.port == 0) return -ENOTCONN;
    if (tcp->state != ESTABLISHED || tcp->closing) return -EPIPE;
    long sent = tcp_write(socket, data, length);
    return sent == 0 && length > 0 ? -EAGAIN : sent;
}

/* All of it, unless a signal or an error comes first. */
static long send(struct file *file, const u8 *data, u64 n, struct endpoint to) {
    struct socket *socket = file->data;
    u64 sent = 0;
    long result;
    if (socket->type != STREAM) return send_datagram(socket, data, n, to);
    do {
        result = send_stream(socket, data + sent, n - sent);
        if (result > 0) sent += result;
    } while (sent < n && (result > 0 || after_waiting(file, &result)));
    if (result == -EPIPE) signal_send(current, SIGPIPE);
    return sent > 0 ? (long)sent : result;
}

/* What came first; of a datagram, the rest is lost. 0 when the peer has said all. */
static long receive_now(struct socket *socket, u8 *data, u64 length, struct endpoint *from) {
    u64 done = 0, n;
    if (socket->type == STREAM && socket->remote.port == 0) return -ENOTCONN;
    if (socket->first == 0 && socket->error != 0) return take_error(socket);
    if (socket->first == 0) return has_ended(socket) ? 0 : -EAGAIN;
    *from = socket->first->source;
    do {
        struct packet *packet = socket->first;
        n = MIN(length - done, packet->length);
        memcpy(data + done, packet_pull(packet, n), n);
        done += n;
        socket->bytes -= n;
        if (socket->type != STREAM || packet->length == 0) drop_first(socket);
    } while (socket->type == STREAM && done < length && socket->first != 0);
    if (socket->type == STREAM) tcp_was_read(socket);
    return done;
}

static long receive(struct file *file, void *data, u64 n, struct endpoint *from) {
    long result;
    do result = receive_now(file->data, data, n, from);
    while (after_waiting(file, &result));
    return result;
}

/* A packet at most: no datagram is longer, and of a stream another call may send or receive the rest. */
long sys_sendto(struct file *file, u64 from, u64 n, u64 flags, u64 address, u64 length) {
    struct endpoint to = ((struct socket *)file->data)->remote;
    u8 data[ETHER_PAYLOAD];
    n = MIN(n, sizeof(data));
    long error = address == 0 ? 0 : get_address(&to, address, length);
    if (error == 0) error = copy_from_user(data, from, n);
    return error != 0 ? error : send(file, data, n, to);
}

long sys_recvfrom(struct file *file, u64 to, u64 n, u64 flags, u64 address, u64 length_address) {
    struct endpoint from = ((struct socket *)file->data)->remote;
    u8 data[ETHER_PAYLOAD];
    long result = receive(file, data, MIN(n, sizeof(data)), &from);
    if (result < 0) return result;
    long error = copy_to_user(to, data, result);
    if (error == 0) error = put_address(from, address, length_address);
    return error != 0 ? error : result;
}

static long socket_read(struct file *file, void *to, u64 n) {
    struct endpoint from;
    return receive(file, to, n, &from);
}

static long socket_write(struct file *file, const void *from, u64 n) {
    return send(file, from, n, ((struct socket *)file->data)->remote);
}

const struct file_ops socket_ops = {
    .read = socket_read, .write = socket_write, .poll = socket_poll, .close = socket_close,
};

/*
 * inet.c: what a program holds of the network: an end of a connection, a box for datagrams.
 */
#include "inet.h"

#define EPHEMERAL_FIRST 32768 /* ports that we choose from for a program that does not mind */
#define EPHEMERAL_COUNT 28232
#define BACKLOG_MAX     64
#define DATAGRAM_MAX    (ETHER_PAYLOAD - sizeof(struct ip_header) - sizeof(struct udp_header))

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
    while (*link != socket) link = &(*link)->next;
    *link = socket->next;
    while (socket->first != 0) drop_first(socket);
    kfree(socket);
}

/* Puts what came at the end of the queue: of a stream, where there are no seams, into the last packet if there is
 * room. A full queue takes no more. */
int socket_take(struct socket *socket, struct packet *packet) {
    struct packet **link = &socket->first, *last = 0;
    for (; *link != 0; link = &last->next) last = *link;
    int joins = socket->type == STREAM && last != 0
                && last->start + last->length + packet->length <= last->room + sizeof(last->room);
    if (!joins && socket->packets == QUEUE_MAX) return kfree(packet), 0;
    socket->bytes += packet->length;
    if (joins) {
        packet_append(last, packet->start, packet->length);
        kfree(packet);
    } else {
        packet->next = 0;
        *link = packet;
        socket->packets++;
    }
    wakeup(socket);
    return 1;
}

/* ---- Names ------------------------------------------------------------------------------------- */

/* Whether somebody has the port. A connection does not keep a new listener away from it. */
static int is_taken(const struct socket *for_whom, struct endpoint local, int also_by_connections) {
    for (struct socket *s = sockets; s != 0; s = s->next) {
        int other_address = s->local.address != local.address && s->local.address != ADDRESS_ANY
                            && local.address != ADDRESS_ANY;
        if (s != for_whom && s->type == for_whom->type && s->local.port == local.port && !other_address
            && (also_by_connections || s->tcp.state <= LISTEN)) {
            return 1;
        }
    }
    return 0;
}

int inet_bind(struct socket *socket, struct endpoint local) {
    static u32 turn;
    int chooses = local.port == 0, taken;
    if (socket->local.port != 0) return -EINVAL;
    if (local.address != ADDRESS_ANY && !ip_is_ours(local.address)) return -EADDRNOTAVAIL;
    for (int tries = 0; tries < EPHEMERAL_COUNT; tries++) {
        if (chooses) local.port = EPHEMERAL_FIRST + turn++ % EPHEMERAL_COUNT;
        taken = is_taken(socket, local, chooses);
        if (!chooses || !taken) break;
    }
    if (taken) return -EADDRINUSE;
    socket->local = local;
    return 0;
}

static int bind_if_need_be(struct socket *socket) {
    return socket->local.port != 0 ? 0 : inet_bind(socket, (struct endpoint){socket->local.address, 0});
}

/* ---- Connections ------------------------------------------------------------------------------- */

int inet_listen(struct socket *socket, u32 backlog) {
    if (socket->type != STREAM) return -EOPNOTSUPP;
    if (socket->tcp.state > LISTEN) return -EINVAL;
    if (bind_if_need_be(socket) != 0) return -EADDRINUSE;
    socket->backlog = MAX(1, MIN(backlog, BACKLOG_MAX));
    socket->tcp.state = LISTEN;
    return 0;
}

/* The connection that has been waiting longest: new sockets come to the front of the list. */
static struct socket *longest_waiting(const struct socket *listener) {
    struct socket *found = 0;
    for (struct socket *s = sockets; s != 0; s = s->next) {
        if (s->listener == listener && s->tcp.state > SYN_RECEIVED) found = s;
    }
    return found;
}

/* Null if nobody has called. */
struct socket *inet_accept(struct socket *listener) {
    struct socket *socket = longest_waiting(listener);
    if (socket != 0) socket->listener = 0;
    return socket;
}

/* An error is told once. */
int inet_error(struct socket *socket) {
    int error = socket->error;
    socket->error = 0;
    return -error;
}

/* For datagrams, only notes whom to send to and to hear. */
int inet_connect(struct socket *socket, struct endpoint remote) {
    enum tcp_state state = socket->tcp.state;
    if (remote.address == ADDRESS_ANY) remote.address = ADDRESS_LOOPBACK;
    if (state != CLOSED) return state == SYN_SENT ? -EALREADY : -EISCONN;
    if (socket->type == STREAM && socket->remote.port != 0) return -EINVAL; /* one connection for each socket */
    if (ip_source(remote.address) == ADDRESS_ANY) return -ENETUNREACH;
    if (bind_if_need_be(socket) != 0) return -EADDRINUSE;
    socket->remote = remote;
    if (socket->type != STREAM) return 0;
    socket->local.address = ip_source(remote.address);
    int error = tcp_connect(socket);
    return error != 0 ? error : -EINPROGRESS;
}

void inet_close(struct socket *socket) {
    if (socket->type == STREAM) tcp_close(socket);
    else socket_free(socket);
}

/* ---- Sending and receiving --------------------------------------------------------------------- */

static long send_datagram(struct socket *socket, const void *data, u64 length, struct endpoint to) {
    struct endpoint from = socket->local;
    if (to.address == ADDRESS_ANY) return -EDESTADDRREQ;
    if (length > DATAGRAM_MAX) return -EMSGSIZE;
    if (bind_if_need_be(socket) != 0) return -EADDRINUSE;
    struct packet *packet = packet_new();
    if (packet == 0) return -ENOMEM;
    packet_append(packet, data, length);
    from.port = socket->local.port;
    if (from.address == ADDRESS_ANY) from.address = ip_source(to.address);
    if (socket->type == DATAGRAM) udp_send(packet, from, to);
    else ip_send(packet, PROTOCOL_ICMP, from.address, to.address);
    return length;
}

/* A stream takes what it has room for. */
long inet_send(struct socket *socket, const void *data, u64 length, const struct endpoint *to) {
    if (socket->type != STREAM) return send_datagram(socket, data, length, *to);
    if (socket->error != 0) return inet_error(socket);
    if (socket->tcp.state == SYN_SENT) return -EAGAIN;
    if (socket->remote.port == 0) return -ENOTCONN;
    if (socket->tcp.state != ESTABLISHED || socket->tcp.closing) return -EPIPE;
    long sent = tcp_write(socket, data, length);
    return sent == 0 && length > 0 ? -EAGAIN : sent;
}

static int has_ended(const struct socket *socket) {
    return socket->type == STREAM && (socket->tcp.fin_received || socket->tcp.state == CLOSED);
}

/* What came first; of a datagram, the rest is lost. 0 when the peer has said all. */
long inet_receive(struct socket *socket, void *data, u64 length, struct endpoint *from) {
    struct packet *packet = socket->first;
    u64 done = 0, n;
    if (socket->type == STREAM && socket->remote.port == 0) return -ENOTCONN;
    if (packet == 0 && socket->error != 0) return inet_error(socket);
    if (packet == 0) return has_ended(socket) ? 0 : -EAGAIN;
    *from = packet->source;
    do {
        n = MIN(length - done, packet->length);
        memcpy((u8 *)data + done, packet->start, n);
        done += n;
        socket->bytes -= n;
        packet_pull(packet, n);
        if (socket->type != STREAM || packet->length == 0) drop_first(socket);
    } while (socket->type == STREAM && done < length && (packet = socket->first) != 0);
    if (socket->type == STREAM) tcp_was_read(socket);
    return done;
}

/* Whether a program that reads, or accepts, would not have to wait. */
int inet_readable(const struct socket *socket) {
    if (socket->tcp.state == LISTEN) return longest_waiting(socket) != 0;
    return socket->first != 0 || socket->error != 0 || has_ended(socket);
}

/* Likewise one that writes, or connects. */
int inet_writable(const struct socket *socket) {
    const struct tcp *tcp = &socket->tcp;
    return tcp->state != SYN_SENT
           && (tcp->state != ESTABLISHED || tcp->closing || tcp->end - tcp->una < STREAM_SIZE);
}

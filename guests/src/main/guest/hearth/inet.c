/*
 * inet.c: what a program holds of the network: an end of a connection, a box for datagrams.
 */
#include "inet.h"

#define EPHEMERAL_FIRST 32768 /* ports that we choose from for a program that does not mind */
#define EPHEMERAL_LAST  60999
#define BACKLOG_MAX     64
#define DATAGRAM_MAX    (ETHER_PAYLOAD - sizeof(struct ip_header) - sizeof(struct udp_header))

struct socket *sockets; /* all, also those that no program holds any more */

struct socket *socket_new(enum socket_type type, u32 protocol) {
    struct socket *socket = kmalloc(sizeof(*socket));
    if (socket == 0) return 0;
    socket->type = type;
    socket->protocol = protocol;
    socket->next = sockets;
    sockets = socket;
    return socket;
}

void socket_free(struct socket *socket) {
    struct socket **link = &sockets;
    while (*link != socket) link = &(*link)->next;
    *link = socket->next;
    kfree(socket);
}

/* Puts a datagram into the box; a full one takes no more. */
void socket_take(struct socket *socket, struct packet *packet) {
    struct packet **link = &socket->first;
    if (socket->datagrams == DATAGRAMS_MAX || socket->reading_ended) {
        packet_free(packet);
        return;
    }
    while (*link != 0) link = &(*link)->next;
    packet->next = 0;
    *link = packet;
    socket->datagrams++;
    socket_wake(socket);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Whether somebody has the port. A resting connection does not keep a new listener away from it, if
 * the program says that it may be so (SO_REUSEADDR). */
static int is_taken(const struct socket *for_whom, struct endpoint local) {
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        if (socket != for_whom && socket->type == for_whom->type
            && socket->local_port == local.port
            && (socket->local == local.address || socket->local == ADDRESS_ANY
                || local.address == ADDRESS_ANY)
            && !(for_whom->reuse_address
                 && (socket->type == DATAGRAM || socket->tcp.state > LISTEN))) {
            return 1;
        }
    }
    return 0;
}

static int choose_port(struct socket *socket) {
    static u32 turn;
    for (int tries = EPHEMERAL_FIRST; tries <= EPHEMERAL_LAST; tries++) {
        struct endpoint local = {socket->local, EPHEMERAL_FIRST
                                 + turn++ % (EPHEMERAL_LAST - EPHEMERAL_FIRST + 1)};
        if (!is_taken(socket, local)) {
            socket->local_port = local.port;
            return 0;
        }
    }
    return -EADDRINUSE;
}

int inet_bind(struct socket *socket, struct endpoint local) {
    if (socket->local_port != 0) return -EINVAL;
    if (local.address != ADDRESS_ANY && !ip_is_ours(local.address)) return -EADDRNOTAVAIL;
    if (socket->type != RAW && local.port != 0 && is_taken(socket, local)) return -EADDRINUSE;
    socket->local = local.address;
    socket->local_port = local.port;
    return socket->type == RAW || local.port != 0 ? 0 : choose_port(socket);
}

/* ---- Connections ----------------------------------------------------------------------------- */

int inet_listen(struct socket *socket, u32 backlog) {
    if (socket->type != STREAM) return -EOPNOTSUPP;
    if (socket->tcp.state != CLOSED && socket->tcp.state != LISTEN) return -EINVAL;
    if (socket->local_port == 0 && choose_port(socket) != 0) return -EADDRINUSE;
    socket->backlog = backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
    socket->tcp.state = LISTEN;
    return 0;
}

/* The connection that has been waiting longest: new sockets come to the front of the list. */
static struct socket *longest_waiting(const struct socket *listener) {
    struct socket *found = 0;
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        if (socket->listener == listener && socket->tcp.state > SYN_RECEIVED) found = socket;
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

static int connect_stream(struct socket *socket, struct endpoint remote) {
    switch (socket->tcp.state) {
    case CLOSED:
        break;
    case SYN_SENT:
    case SYN_RECEIVED:
        return -EALREADY;
    default:
        return -EISCONN;
    }
    if (socket->error != 0) return inet_error(socket);
    if (socket->tcp.iss != 0) return -EINVAL; /* one connection for each socket */
    if (socket->local == ADDRESS_ANY) {
        socket->local = ip_is_ours(remote.address) ? remote.address : interface.address;
        if (socket->local == ADDRESS_ANY) return -ENETUNREACH;
    }
    socket->remote = remote.address;
    socket->remote_port = remote.port;
    int error = tcp_connect(socket);
    return error != 0 ? error : -EINPROGRESS;
}

/* For datagrams, only notes whom to send to and to hear. */
int inet_connect(struct socket *socket, struct endpoint remote) {
    if (remote.address == ADDRESS_ANY) remote.address = ADDRESS_LOOPBACK;
    if (socket->type != RAW && socket->local_port == 0 && choose_port(socket) != 0) {
        return -EADDRINUSE;
    }
    if (socket->type == STREAM) return connect_stream(socket, remote);
    socket->remote = remote.address;
    socket->remote_port = remote.port;
    return 0;
}

int inet_shutdown(struct socket *socket, int reading, int writing) {
    if (socket->type == STREAM && socket->tcp.state < SYN_RECEIVED) return -ENOTCONN;
    if (reading) socket->reading_ended = 1;
    if (writing && socket->type == STREAM) tcp_shutdown(socket);
    socket_wake(socket);
    return 0;
}

void inet_close(struct socket *socket) {
    while (socket->first != 0) {
        struct packet *packet = socket->first;
        socket->first = packet->next;
        packet_free(packet);
    }
    if (socket->type == STREAM) {
        tcp_close(socket);
    } else {
        socket_free(socket);
    }
}

/* ---- Sending and receiving ------------------------------------------------------------------- */

static long send_datagram(struct socket *socket, const void *data, u64 length,
                          struct endpoint to) {
    u32 source = socket->local != ADDRESS_ANY ? socket->local
                 : ip_is_ours(to.address)     ? to.address
                                              : interface.address;
    if (length > DATAGRAM_MAX) return -EMSGSIZE;
    if (socket->type == DATAGRAM && socket->local_port == 0 && choose_port(socket) != 0) {
        return -EADDRINUSE;
    }
    struct packet *packet = packet_new();
    if (packet == 0) return -ENOMEM;
    packet_append(packet, data, length);
    if (socket->type == RAW) {
        ip_send(packet, socket->protocol, source, to.address);
    } else {
        udp_send(packet, source, socket->local_port, to.address, to.port);
    }
    return length;
}

static long send_stream(struct socket *socket, const void *data, u64 length) {
    struct tcp *tcp = &socket->tcp;
    if (socket->error != 0) return inet_error(socket);
    if (tcp->state == SYN_SENT || tcp->state == SYN_RECEIVED) return -EAGAIN;
    if (tcp->iss == 0) return -ENOTCONN;
    if ((tcp->state != ESTABLISHED && tcp->state != CLOSE_WAIT) || tcp->closing) return -EPIPE;
    if (length == 0) return 0;
    long sent = tcp_write(socket, data, length);
    return sent == 0 ? -EAGAIN : sent;
}

/* `to` may be null: to whom the socket is connected. A stream takes what it has room for. */
long inet_send(struct socket *socket, const void *data, u64 length, const struct endpoint *to) {
    struct endpoint remote = {socket->remote, socket->remote_port};
    if (socket->type == STREAM) return send_stream(socket, data, length);
    if (to == 0 && socket->remote == ADDRESS_ANY) return -EDESTADDRREQ;
    return send_datagram(socket, data, length, to != 0 ? *to : remote);
}

static long receive_datagram(struct socket *socket, void *data, u64 length, int peek,
                             struct endpoint *from) {
    struct packet *packet = socket->first;
    if (packet == 0) return socket->reading_ended ? 0 : -EAGAIN;
    u64 n = length < packet->length ? length : packet->length; /* the rest of it is lost */
    memcpy(data, packet->start, n);
    if (from != 0) *from = (struct endpoint){packet->source, packet->source_port};
    if (!peek) {
        socket->first = packet->next;
        socket->datagrams--;
        packet_free(packet);
    }
    return n;
}

/* What the peer says; 0 when he has said all. */
long inet_receive(struct socket *socket, void *data, u64 length, int peek,
                    struct endpoint *from) {
    struct tcp *tcp = &socket->tcp;
    if (socket->type != STREAM) return receive_datagram(socket, data, length, peek, from);
    if (from != 0) *from = (struct endpoint){socket->remote, socket->remote_port};
    if (tcp->iss == 0) return -ENOTCONN;
    if (length == 0) return 0;
    if (tcp_readable(socket) > 0) return tcp_read(socket, data, length, peek);
    if (socket->error != 0) return inet_error(socket);
    return tcp->fin_received || socket->reading_ended || tcp->state == CLOSED ? 0 : -EAGAIN;
}

/* Whether a program that reads, or accepts, would not have to wait. */
int inet_readable(const struct socket *socket) {
    if (socket->type != STREAM) return socket->first != 0 || socket->reading_ended;
    if (socket->tcp.state == LISTEN) return longest_waiting(socket) != 0;
    return tcp_readable(socket) > 0 || socket->tcp.fin_received || socket->reading_ended
           || socket->error != 0 || socket->tcp.state == CLOSED;
}

/* Likewise one that writes, or connects. */
int inet_writable(const struct socket *socket) {
    if (socket->type != STREAM) return 1;
    if (socket->tcp.state == SYN_SENT || socket->tcp.state == SYN_RECEIVED) return 0;
    return tcp_room(socket) > 0 || socket->tcp.closing || socket->error != 0
           || socket->tcp.state == CLOSED;
}

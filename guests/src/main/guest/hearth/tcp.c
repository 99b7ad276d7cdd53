/* tcp.c: a reliable stream of bytes over packets that get lost, doubled and reordered (RFC 9293).
 * Both ends number the bytes they send. The receiver says which number he expects next; the sender keeps what
 * is not yet acknowledged and, when no answer comes, goes back to it and sends all from there again. What
 * comes too early is therefore not kept. All else is about how much to send (what the receiver has room for,
 * and what the network between bears), how long to wait, and how to begin and end.
 * Receiving only changes the state of a connection; send_segment sends whatever that state lets it send.
 * tcp_run calls it when everything that came is looked at, so that one acknowledgement answers a train of
 * packets. */
#include "inet.h"
#define MSS_DEFAULT    536 /* of a peer who does not say */
#define MSS_OURS       (ETHER_PAYLOAD - sizeof(struct ip_header) - sizeof(struct tcp_header))
#define OPTION_MSS     2
#define TIMEOUT_FIRST  (100 * NANOS_PER_MILLI) /* where a round trip takes longer, some things go twice */
#define DOUBLINGS_MAX  6
#define TRIES          10
#define REST_SPAN      (10 * NANOS_PER_SECOND) /* the standard's four minutes are for paths round the earth */

struct segment { u32 sequence, acknowledgment, window, mss; u8 flags; }; /* of one that came in */

/* Sequence numbers wrap; near each other, the sign of the difference tells which is first. */
static int before(u32 a, u32 b) { return (int)(a - b) < 0; }

/* A byte's sequence number is also its place in the stream: modulo the size. */
static u8 *place(const struct tcp *tcp, u32 sequence) { return tcp->stream + sequence % STREAM_SIZE; }

static int make_room(struct tcp *tcp) {
    return tcp->stream != 0 || (tcp->stream = pages_alloc(STREAM_PAGES)) != 0;
}

static void free_room(struct tcp *tcp) {
    if (tcp->stream != 0) pages_put(tcp->stream, STREAM_PAGES);
    tcp->stream = 0;
}

static void put_header(struct packet *packet, struct socket *socket, u32 sequence, u32 flags) {
    struct tcp *tcp = &socket->tcp;
    u32 words = sizeof(struct tcp_header) / 4;
    if (flags & TCP_SYN) { /* the one option: how long our peer's segments may be */
        *(be32 *)packet_push(packet, 4) = to_be32(OPTION_MSS << 24 | 4 << 16 | MSS_OURS);
        words++;
    }
    struct tcp_header *header = packet_push(packet, sizeof(*header));
    *header = (struct tcp_header){
        .source = to_be16(socket->local.port), .destination = to_be16(socket->remote.port),
        .sequence = to_be32(sequence), .acknowledgment = to_be32(flags & TCP_ACK ? tcp->rcv_nxt : 0),
        .offset = words << 4, .flags = flags, .window = to_be16(tcp->promised - tcp->rcv_nxt)};
    packet->source = socket->local;
    packet->destination = socket->remote;
    header->checksum = checksum_of(packet, PROTOCOL_TCP, header, packet->length);
    ip_send(packet, PROTOCOL_TCP);
}

/* How many bytes of data may go now. A segment that is not full waits until nothing else is under way, so
 * that many small writes become few packets (Nagle), unless it is the last one. */
static u32 sendable(const struct tcp *tcp) {
    u32 window = MIN(tcp->window, tcp->congestion_window), under_way = tcp->nxt - tcp->una;
    u32 unsent = before(tcp->nxt, tcp->end) ? tcp->end - tcp->nxt : 0;
    u32 length = MIN(MIN(unsent, tcp->mss), window > under_way ? window - under_way : 0);
    return length == tcp->mss || under_way == 0 || (length == unsent && tcp->closing) ? length : 0;
}

/* Sends the next segment, if there is one: our SYN, data, our FIN, or a bare acknowledgement. */
static int send_segment(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    u32 flags = tcp->state == SYN_SENT ? 0 : TCP_ACK, length = 0, sequence = tcp->nxt;
    if (tcp->state == SYN_SENT || tcp->state == SYN_RECEIVED) {
        if (tcp->nxt != tcp->una) return 0;
        flags |= TCP_SYN;
    } else {
        length = sendable(tcp);
        if (tcp->closing && tcp->nxt + length == tcp->end) flags |= TCP_FIN;
        if (length == 0 && !(flags & TCP_FIN) && !tcp->ack_due) return 0;
    }
    struct packet *packet = packet_new();
    if (packet == 0) return 0; /* the timer will try again */
    u8 *data = packet_append(packet, 0, length);
    for (u32 i = 0; i < length; i++) data[i] = *place(tcp, sequence + i);
    tcp->nxt += length + ((flags & (TCP_SYN | TCP_FIN)) != 0);
    if (before(tcp->max, tcp->nxt)) tcp->max = tcp->nxt;
    tcp->ack_due = 0;
    tcp->promised = tcp->rcv_nxt + STREAM_SIZE - socket->bytes;
    put_header(packet, socket, sequence, flags);
    return 1;
}

/* While not all that we have to say is acknowledged, the timer runs: also if it cannot be sent, since the
 * peer may open his window in a packet that gets lost. We wait ever longer while no answer comes. */
static void tcp_output(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    if (tcp->state < SYN_SENT) return;
    while (send_segment(socket)) continue;
    if (tcp->timer != 0 || tcp->una == tcp->end + tcp->closing) return;
    tcp->timer = now() + (TIMEOUT_FIRST << MIN(tcp->retries, DOUBLINGS_MAX));
}

static void send_reset(struct socket *socket, u32 sequence) {
    struct packet *packet = packet_new();
    if (packet != 0) put_header(packet, socket, sequence, TCP_RST | TCP_ACK);
}

/* To a segment that belongs to no connection: a reset that its sender will believe. */
static void refuse(const struct packet *packet, const struct segment *segment) {
    struct socket nobody = {.local = packet->destination, .remote = packet->source};
    u32 occupied = packet->length + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
    nobody.tcp.rcv_nxt = nobody.tcp.promised = segment->sequence + occupied;
    if (segment->flags & TCP_RST) return;
    send_reset(&nobody, segment->flags & TCP_ACK ? segment->acknowledgment : 0);
}

static void open_connection(struct socket *socket, enum tcp_state state) {
    struct tcp *tcp = &socket->tcp;
    tcp->state = state;
    tcp->una = tcp->nxt = tcp->max = random64(); /* strangers must not guess them */
    tcp->end = tcp->una + 1;
}

static void peer_began(struct tcp *tcp, const struct segment *syn) {
    tcp->rcv_nxt = syn->sequence + 1;
    tcp->promised = tcp->rcv_nxt + STREAM_SIZE;
    tcp->mss = MAX(64, MIN(syn->mss, MSS_OURS));
    tcp->congestion_window = 4 * tcp->mss;
    tcp->window = syn->window;
}

/* The connection is no more. Its socket stays as long as a program holds it. */
static void end_connection(struct socket *socket, int error) {
    socket->tcp.state = CLOSED;
    socket->tcp.timer = 0;
    socket->error = error;
    free_room(&socket->tcp);
    wakeup(socket);
    if (socket->detached || socket->listener != 0) socket_free(socket);
}

/* Ends it without ceremony, and lets the peer know. */
static void hang_up(struct socket *socket) {
    send_reset(socket, socket->tcp.nxt);
    end_connection(socket, 0);
}

static int all_is_acknowledged(const struct tcp *tcp) { return tcp->closing && tcp->una == tcp->end + 1; }

/* We cannot know whether our answer to the peer's last word was heard: so we rest a while, ready to say it
 * again. With nobody left to read, a peer who never ends must not keep us for ever either. */
static void end_if_all_is_said(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    if (!all_is_acknowledged(tcp)) return;
    if (tcp->fin_received) free_room(tcp);
    if (tcp->fin_received || socket->detached) tcp->timer = now() + REST_SPAN;
}

/* Something was lost, so the network is full: we go on from there with half of what it seemed to bear. If it
 * is only that the peer has no room, a single byte asks for it. */
static void timer_fired(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    tcp->timer = 0;
    if (all_is_acknowledged(tcp)) {
        end_connection(socket, 0);
    } else if (tcp->retries++ == TRIES) {
        end_connection(socket, ETIMEDOUT);
    } else {
        tcp->nxt = tcp->una;
        tcp->congestion_window = MAX(tcp->congestion_window / 2, tcp->mss);
        tcp->window = MAX(tcp->window, 1);
        tcp_output(socket);
    }
}

/* Sends what is due, and returns when something will be. */
u64 tcp_run(u64 time) {
    u64 next_time = NEVER;
    for (struct socket *socket = sockets, *next; socket != 0; socket = next) {
        next = socket->next; /* the timer may be this socket's end */
        tcp_output(socket);
        if (socket->tcp.timer == 0) continue;
        next_time = MIN(next_time, socket->tcp.timer);
        if (socket->tcp.timer <= time) timer_fired(socket); /* what it starts, the next turn sees */
    }
    return next_time;
}

/* What may be under way doubles in each round trip, until something is lost. */
static void take_acknowledgment(struct socket *socket, u32 acknowledgment, u32 window) {
    struct tcp *tcp = &socket->tcp;
    if (before(acknowledgment, tcp->una)) return; /* an old one */
    tcp->retries = 0; /* the peer lives */
    if (acknowledgment != tcp->una) {
        tcp->una = acknowledgment;
        if (before(tcp->nxt, tcp->una)) tcp->nxt = tcp->una;
        tcp->timer = 0; /* tcp_output starts it again if need be */
        tcp->congestion_window = MIN(tcp->congestion_window + tcp->mss, STREAM_SIZE);
        wakeup(socket);
    } else if (tcp->window == 0 && window > 0) { /* we need not ask for room any more */
        tcp->timer = 0;
        tcp->nxt = tcp->una;
    }
    tcp->window = window;
}

/* Cuts off what we have already and what we have no room for, and keeps the rest: whether there is any. */
static int take_data(struct socket *socket, struct packet *packet, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    u32 fin = (segment->flags & TCP_FIN) != 0, known = tcp->rcv_nxt - segment->sequence;
    /* An empty segment with an old number asks whether we have room again. */
    tcp->ack_due |= packet->length + fin > 0 || known == 1;
    if (before(tcp->rcv_nxt, segment->sequence)) tcp_output(socket); /* too early: the peer counts these */
    if (known >= packet->length + fin || tcp->fin_received) return 0; /* all, or unsigned: too early */
    packet_pull(packet, known);
    u32 length = MIN(packet->length, STREAM_SIZE - socket->bytes);
    if (length < packet->length) fin = 0;
    packet->length = length;
    if (length > 0 && !socket_take(socket, packet)) return 1;
    tcp->rcv_nxt += length + fin;
    if (fin) {
        tcp->fin_received = 1;
        wakeup(socket);
    }
    return length > 0;
}

/* Somebody calls. If too many wait already we are silent, and he will call again. */
static void take_call(struct socket *listener, const struct packet *packet, const struct segment *segment) {
    u32 waiting = 0;
    for (struct socket *s = sockets; s != 0; s = s->next) waiting += s->listener == listener;
    if (segment->flags & (TCP_RST | TCP_ACK)) return refuse(packet, segment);
    if (!(segment->flags & TCP_SYN) || waiting >= listener->backlog) return;
    struct socket *socket = socket_new(STREAM);
    if (socket == 0) return;
    socket->listener = listener;
    socket->local = packet->destination;
    socket->remote = packet->source;
    open_connection(socket, SYN_RECEIVED);
    peer_began(&socket->tcp, segment);
}

/* We have called, and this may be the answer. */
static void take_answer(struct socket *socket, const struct packet *packet, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    if (!(segment->flags & TCP_ACK)) return;
    if (segment->acknowledgment != tcp->max) return refuse(packet, segment);
    if (segment->flags & TCP_RST) return end_connection(socket, ECONNREFUSED);
    if (!(segment->flags & TCP_SYN)) return;
    peer_began(tcp, segment);
    tcp->state = ESTABLISHED;
    tcp->ack_due = 1;
    take_acknowledgment(socket, segment->acknowledgment, segment->window);
}

/* A segment of a connection; whether its packet is kept. What it says counts if it may be the peer's: from
 * not long before what we await up to what we have promised him, and not of what he cannot have heard. A
 * reset must have exactly the number we await: anybody could guess one that is near (RFC 5961). */
static int take_segment(struct socket *socket, struct packet *packet, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    u32 oldest = tcp->rcv_nxt - STREAM_SIZE;
    if (segment->flags & TCP_RST) {
        int is_over = tcp->closing && tcp->fin_received;
        if (segment->sequence == tcp->rcv_nxt) end_connection(socket, is_over ? 0 : ECONNRESET);
        return 0;
    }
    if (segment->sequence - oldest > tcp->promised - oldest || segment->flags & TCP_SYN
        || before(tcp->max, segment->acknowledgment) || !(segment->flags & TCP_ACK)) {
        tcp->ack_due |= packet->length > 0 || segment->flags & TCP_SYN; /* this is where we stand */
        return 0;
    }
    if (tcp->state == SYN_RECEIVED) { /* who answers is where he says he is: from now on he costs memory */
        if (segment->acknowledgment != tcp->max || !make_room(tcp)) return 0;
        tcp->state = ESTABLISHED;
        wakeup(socket->listener);
    }
    take_acknowledgment(socket, segment->acknowledgment, segment->window);
    int is_new = packet->length > tcp->rcv_nxt - segment->sequence;
    if (socket->detached && is_new) return hang_up(socket), 0; /* nobody will ever read this */
    int kept = take_data(socket, packet, segment);
    end_if_all_is_said(socket);
    return kept;
}

/* The connection that the segment belongs to; otherwise who listens at its port. */
static struct socket *find(struct endpoint to, struct endpoint from) {
    struct socket *listener = 0;
    for (struct socket *s = sockets; s != 0; s = s->next) {
        if (s->tcp.state == CLOSED || !is_endpoint(s->local, to)) continue;
        if (s->tcp.state == LISTEN) listener = s;
        else if (is_endpoint(s->remote, from)) return s;
    }
    return listener;
}

void tcp_input(struct packet *packet) {
    const struct tcp_header *header = (struct tcp_header *)packet->start;
    u32 length = packet->length, size = length < sizeof(*header) ? 0 : header->offset / 16 * 4;
    int kept = 0;
    if (size >= sizeof(*header) && packet_pull(packet, size) != 0 && ip_is_ours(packet->destination.address)
        && (packet->checksum_done || from_be16(checksum_of(packet, PROTOCOL_TCP, header, length)) == 0)) {
        struct segment segment = {
            .sequence = from_be32(header->sequence), .acknowledgment = from_be32(header->acknowledgment),
            .window = from_be16(header->window), .flags = header->flags, .mss = MSS_DEFAULT};
        const u8 *option = (const u8 *)(header + 1); /* this one comes first, if there is any */
        if (size >= sizeof(*header) + 4 && option[0] == OPTION_MSS) segment.mss = option[2] << 8 | option[3];
        packet->source.port = from_be16(header->source);
        packet->destination.port = from_be16(header->destination);
        struct socket *socket = find(packet->destination, packet->source);
        if (socket == 0) refuse(packet, &segment);
        else if (socket->tcp.state == LISTEN) take_call(socket, packet, &segment);
        else if (socket->tcp.state == SYN_SENT) take_answer(socket, packet, &segment);
        else kept = take_segment(socket, packet, &segment);
    }
    if (!kept) kfree(packet);
}

int tcp_connect(struct socket *socket) {
    if (!make_room(&socket->tcp)) return -ENOMEM;
    open_connection(socket, SYN_SENT);
    tcp_output(socket);
    return 0;
}

/* Takes what there is room for. */
long tcp_write(struct socket *socket, const u8 *data, u64 length) {
    struct tcp *tcp = &socket->tcp;
    u32 n = MIN(length, STREAM_SIZE - (tcp->end - tcp->una));
    for (u32 i = 0; i < n; i++) *place(tcp, tcp->end++) = data[i];
    tcp_output(socket);
    return n;
}

/* A peer who waits for room should hear of it, but not of every byte. */
void tcp_was_read(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    tcp->ack_due |= tcp->rcv_nxt + STREAM_SIZE - socket->bytes - tcp->promised >= 2 * MSS_OURS;
    tcp_output(socket);
}

/* The program writes no more: a FIN goes behind the last byte. */
void tcp_shutdown(struct socket *socket) {
    if (socket->tcp.state != ESTABLISHED) return;
    socket->tcp.closing = 1;
    tcp_output(socket);
}

/* No program holds the socket any longer. */
void tcp_close(struct socket *socket) {
    enum tcp_state state = socket->tcp.state;
    socket->detached = 1;
    for (struct socket *other = sockets, *next; other != 0; other = next) { /* they will not be accepted */
        next = other->next;
        if (other->listener == socket) hang_up(other);
    }
    if (state == CLOSED || state == LISTEN || state == SYN_SENT) return end_connection(socket, 0);
    if (socket->first != 0) return hang_up(socket); /* the peer shall not believe that this was read */
    tcp_shutdown(socket);
    end_if_all_is_said(socket);
}

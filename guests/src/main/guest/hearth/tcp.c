/*
 * tcp.c: a reliable stream of bytes over packets that get lost, doubled and reordered (RFC 9293).
 *
 * Both ends number the bytes they send. The receiver says which number he expects next; the sender
 * keeps what is not yet acknowledged and sends it again when no answer comes. All else is about how
 * much to send (what the receiver has room for, and what the network between bears), how long to
 * wait, and how to begin and end.
 *
 * Receiving only changes the state of a connection; one function, send_segment, sends whatever that
 * state lets it send. tcp_run calls it for all connections when everything that came is looked at,
 * so that one acknowledgement answers a train of packets. Likewise one timer serves whatever is
 * being waited for.
 */
#include "inet.h"

#define MSS_DEFAULT    536  /* of a peer who does not say */
#define MSS_OURS       (ETHER_PAYLOAD - sizeof(struct ip_header) - sizeof(struct tcp_header))
#define TIMEOUT_FIRST  NANOS_PER_SECOND
#define TIMEOUT_MIN    (200 * NANOS_PER_MILLI)
#define TIMEOUT_MAX    (60 * NANOS_PER_SECOND)
#define TRIES_CONNECT  5
#define TRIES          10
#define FIN_WAIT       (60 * NANOS_PER_SECOND)
#define ANSWER_EVERY   (500 * NANOS_PER_MILLI)
#define WINDOW_MAX     0xffff
/* The standard waits four minutes, for stray packets to die out on any path on earth. Ours are
 * short, and memory is scarce. */
#define TIME_WAIT_SPAN (10 * NANOS_PER_SECOND)
#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_MSS     2

/* A segment that came in: the header in our order, and the data. */
struct segment {
    u32 sequence, acknowledgment, window;
    u32 mss; /* 0: did not say */
    u8 flags;
    const u8 *data;
    u32 length;
};

/* Sequence numbers wrap; near each other, the sign of the difference tells which is first. */
static int before(u32 a, u32 b) {
    return (int)(a - b) < 0;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static int stream_new(struct stream *stream) {
    for (int i = 0; i < STREAM_PAGES; i++) {
        if (stream->page[i] == 0 && (stream->page[i] = page_alloc()) == 0) return 0;
    }
    return 1;
}

static int make_room(struct tcp *tcp) {
    return stream_new(&tcp->sending) && stream_new(&tcp->received);
}

static void stream_free(struct stream *stream) {
    for (int i = 0; i < STREAM_PAGES; i++) {
        if (stream->page[i] != 0) page_put(stream->page[i]);
        stream->page[i] = 0;
    }
}

/* Where a byte lies, and how many follow it before the page ends. */
static u8 *place(const struct stream *stream, u32 sequence, u32 *contiguous) {
    u32 offset = sequence % PAGE_SIZE;
    *contiguous = PAGE_SIZE - offset;
    return stream->page[sequence / PAGE_SIZE % STREAM_PAGES] + offset;
}

static void stream_put(struct stream *stream, u32 sequence, const u8 *from, u32 length) {
    u32 n;
    for (; length > 0; length -= n, sequence += n, from += n) {
        u8 *to = place(stream, sequence, &n);
        n = MIN(n, length);
        memcpy(to, from, n);
    }
}

static void stream_get(const struct stream *stream, u32 sequence, u8 *to, u32 length) {
    u32 n;
    for (; length > 0; length -= n, sequence += n, to += n) {
        const u8 *from = place(stream, sequence, &n);
        n = MIN(n, length);
        memcpy(to, from, n);
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void start_timer(struct tcp *tcp, u64 span) {
    tcp->timer = now() + span;
}

/* The right edge of what we can take. It moves in steps worth a packet: told of every single byte
 * of room, the peer would send single bytes. */
static u32 window_edge(const struct tcp *tcp) {
    u32 edge = tcp->read + STREAM_SIZE;
    return edge - tcp->promised < MSS_OURS && !before(tcp->promised, tcp->rcv_nxt) ? tcp->promised
                                                                                   : edge;
}

static void put_header(struct packet *packet, const struct socket *socket, u32 sequence, u32 flags) {
    const struct tcp *tcp = &socket->tcp;
    u32 size = sizeof(struct tcp_header);
    if (flags & TCP_SYN) { /* the one option: how long our peer's segments may be */
        struct { u8 kind, size; be16 mss; } *option = packet_push(packet, sizeof(*option));
        option->kind = OPTION_MSS;
        option->size = sizeof(*option);
        option->mss = to_be16(MSS_OURS);
        size += sizeof(*option);
    }
    struct tcp_header *header = packet_push(packet, sizeof(*header));
    *header = (struct tcp_header){
        .source = to_be16(socket->local_port), .destination = to_be16(socket->remote_port),
        .sequence = to_be32(sequence),
        .acknowledgment = to_be32(flags & TCP_ACK ? tcp->rcv_nxt : 0),
        .offset = size / 4 << 4, .flags = flags,
        .window = to_be16(tcp->promised - tcp->rcv_nxt)};
    u32 sum = pseudo_header_sum(socket->local, socket->remote, PROTOCOL_TCP, packet->length);
    header->checksum = checksum(sum16(sum, packet->start, packet->length));
}

/* How many bytes of data may go now. A segment that is not full waits until nothing else is under
 * way, so that many small writes become few packets (Nagle), unless it is the last one. */
static u32 sendable(const struct socket *socket) {
    const struct tcp *tcp = &socket->tcp;
    u32 window = MIN(tcp->window, tcp->congestion_window);
    u32 under_way = tcp->nxt - tcp->una;
    u32 unsent = before(tcp->nxt, tcp->end) ? tcp->end - tcp->nxt : 0;
    u32 length = MIN(MIN(unsent, tcp->mss), window > under_way ? window - under_way : 0);
    int last = length == unsent && (socket->no_delay || tcp->closing);
    return length == tcp->mss || under_way == 0 || last ? length : 0;
}

/* The peer heeds an acknowledgement only if its own number is within what he awaits: that is the
 * highest we have sent, which while we send again is not the next, unless he has no room for it. */
static u32 acceptable_sequence(const struct tcp *tcp) {
    u32 edge = tcp->una + tcp->window;
    return before(edge, tcp->max) ? edge : tcp->max;
}

/*
 * Sends the next segment, if there is one to send: our SYN, data, our FIN, or a bare
 * acknowledgement. `forced` overrules the windows, for a single byte. Returns whether it sent.
 */
static int send_segment(struct socket *socket, int forced) {
    struct tcp *tcp = &socket->tcp;
    u32 flags = TCP_ACK, length = 0;
    if (tcp->state == CLOSED || tcp->state == LISTEN) return 0;
    if (tcp->nxt == tcp->iss) {
        flags = tcp->state == SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK;
    } else if (tcp->state == SYN_SENT) {
        return 0;
    } else {
        length = sendable(socket);
        if (length == 0 && forced && before(tcp->nxt, tcp->end)) length = 1;
        if (tcp->closing && tcp->nxt + length == tcp->end) flags |= TCP_FIN;
        if (length > 0 && tcp->nxt + length == tcp->end) flags |= TCP_PSH;
        if (length == 0 && !(flags & TCP_FIN) && !tcp->ack_due) {
            /* Data waits for the peer to open his window. Should he do so in a packet that gets
             * lost, both would wait for ever: so we ask from time to time. */
            if (before(tcp->nxt, tcp->end) && tcp->timer == 0) start_timer(tcp, tcp->timeout);
            return 0;
        }
    }
    u32 sequence = tcp->nxt, occupied = length + ((flags & (TCP_SYN | TCP_FIN)) != 0);
    if (occupied > 0 && tcp->timer == 0) start_timer(tcp, tcp->timeout);
    struct packet *packet = packet_new();
    if (packet == 0) return 0; /* the timer will try again */
    if (length > 0) {
        stream_get(&tcp->sending, sequence, packet_append(packet, 0, length), length);
    }
    tcp->nxt += occupied;
    if (before(tcp->max, tcp->nxt)) { /* what is sent for the second time is not timed (Karn) */
        tcp->max = tcp->nxt;
        if (tcp->timed_since == 0) {
            tcp->timed_since = now();
            tcp->timed = tcp->nxt;
        }
    }
    if (occupied == 0) sequence = acceptable_sequence(tcp);
    tcp->ack_due = 0;
    tcp->promised = window_edge(tcp);
    put_header(packet, socket, sequence, flags);
    ip_send(packet, PROTOCOL_TCP, socket->local, socket->remote);
    return 1;
}

static void tcp_output(struct socket *socket) {
    while (send_segment(socket, 0)) {
    }
}

/* A segment outside of any order: a reset, or the answer to a peer who is out of step. */
static void send_bare(const struct socket *socket, u32 sequence, u32 flags) {
    struct packet *packet = packet_new();
    if (packet == 0) return;
    put_header(packet, socket, sequence, flags);
    ip_send(packet, PROTOCOL_TCP, socket->local, socket->remote);
}

/* To a segment that belongs to no connection: an answer that its sender will believe. */
static void refuse(const struct packet *packet, const struct segment *segment) {
    struct socket nobody = {
        .local = packet->destination, .local_port = packet->destination_port,
        .remote = packet->source, .remote_port = packet->source_port};
    if (segment->flags & TCP_RST) return;
    if (segment->flags & TCP_ACK) {
        send_bare(&nobody, segment->acknowledgment, TCP_RST);
        return;
    }
    nobody.tcp.rcv_nxt = segment->sequence + segment->length
                         + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
    nobody.tcp.promised = nobody.tcp.rcv_nxt;
    send_bare(&nobody, 0, TCP_RST | TCP_ACK);
}

/* ---- Beginning and ending -------------------------------------------------------------------- */

/* RFC 6528: a clock, so that an old connection's numbers do not fit into a new one between the same
 * ports, and a secret mixed with both addresses, so that strangers cannot guess them. */
static u32 initial_sequence(const struct socket *socket) {
    static u64 secret;
    if (secret == 0) secret = random64() | 1;
    u64 mixed = secret ^ ((u64)socket->local << 32 | socket->remote);
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9 + socket->local_port;
    mixed = (mixed ^ mixed >> 32) * 0x94d049bb133111eb + socket->remote_port;
    mixed = (mixed ^ mixed >> 29) * secret;
    u32 sequence = (mixed >> 32) + now() / 4096;
    return sequence != 0 ? sequence : 1; /* 0 tells a socket that was never connected */
}

static void open_connection(struct socket *socket, enum tcp_state state) {
    struct tcp *tcp = &socket->tcp;
    tcp->state = state;
    tcp->iss = initial_sequence(socket);
    tcp->una = tcp->nxt = tcp->max = tcp->recover = tcp->iss;
    tcp->end = tcp->iss + 1;
    tcp->mss = MSS_DEFAULT;
    tcp->timeout = TIMEOUT_FIRST;
    tcp->promised = tcp->read + STREAM_SIZE;
}

static void peer_began(struct tcp *tcp, const struct segment *syn) {
    tcp->read = tcp->rcv_nxt = syn->sequence + 1;
    tcp->promised = tcp->read + STREAM_SIZE;
    tcp->island_start = tcp->island_end = tcp->rcv_nxt;
    if (syn->mss != 0) tcp->mss = MAX(64, MIN(syn->mss, MSS_OURS));
    tcp->congestion_window = MIN(10 * tcp->mss, MAX(2 * tcp->mss, 14600)); /* RFC 6928 */
    tcp->slow_start_until = WINDOW_MAX;
    tcp->window = syn->window;
    tcp->window_seq = syn->sequence;
    tcp->window_ack = tcp->iss;
}

static void tcp_free(struct socket *socket) {
    stream_free(&socket->tcp.sending);
    stream_free(&socket->tcp.received);
    socket_free(socket);
}

/* The connection is no more. Its socket stays as long as a program holds it. */
static void end_connection(struct socket *socket, int error) {
    socket->tcp.state = CLOSED;
    socket->tcp.timer = 0;
    socket->error = error;
    stream_free(&socket->tcp.sending);
    socket_wake(socket);
    if (socket->detached || socket->listener != 0) tcp_free(socket);
}

/* Ends it without ceremony, and lets the peer know. */
static void hang_up(struct socket *socket) {
    send_bare(socket, acceptable_sequence(&socket->tcp), TCP_RST | TCP_ACK);
    end_connection(socket, 0);
}

static void enter_time_wait(struct socket *socket) {
    socket->tcp.state = TIME_WAIT;
    start_timer(&socket->tcp, TIME_WAIT_SPAN);
    stream_free(&socket->tcp.sending);
    if (socket->detached) stream_free(&socket->tcp.received);
    socket_wake(socket);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* RFC 6298: wait for as long as a round trip takes, and four times as long as it usually varies. */
static void set_timeout(struct tcp *tcp) {
    u64 timeout = tcp->round_trip + 4 * tcp->variation;
    tcp->timeout = timeout < TIMEOUT_MIN ? TIMEOUT_MIN : timeout > TIMEOUT_MAX ? TIMEOUT_MAX : timeout;
}

static void learn_round_trip(struct tcp *tcp, u64 sample) {
    if (tcp->round_trip == 0) {
        tcp->round_trip = sample;
        tcp->variation = sample / 2;
    } else {
        u64 off = sample > tcp->round_trip ? sample - tcp->round_trip : tcp->round_trip - sample;
        tcp->variation = (3 * tcp->variation + off) / 4;
        tcp->round_trip = (7 * tcp->round_trip + sample) / 8;
    }
    set_timeout(tcp);
}

/* Something was lost: the network is full. Begin anew with half of what it seemed to bear. */
static void halve_window(struct tcp *tcp) {
    tcp->slow_start_until = MAX((tcp->max - tcp->una) / 2, 2 * tcp->mss);
}

static void timer_fired(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    tcp->timer = 0;
    if (tcp->state == TIME_WAIT || tcp->state == FIN_WAIT_2) {
        end_connection(socket, 0);
        return;
    }
    int connecting = tcp->state == SYN_SENT || tcp->state == SYN_RECEIVED;
    if (tcp->retries++ >= (connecting ? TRIES_CONNECT : TRIES)) {
        end_connection(socket, ETIMEDOUT);
        return;
    }
    if (tcp->window > 0 && !connecting) {
        halve_window(tcp);
        tcp->congestion_window = tcp->mss;
        tcp->recover = tcp->max;
        tcp->duplicate_acks = 0;
    }
    tcp->nxt = tcp->una;
    tcp->timed_since = 0;
    tcp->timeout = tcp->timeout > TIMEOUT_MAX / 2 ? TIMEOUT_MAX : 2 * tcp->timeout;
    send_segment(socket, 1);
    /* A byte that only asks for room counts as not sent, lest our numbers run ahead of the room. */
    if (tcp->window == 0 && !connecting) tcp->nxt = tcp->una;
    if (tcp->timer == 0) start_timer(tcp, tcp->timeout);
}

/* Sends what is due, and returns when something will be. */
u64 tcp_run(u64 time) {
    u64 next_time = NEVER;
    struct socket *next;
    for (struct socket *socket = sockets; socket != 0; socket = next) {
        next = socket->next; /* the timer may be this socket's end */
        if (socket->type != STREAM) continue;
        tcp_output(socket);
        if (socket->tcp.timer == 0) continue;
        if (socket->tcp.timer < next_time) next_time = socket->tcp.timer;
        if (socket->tcp.timer <= time) timer_fired(socket); /* what it starts, the next turn sees */
    }
    return next_time;
}

/* ---- Receiving: acknowledgements ------------------------------------------------------------- */

/* Slow start doubles the window each round trip until the network has once been full; from there on
 * it grows by one segment each round trip. */
static void grow_window(struct tcp *tcp, u32 acknowledged) {
    u32 step = tcp->congestion_window < tcp->slow_start_until
                   ? MIN(acknowledged, tcp->mss)
                   : MAX(tcp->mss * tcp->mss / tcp->congestion_window, 1);
    tcp->congestion_window = MIN(tcp->congestion_window + step, WINDOW_MAX);
}

static void resend_first(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    u32 resume = tcp->nxt;
    tcp->nxt = tcp->una;
    tcp->timed_since = 0;
    send_segment(socket, 1);
    if (before(tcp->nxt, resume)) tcp->nxt = resume;
}

/* Three acknowledgements of the same byte: the packet that begins with it got lost, while others
 * behind it arrived. It goes again at once, without waiting for the timer. */
static void retransmit_fast(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    halve_window(tcp);
    tcp->congestion_window = tcp->slow_start_until;
    tcp->recover = tcp->max;
    resend_first(socket);
}

static void acknowledged_until(struct socket *socket, u32 acknowledgment) {
    struct tcp *tcp = &socket->tcp;
    u32 count = acknowledgment - tcp->una;
    if (tcp->timed_since != 0 && !before(acknowledgment, tcp->timed)) {
        learn_round_trip(tcp, now() - tcp->timed_since);
        tcp->timed_since = 0;
    }
    tcp->una = acknowledgment;
    if (before(tcp->nxt, tcp->una)) tcp->nxt = tcp->una;
    tcp->timer = 0;
    if (tcp->una != tcp->max) start_timer(tcp, tcp->timeout);
    if (before(tcp->una, tcp->recover)) {
        resend_first(socket); /* of several that got lost, the next one (RFC 6582) */
    } else {
        tcp->recover = tcp->una;
        grow_window(tcp, count);
    }
    tcp->duplicate_acks = 0;
    socket_wake(socket);
}

/* To a segment that does not fit: where we stand. A segment with data comes again if its answer got
 * lost; of others one in a while is enough, since two ends that disagree would answer each other's
 * answers for ever. */
static void set_right(struct tcp *tcp, const struct segment *segment) {
    if (segment->length == 0 && now() - tcp->answered < ANSWER_EVERY) return;
    tcp->answered = now();
    tcp->ack_due = 1;
}

/* Returns 0 if the segment deserves no further look. */
static int take_acknowledgment(struct socket *socket, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    if (before(tcp->max, segment->acknowledgment)) { /* of what we have never sent */
        set_right(tcp, segment);
        return 0;
    }
    tcp->retries = 0; /* the peer lives */
    if (before(tcp->una, segment->acknowledgment)) {
        acknowledged_until(socket, segment->acknowledgment);
    } else if (segment->acknowledgment == tcp->una && tcp->una != tcp->max && segment->length == 0
               && segment->window == tcp->window && tcp->window > 0
               && !(segment->flags & TCP_FIN)) {
        if (++tcp->duplicate_acks == 3 && !before(tcp->una, tcp->recover)) retransmit_fast(socket);
    }
    if (before(tcp->window_seq, segment->sequence)
        || (tcp->window_seq == segment->sequence
            && !before(segment->acknowledgment, tcp->window_ack))) {
        if (tcp->window == 0 && segment->window > 0) { /* we need not ask for room any more */
            tcp->timer = 0;
            tcp->nxt = tcp->una;
        }
        tcp->window = segment->window;
        tcp->window_seq = segment->sequence;
        tcp->window_ack = segment->acknowledgment;
    }
    return 1;
}

/* Whether our FIN has arrived, which is the last that we say. */
static int fin_arrived(const struct tcp *tcp) {
    return tcp->closing && tcp->una == tcp->end + 1;
}

/* ---- Receiving: data ------------------------------------------------------------------------- */

/* Joins what came with the island, which may lie right behind it. */
static void advance(struct tcp *tcp, u32 to) {
    tcp->rcv_nxt = to;
    if (!before(to, tcp->island_start)) {
        if (before(to, tcp->island_end)) tcp->rcv_nxt = tcp->island_end;
        tcp->island_start = tcp->island_end = tcp->rcv_nxt;
    }
}

/* Keeps data that came too early, if it makes one piece with what else did. */
static int join_island(struct tcp *tcp, u32 start, u32 end) {
    if (tcp->island_start == tcp->island_end) {
        tcp->island_start = start;
        tcp->island_end = end;
        return 1;
    }
    if (before(tcp->island_end, start) || before(end, tcp->island_start)) return 0;
    if (before(start, tcp->island_start)) tcp->island_start = start;
    if (before(tcp->island_end, end)) tcp->island_end = end;
    return 1;
}

/* Cuts off what we have already and what we have no room for, and keeps the rest. */
static void take_data(struct socket *socket, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    u32 start = segment->sequence, end = segment->sequence + segment->length;
    u32 edge = tcp->read + STREAM_SIZE;
    tcp->ack_due = 1;
    if (before(start, tcp->rcv_nxt)) start = tcp->rcv_nxt;
    if (before(edge, end)) end = edge;
    if (!before(start, end)) return;
    if (start == tcp->rcv_nxt || join_island(tcp, start, end)) {
        stream_put(&tcp->received, start, segment->data + (start - segment->sequence), end - start);
    }
    if (start == tcp->rcv_nxt) {
        advance(tcp, end);
        socket_wake(socket);
    } else {
        tcp_output(socket); /* the peer counts these acknowledgements: see retransmit_fast */
    }
}

static void take_fin(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    tcp->rcv_nxt++;
    tcp->fin_received = 1;
    tcp->ack_due = 1;
    if (tcp->state == ESTABLISHED) {
        tcp->state = CLOSE_WAIT;
    } else if (tcp->state == FIN_WAIT_1) {
        tcp->state = CLOSING; /* ours is not acknowledged, or the state were FIN_WAIT_2 */
    } else if (tcp->state == FIN_WAIT_2) {
        enter_time_wait(socket);
    }
    socket_wake(socket);
}

/* ---- Receiving: by state, in the order of RFC 9293, section 3.10.7 --------------------------- */

static u32 waiting_connections(const struct socket *listener) {
    u32 count = 0;
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        count += socket->listener == listener;
    }
    return count;
}

/* Somebody calls. If too many wait already we are silent, and he will call again. */
static void take_call(struct socket *listener, const struct packet *packet,
                      const struct segment *segment) {
    if (segment->flags & TCP_RST) return;
    if (segment->flags & TCP_ACK) {
        refuse(packet, segment);
        return;
    }
    struct socket *socket;
    if (!(segment->flags & TCP_SYN) || waiting_connections(listener) >= listener->backlog
        || (socket = socket_new(STREAM, PROTOCOL_TCP)) == 0) {
        return;
    }
    socket->listener = listener;
    socket->local = packet->destination;
    socket->local_port = packet->destination_port;
    socket->remote = packet->source;
    socket->remote_port = packet->source_port;
    open_connection(socket, SYN_RECEIVED);
    peer_began(&socket->tcp, segment);
}

/* We have called, and this may be the answer. */
static void take_answer(struct socket *socket, const struct packet *packet,
                        const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    int acknowledged = segment->flags & TCP_ACK && segment->acknowledgment == tcp->iss + 1;
    if (segment->flags & TCP_ACK && !acknowledged) {
        refuse(packet, segment);
    } else if (segment->flags & TCP_RST) {
        if (acknowledged) end_connection(socket, ECONNREFUSED);
    } else if (segment->flags & TCP_SYN) {
        peer_began(tcp, segment);
        tcp->ack_due = 1;
        if (acknowledged) {
            tcp->state = ESTABLISHED;
            tcp->retries = 0;
            acknowledged_until(socket, segment->acknowledgment);
        } else { /* he called us while we called him */
            tcp->state = SYN_RECEIVED;
            tcp->nxt = tcp->iss;
        }
    }
}

/* Whether any of the segment falls into what we await. An empty one may lie at the edges. */
static int in_window(const struct tcp *tcp, const struct segment *segment) {
    u32 edge = tcp->promised;
    u32 occupied = segment->length + ((segment->flags & TCP_FIN) != 0);
    if (occupied == 0) {
        return !before(segment->sequence, tcp->rcv_nxt)
               && (before(segment->sequence, edge) || segment->sequence == tcp->rcv_nxt);
    }
    return before(tcp->rcv_nxt, segment->sequence + occupied) && before(segment->sequence, edge);
}

/* A reset ends the connection only with exactly the number we await: anybody could guess one that
 * is near. To others, and to a SYN, we answer where we stand; an honest peer can use it (RFC 5961). */
static void take_reset(struct socket *socket, const struct segment *segment) {
    if (segment->flags & TCP_RST && segment->sequence == socket->tcp.rcv_nxt) {
        int refused = socket->tcp.state == LAST_ACK || socket->tcp.state == TIME_WAIT;
        end_connection(socket, refused ? 0 : ECONNRESET);
    } else {
        set_right(&socket->tcp, segment);
    }
}

/* What an acknowledgement does to the state. Returns 0 if it ended the connection. */
static int move_on(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    if (tcp->state == SYN_RECEIVED && tcp->una != tcp->iss) {
        tcp->state = ESTABLISHED;
        socket_wake(socket->listener != 0 ? socket->listener : socket);
    }
    if (tcp->closing && tcp->state == ESTABLISHED) tcp->state = FIN_WAIT_1;
    if (!fin_arrived(tcp)) return 1;
    if (tcp->state == FIN_WAIT_1) {
        tcp->state = FIN_WAIT_2;
        /* With nobody left to read, a peer who never ends must not keep us for ever. */
        if (socket->detached) start_timer(tcp, FIN_WAIT);
    } else if (tcp->state == CLOSING) {
        enter_time_wait(socket);
    } else if (tcp->state == LAST_ACK) {
        end_connection(socket, 0);
        return 0;
    }
    return 1;
}

static void take_rest(struct socket *socket, const struct segment *segment) {
    if (segment->length > 0 && (socket->detached || socket->reading_ended)) {
        hang_up(socket); /* nobody will ever read this */
        return;
    }
    if (segment->length > 0) take_data(socket, segment);
    if (segment->flags & TCP_FIN
        && segment->sequence + segment->length == socket->tcp.rcv_nxt) {
        take_fin(socket);
    }
}

static void take_segment(struct socket *socket, const struct segment *segment) {
    struct tcp *tcp = &socket->tcp;
    if (!in_window(tcp, segment)) {
        /* An old one: our acknowledgement got lost, or he asks whether we have room again. */
        if (!(segment->flags & TCP_RST)) set_right(tcp, segment);
    } else if (segment->flags & (TCP_RST | TCP_SYN)) {
        take_reset(socket, segment);
    } else if (!(segment->flags & TCP_ACK)) {
        return;
    } else if (tcp->state == SYN_RECEIVED && segment->acknowledgment != tcp->iss + 1) {
        send_bare(socket, segment->acknowledgment, TCP_RST);
    } else if (tcp->state == SYN_RECEIVED && !make_room(tcp)) {
        /* Who answers our SYN is where he says he is, and only then does he cost us memory. If there
         * is none, this packet is as good as lost. */
        return;
    } else if (take_acknowledgment(socket, segment) && move_on(socket) && !tcp->fin_received) {
        take_rest(socket, segment);
    }
}

/* ---- Receiving: from IP ---------------------------------------------------------------------- */

static u32 option_mss(const u8 *options, u32 length) {
    while (length > 0 && options[0] != OPTION_END) {
        u32 size = options[0] == OPTION_NOP ? 1 : length >= 2 ? options[1] : 0;
        if (size == 0 || size > length || (size == 1 && options[0] != OPTION_NOP)) break;
        if (options[0] == OPTION_MSS && size == 4) return options[2] << 8 | options[3];
        options += size;
        length -= size;
    }
    return 0;
}

/* Checks and takes apart; returns 0 if it is no TCP segment. */
static int parse(struct packet *packet, struct segment *segment) {
    u32 total = packet->length;
    const struct tcp_header *header = packet_pull(packet, sizeof(*header));
    if (header == 0) return 0;
    u32 options_length = header->offset / 16 * 4 - sizeof(*header);
    const u8 *options = header->offset / 16 * 4 < (int)sizeof(*header)
                            ? 0 : packet_pull(packet, options_length);
    u32 sum = pseudo_header_sum(packet->source, packet->destination, PROTOCOL_TCP, total);
    if (options == 0
        || (!packet->checksum_done && from_be16(checksum(sum16(sum, header, total))) != 0)) {
        return 0;
    }
    packet->source_port = from_be16(header->source);
    packet->destination_port = from_be16(header->destination);
    *segment = (struct segment){
        .sequence = from_be32(header->sequence),
        .acknowledgment = from_be32(header->acknowledgment),
        .window = from_be16(header->window),
        .mss = option_mss(options, options_length),
        .flags = header->flags, .data = packet->start, .length = packet->length};
    return 1;
}

/* The connection that the segment belongs to; otherwise who listens at its port. */
static struct socket *find(const struct packet *packet) {
    struct socket *listener = 0;
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        if (socket->type != STREAM || socket->tcp.state == CLOSED
            || socket->local_port != packet->destination_port
            || (socket->local != ADDRESS_ANY && socket->local != packet->destination)) {
            continue;
        }
        if (socket->tcp.state == LISTEN) {
            listener = socket;
        } else if (socket->remote == packet->source && socket->remote_port == packet->source_port) {
            return socket;
        }
    }
    return listener;
}

void tcp_input(struct packet *packet) {
    struct segment segment;
    if (parse(packet, &segment) && ip_is_ours(packet->destination)) {
        struct socket *socket = find(packet);
        /* Who calls again from the same port has forgotten the connection that rests here. */
        if (socket != 0 && socket->tcp.state == TIME_WAIT && segment.flags == TCP_SYN
            && before(socket->tcp.rcv_nxt, segment.sequence)) {
            end_connection(socket, 0);
            socket = find(packet);
        }
        if (socket == 0) {
            refuse(packet, &segment);
        } else if (socket->tcp.state == LISTEN) {
            take_call(socket, packet, &segment);
        } else if (socket->tcp.state == SYN_SENT) {
            take_answer(socket, packet, &segment);
        } else {
            take_segment(socket, &segment);
        }
    }
    packet_free(packet);
}

/* ---- For socket.c and ether.c ---------------------------------------------------------------- */

/* ARP has given up. A connection may outlast that, but not begin with it. */
void tcp_host_unreachable(u32 address) {
    struct socket *next;
    for (struct socket *socket = sockets; socket != 0; socket = next) {
        next = socket->next;
        if (socket->type == STREAM && socket->tcp.state == SYN_SENT && socket->remote == address) {
            end_connection(socket, EHOSTUNREACH);
        }
    }
}

int tcp_connect(struct socket *socket) {
    if (!make_room(&socket->tcp)) return -ENOMEM;
    open_connection(socket, SYN_SENT);
    tcp_output(socket);
    return 0;
}

/* Bytes that a program could read now. */
u32 tcp_readable(const struct socket *socket) {
    return socket->tcp.rcv_nxt - socket->tcp.read - socket->tcp.fin_received;
}

/* Bytes that it could write. */
u32 tcp_room(const struct socket *socket) {
    const struct tcp *tcp = &socket->tcp;
    int open = (tcp->state == ESTABLISHED || tcp->state == CLOSE_WAIT) && !tcp->closing;
    return open ? STREAM_SIZE - (tcp->end - tcp->una) : 0;
}

/* Takes what there is room for. */
long tcp_write(struct socket *socket, const void *data, u64 length) {
    struct tcp *tcp = &socket->tcp;
    u32 n = length < tcp_room(socket) ? length : tcp_room(socket);
    stream_put(&tcp->sending, tcp->end, data, n);
    tcp->end += n;
    tcp_output(socket);
    return n;
}

long tcp_read(struct socket *socket, void *data, u64 length, int peek) {
    struct tcp *tcp = &socket->tcp;
    u32 n = length < tcp_readable(socket) ? length : tcp_readable(socket);
    stream_get(&tcp->received, tcp->read, data, n);
    if (peek) return n;
    tcp->read += n;
    /* A peer who waits for room should hear of it, but not of every byte. */
    if (tcp->read + STREAM_SIZE - tcp->promised >= 2 * MSS_OURS && !tcp->fin_received) {
        tcp->ack_due = 1;
        tcp_output(socket);
    }
    return n;
}

/* The program writes no more: a FIN goes behind the last byte. */
void tcp_shutdown(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    if (tcp->closing) return;
    if (tcp->state == ESTABLISHED) {
        tcp->state = FIN_WAIT_1;
    } else if (tcp->state == CLOSE_WAIT) {
        tcp->state = LAST_ACK;
    } else if (tcp->state != SYN_RECEIVED) {
        return;
    }
    tcp->closing = 1;
    tcp_output(socket);
}

/* Those who called, and will not be accepted any more. */
static void hang_up_waiting(struct socket *listener) {
    struct socket *next;
    for (struct socket *socket = sockets; socket != 0; socket = next) {
        next = socket->next;
        if (socket->listener == listener) hang_up(socket);
    }
}

/* No program holds the socket any longer. */
void tcp_close(struct socket *socket) {
    struct tcp *tcp = &socket->tcp;
    socket->detached = 1;
    if (tcp->state == LISTEN) hang_up_waiting(socket);
    if (tcp->state == CLOSED || tcp->state == LISTEN || tcp->state == SYN_SENT) {
        end_connection(socket, 0);
    } else if (tcp_readable(socket) > 0) {
        hang_up(socket); /* the peer shall not believe that what he wrote was read */
    } else {
        if (tcp->state == FIN_WAIT_2) start_timer(tcp, FIN_WAIT);
        tcp_shutdown(socket);
    }
}

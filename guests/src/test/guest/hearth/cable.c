/*
 * cable.c: two copies of hearth's network stack, joined by a cable that loses, doubles, delays and
 * damages what it carries, under a clock that jumps to the next moment at which something happens.
 * The same seed gives the same run.
 *
 * The stack keeps its state in variables, as a kernel does; two copies of the library that it is
 * compiled into have two sets of them.
 *
 *      cable STACK-A.so STACK-B.so CASE
 *
 * exits with 0 if the case holds; otherwise it says what does not.
 */
#define _GNU_SOURCE
#include "../../../main/guest/hearth/inet.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_MIN     60 /* what an Ethernet carries at least */
#define IN_FLIGHT_MAX 4096
#define SERVER_PORT   80

/* ---- Two hosts ------------------------------------------------------------------------------- */

static struct host {
    const char *name;
    struct interface *interface;
    struct socket **sockets;
    u64 (*net_run)(void);
    void (*dhcp_start)(void);
    struct socket *(*socket_new)(enum socket_type);
    const struct file_ops *socket_ops;
    long (*sys_bind)(struct file *, u64, u64);
    long (*sys_listen)(struct file *, u64);
    long (*sys_accept)(struct file *, u64, u64);
    long (*sys_connect)(struct file *, u64, u64);
    long (*sys_sendto)(struct file *, u64, u64, u64, u64, u64);
    long (*sys_recvfrom)(struct file *, u64, u64, u64, u64, u64);
    long (*sys_shutdown)(struct file *, u64);
    long pages, blocks; /* that it has taken and not given back */
    int memory_is_out;
    int announced;
} a = {.name = "a"}, b = {.name = "b"}, *running;

/* A call of a function of a's or b's. */
#define ON(host, call)  (running = &(host), (host).call)
/* What a program on a or b does. */
#define AT(host, call)  (running = &(host), call)

static void load(struct host *host, const char *library) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == 0) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
#define FIND(name) *(void **)&host->name = dlsym(handle, #name)
    FIND(interface), FIND(sockets), FIND(net_run), FIND(dhcp_start), FIND(socket_new);
    FIND(socket_ops), FIND(sys_bind), FIND(sys_listen), FIND(sys_accept), FIND(sys_connect);
    FIND(sys_sendto), FIND(sys_recvfrom), FIND(sys_shutdown);
}

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

#define CHECK(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

static u64 dice_state = 0x9e3779b97f4a7c15;
static u64 dice(void) {
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return dice_state * 0x2545f4914f6cdd1d >> 11;
}

static int happens(u32 percent) {
    return dice() % 100 < percent;
}

/* ---- What the stack asks its kernel for ------------------------------------------------------ */

static u64 clock_nanos = NANOS_PER_SECOND;
u64 now(void) { return clock_nanos; }
u64 random64(void) { return dice(); }
void net_wake(void) {}
void interface_announce(void) { running->announced++; }

void *pages_alloc(u32 count) {
    if (running->memory_is_out) return 0;
    running->pages += count;
    return calloc(count, PAGE_SIZE);
}

void pages_put(void *first, u32 count) {
    running->pages -= count;
    free(first);
}

void *page_alloc(void) { return pages_alloc(1); }
void page_put(void *page) { pages_put(page, 1); }

void *kmalloc(u64 bytes) {
    if (running->memory_is_out) return 0;
    running->blocks++;
    return calloc(1, bytes);
}

void kfree(void *memory) {
    running->blocks -= memory != 0;
    free(memory);
}

int same_bytes(const void *a, const void *b, u64 n) { return memcmp(a, b, n) == 0; }
void wakeup(const void *channel) { (void)channel; }

/* ---- What programs do, as system calls on files that do not wait --------------------------------- */

static struct sockaddr_in { u16 family; be16 port; be32 address; u8 zero[8]; } name;
static u32 name_length;
static struct file newest; /* that the stack has made */

long copy_from_user(void *to, u64 from, u64 n) { return memcpy(to, (void *)from, n), 0; }
long copy_to_user(u64 to, const void *from, u64 n) { return memcpy((void *)to, from, n), 0; }
long wait(const void *channel, u64 deadline) { fail("it waits until %lu for %p", deadline, channel); return 0; }
void signal_send(struct task *task, int signal) { (void)task, (void)signal; }
long file_number(struct file *file, u64 first, u64 flags) {
    (void)file, (void)flags;
    return first;
}

struct file *file_new(const struct file_ops *ops, void *data, u32 flags) {
    newest = (struct file){.ops = ops, .data = data, .flags = flags};
    return &newest;
}

static struct file file_of(struct socket *socket) {
    return (struct file){.data = socket, .flags = O_RDWR | O_NONBLOCK};
}

static u64 name_of(struct endpoint endpoint) {
    name = (struct sockaddr_in){2 /* AF_INET */, to_be16(endpoint.port), to_be32(endpoint.address), {0}};
    return (u64)&name;
}

static int inet_bind(struct socket *socket, struct endpoint local) {
    struct file file = file_of(socket);
    return running->sys_bind(&file, name_of(local), sizeof(name));
}

static int inet_listen(struct socket *socket, u32 backlog) {
    struct file file = file_of(socket);
    return running->sys_listen(&file, backlog);
}

static struct socket *inet_accept(struct socket *listener) {
    struct file file = file_of(listener);
    return running->sys_accept(&file, 0, 0) == 0 ? newest.data : 0;
}

static int inet_connect(struct socket *socket, struct endpoint remote) {
    struct file file = file_of(socket);
    return running->sys_connect(&file, name_of(remote), sizeof(name));
}

static long inet_send(struct socket *socket, const void *data, u64 n, const struct endpoint *to) {
    struct file file = file_of(socket);
    if (to == 0) return running->socket_ops->write(&file, data, n);
    return running->sys_sendto(&file, (u64)data, n, 0, name_of(*to), sizeof(name));
}

static long inet_receive(struct socket *socket, void *data, u64 n, struct endpoint *from) {
    struct file file = file_of(socket);
    if (socket->type == STREAM) return running->socket_ops->read(&file, data, n);
    name_length = sizeof(name);
    long result = running->sys_recvfrom(&file, (u64)data, n, 0, (u64)&name, (u64)&name_length);
    if (result >= 0) *from = (struct endpoint){from_be32(name.address), from_be16(name.port)};
    return result;
}

static void inet_shutdown(struct socket *socket) {
    struct file file = file_of(socket);
    running->sys_shutdown(&file, 1);
}

static void inet_close(struct socket *socket) {
    struct file file = file_of(socket);
    running->socket_ops->close(&file);
}

/* ---- The cable ------------------------------------------------------------------------------- */

static struct { u32 loss, doubling, damage, jitter_micros; } cable;
static int card_vouches; /* for checksums, whatever they are */
static u64 frames_sent;
static u64 frame_to_lose = NEVER; /* by its number */
static int lose_bare_ones;        /* those without data */
static void (*tap)(struct host *from, const u8 *frame, u32 length); /* sees all that is sent */

static struct flight {
    struct host *to;
    u64 arrival;
    u32 length;
    u8 bytes[FRAME_MAX];
} flights[IN_FLIGHT_MAX];

static void fly(struct host *to, const u8 *bytes, u32 length) {
    for (struct flight *flight = flights; flight < flights + IN_FLIGHT_MAX; flight++) {
        if (flight->to != 0) continue;
        CHECK(length <= FRAME_MAX, "a frame of %u bytes", length);
        flight->to = to;
        flight->arrival = clock_nanos + 100000
                          + (cable.jitter_micros == 0 ? 0 : dice() % (cable.jitter_micros * 1000));
        flight->length = length < FRAME_MIN ? FRAME_MIN : length; /* short ones are filled up */
        memset(flight->bytes, 0x5a, FRAME_MIN);
        memcpy(flight->bytes, bytes, length);
        /* ARP has no checksum of its own: it trusts the wire's, which we do not model. */
        int is_arp = bytes[13] == (ETHERTYPE_ARP & 0xff);
        if (!is_arp && happens(cable.damage)) flight->bytes[dice() % length] ^= 1 << dice() % 8;
        return;
    }
    fail("more than %d frames on the cable", IN_FLIGHT_MAX);
}

void card_send(struct packet *frame) {
    struct host *to = running == &a ? &b : &a;
    if (tap != 0) tap(running, frame->start, frame->length);
    int is_lost = lose_bare_ones && frame->length <= FRAME_MIN;
    if (frames_sent++ != frame_to_lose && !is_lost && !happens(cable.loss)) {
        fly(to, frame->start, frame->length);
        if (happens(cable.doubling)) fly(to, frame->start, frame->length);
    }
    kfree(frame);
}

static struct flight *first_flight(const struct host *to) {
    struct flight *first = 0;
    for (struct flight *flight = flights; flight < flights + IN_FLIGHT_MAX; flight++) {
        if (flight->to != 0 && (to == 0 || flight->to == to)
            && (first == 0 || flight->arrival < first->arrival)) {
            first = flight;
        }
    }
    return first;
}

struct packet *card_receive(void) {
    struct flight *flight = first_flight(running);
    if (flight == 0 || flight->arrival > clock_nanos) return 0;
    flight->to = 0;
    struct packet *packet = kmalloc(sizeof(*packet));
    if (packet == 0) return 0;
    packet->start = packet->room;
    packet->length = flight->length;
    packet->checksum_done = card_vouches;
    memcpy(packet->start, flight->bytes, flight->length);
    return packet;
}

/* Lets both hosts do what is due and jumps to when something is again, but not beyond the limit.
 * Returns 0 if nothing ever is. */
static int step_until(u64 limit) {
    u64 next_a = ON(a, net_run()), next_b = ON(b, net_run());
    u64 next = next_a < next_b ? next_a : next_b;
    struct flight *flight = first_flight(0);
    if (flight != 0 && flight->arrival < next) next = flight->arrival;
    if (next == NEVER) return 0;
    if (next > limit) next = limit;
    if (next > clock_nanos) clock_nanos = next;
    return 1;
}

static int step(void) {
    return step_until(NEVER);
}

static void run_seconds(u64 seconds) {
    u64 until = clock_nanos + seconds * NANOS_PER_SECOND;
    while (clock_nanos < until && step_until(until)) {
    }
    if (clock_nanos < until) clock_nanos = until;
}

static void settle(void) {
    run_seconds(3600);
    running = &a;
    CHECK(*a.sockets == 0 && *b.sockets == 0, "a socket outlives its connection");
    CHECK(a.pages == 0 && b.pages == 0, "pages lost: %ld of a, %ld of b", a.pages, b.pages);
    CHECK(a.blocks == 0 && b.blocks == 0, "memory lost: %ld of a, %ld of b", a.blocks, b.blocks);
}

/* ---- A conversation -------------------------------------------------------------------------- */

#define ADDRESS_A ADDRESS(10, 0, 0, 1)
#define ADDRESS_B ADDRESS(10, 0, 0, 2)
static struct endpoint whoever; /* sent it: we do not ask */
static const struct endpoint server_at_b = {ADDRESS_B, SERVER_PORT};

static u8 said(u64 who, u64 index) {
    return (index * 2654435761u >> 7) + who + index / 251;
}

/* One end of a connection, at which a program reads what comes and writes what it has to say. */
struct talker {
    struct host *host;
    struct socket *socket;
    u64 who, other, to_say, to_hear, wrote, heard;
    u64 deaf_until;
    u32 chunk;
    int shut, ended, failed, closed;
};

static void write_some(struct talker *talker) {
    u8 data[3000];
    while (talker->wrote < talker->to_say) {
        u64 n = talker->to_say - talker->wrote;
        if (n > talker->chunk) n = talker->chunk;
        for (u64 i = 0; i < n; i++) data[i] = said(talker->who, talker->wrote + i);
        long sent = AT(*talker->host, inet_send(talker->socket, data, n, 0));
        if (sent == -EAGAIN) return;
        if (sent < 0) {
            talker->failed = -sent;
            return;
        }
        talker->wrote += sent;
    }
    if (!talker->shut) {
        talker->shut = 1;
        AT(*talker->host, inet_shutdown(talker->socket));
    }
}

static void read_some(struct talker *talker) {
    u8 data[3000];
    while (!talker->ended && clock_nanos >= talker->deaf_until) {
        long n = AT(*talker->host, inet_receive(talker->socket, data, talker->chunk, &whoever));
        if (n == -EAGAIN) return;
        if (n < 0) {
            talker->failed = -n;
            return;
        }
        for (long i = 0; i < n; i++) {
            CHECK(data[i] == said(talker->other, talker->heard + i),
                  "%s hears a wrong byte at %lu", talker->host->name, talker->heard + i);
        }
        talker->heard += n;
        talker->ended = n == 0;
    }
}

static void talk(struct talker *talker) {
    if (talker->socket == 0 || talker->closed || talker->failed) return;
    read_some(talker);
    if (!talker->failed) write_some(talker);
    if (talker->ended && talker->shut) {
        talker->closed = 1;
        AT(*talker->host, inet_close(talker->socket));
    }
}

static void give_up(struct talker *talker) {
    if (talker->failed && talker->socket != 0 && !talker->closed) {
        talker->closed = 1;
        AT(*talker->host, inet_close(talker->socket));
    }
}

static u32 tcp_readable_of(const struct socket *socket) {
    return socket->bytes;
}

static struct socket *listener_at_b(u32 backlog) {
    struct socket *listener = ON(b, socket_new(STREAM));
    CHECK(AT(b, inet_bind(listener, (struct endpoint){0, SERVER_PORT})) == 0, "cannot bind");
    CHECK(AT(b, inet_listen(listener, backlog)) == 0, "cannot listen");
    return listener;
}

static struct socket *caller_at_a(void) {
    struct socket *caller = ON(a, socket_new(STREAM));
    int result = AT(a, inet_connect(caller, server_at_b));
    CHECK(result == -EINPROGRESS, "connect: %d", result);
    return caller;
}

static int both_pause; /* not only b */

/* Both sides say so many bytes to each other, and end; returns how long that took. */
static u64 converse(u64 from_a, u64 from_b, u32 chunk, u64 deaf_seconds, int may_fail) {
    u64 began = clock_nanos;
    struct socket *listener = listener_at_b(4);
    struct talker caller = {.host = &a, .who = 1, .other = 2, .to_say = from_a, .to_hear = from_b,
                            .chunk = chunk, .socket = caller_at_a()};
    struct talker called = {.host = &b, .who = 2, .other = 1, .to_say = from_b, .to_hear = from_a,
                            .chunk = chunk,
                            .deaf_until = clock_nanos + deaf_seconds * NANOS_PER_SECOND};
    if (both_pause) caller.deaf_until = called.deaf_until;
    for (u64 steps = 0; !caller.closed || !called.closed; steps++) {
        ON(a, net_run()), ON(b, net_run()); /* programs shall not be late for what has come */
        CHECK(steps < 20000000, "the conversation does not end: a heard %lu, b heard %lu",
              caller.heard, called.heard);
        if (called.socket == 0) called.socket = AT(b, inet_accept(listener));
        talk(&caller);
        talk(&called);
        if (may_fail) {
            give_up(&caller);
            give_up(&called);
            if (caller.closed && called.socket == 0) break;
        }
        CHECK(may_fail || (!caller.failed && !called.failed), "errors: a %d, b %d", caller.failed,
              called.failed);
        if (!step() && clock_nanos < called.deaf_until) clock_nanos = called.deaf_until;
    }
    u64 took = clock_nanos - began;
    CHECK(may_fail || caller.heard == from_b, "a heard %lu of %lu", caller.heard, from_b);
    CHECK(may_fail || called.heard == from_a, "b heard %lu of %lu", called.heard, from_a);
    AT(b, inet_close(listener));
    settle();
    return took;
}

/* ---- Cases: TCP ------------------------------------------------------------------------------ */

static void a_clean_cable_carries_both_directions(void) {
    u64 took = converse(3000000, 2000000, 3000, 0, 0);
    /* 16 KiB in each round trip of 200 us, in theory, and acknowledgements of whole trains. */
    CHECK(took < 2 * NANOS_PER_SECOND, "it took %lu us", took / 1000);
}

static void small_writes_become_few_packets(void) {
    u64 before = frames_sent;
    converse(100000, 0, 10, 0, 0);
    CHECK(frames_sent - before < 400, "%lu frames for 100,000 bytes", frames_sent - before);
}

static void a_bad_cable_loses_no_byte(void) {
    cable.loss = 10, cable.doubling = 5, cable.damage = 3, cable.jitter_micros = 2000;
    for (int i = 0; i < 20; i++) converse(200000, 100000, 1 + dice() % 3000, 0, 0);
}

/* A short conversation in which the first packet gets lost, then one in which the second does... */
static void whichever_packet_is_lost_it_is_made_good(void) {
    for (u64 lost = 0;; lost++) {
        u64 before = frames_sent;
        frame_to_lose = before + lost;
        converse(4000, 5000, 1000, 0, 0);
        if (frames_sent - before <= lost) break;
    }
}

static void a_reader_who_pauses_closes_the_window(void) {
    for (u32 loss = 0; loss <= 10; loss += 10) {
        cable.loss = loss;
        u64 took = converse(100000, 100000, 1000, 30, 0);
        CHECK(took >= 30 * NANOS_PER_SECOND, "b heard more than it read");
    }
}

static void two_readers_who_pause_do_not_wait_for_each_other_for_ever(void) {
    both_pause = 1;
    for (u32 loss = 0; loss <= 10; loss += 10) {
        cable.loss = loss;
        converse(100000, 100000, 1000, 300, 0);
    }
}

static void a_call_to_nobody_is_refused(void) {
    struct socket *caller = caller_at_a();
    run_seconds(1);
    long result = AT(a, inet_send(caller, "x", 1, 0));
    CHECK(result == -ECONNREFUSED, "send: %ld", result);
    AT(a, inet_close(caller));
    settle();
}

static void a_call_into_the_void_ends(void) {
    struct socket *caller = ON(a, socket_new(STREAM));
    AT(a, inet_connect(caller, (struct endpoint){ADDRESS(10, 0, 0, 77), 80}));
    run_seconds(600);
    long result = AT(a, inet_receive(caller, &result, 1, &whoever));
    CHECK(result == -ETIMEDOUT, "receive: %ld", result);
    AT(a, inet_close(caller));
    settle();
}

static void a_cut_cable_is_noticed_in_the_end(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    run_seconds(1);
    CHECK((called = AT(b, inet_accept(listener))) != 0, "nobody called");
    cable.loss = 100;
    CHECK(AT(a, inet_send(caller, "hello", 5, 0)) == 5, "no room for five bytes");
    run_seconds(600);
    long result = AT(a, inet_send(caller, "hello", 5, 0));
    CHECK(result == -ETIMEDOUT, "send: %ld", result);
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

static void who_is_not_accepted_learns_that_the_listener_left(void) {
    struct socket *listener = listener_at_b(2), *caller = caller_at_a();
    run_seconds(1);
    AT(b, inet_close(listener));
    run_seconds(1);
    long result = AT(a, inet_receive(caller, &result, 1, &whoever));
    CHECK(result == -ECONNRESET, "receive: %ld", result);
    AT(a, inet_close(caller));
    settle();
}

static void only_as_many_wait_as_the_listener_lets(void) {
    struct socket *listener = listener_at_b(2), *callers[5], *called;
    for (int i = 0; i < 5; i++) callers[i] = caller_at_a();
    run_seconds(4); /* all but the last wait for a to know b, and try again */
    int accepted = 0;
    while ((called = AT(b, inet_accept(listener))) != 0) {
        accepted++;
        AT(b, inet_close(called));
    }
    CHECK(accepted == 2, "%d were accepted", accepted);
    for (int i = 0; i < 5; i++) AT(a, inet_close(callers[i]));
    AT(b, inet_close(listener));
    settle();
}

static u32 sum_of(u32 sum, const void *data, u32 bytes) {
    for (u32 i = 0; i < bytes; i++) sum += ((const u8 *)data)[i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* What a stranger sends to b in the name of a, or in b's own. */
static struct {
    u32 source_port, sequence, acknowledgment, flags, length, wrong_checksum, in_own_name;
} forged;
static void forge(void) {
    u8 frame[FRAME_MAX];
    struct ether_header *ether = (void *)frame;
    struct ip_header *ip = (void *)(ether + 1);
    struct tcp_header *tcp = (void *)(ip + 1);
    u32 length = sizeof(*tcp) + forged.length, from = forged.in_own_name ? ADDRESS_B : ADDRESS_A;
    *ether = (struct ether_header){b.interface->mac, a.interface->mac, to_be16(ETHERTYPE_IP)};
    *ip = (struct ip_header){
        .version_and_length = 0x45, .length = to_be16(sizeof(*ip) + length), .time_to_live = 64,
        .protocol = PROTOCOL_TCP, .source = to_be32(from), .destination = to_be32(ADDRESS_B)};
    *tcp = (struct tcp_header){
        .source = to_be16(forged.source_port), .destination = to_be16(SERVER_PORT),
        .sequence = to_be32(forged.sequence), .acknowledgment = to_be32(forged.acknowledgment),
        .offset = 5 << 4, .flags = forged.flags};
    memset(tcp + 1, 'Z', forged.length);
    ip->checksum = to_be16(~sum_of(0, ip, sizeof(*ip)) ^ forged.wrong_checksum);
    u32 pseudo = (from >> 16) + (from & 0xffff) + (ADDRESS_B >> 16)
                 + (ADDRESS_B & 0xffff) + PROTOCOL_TCP + length;
    tcp->checksum = to_be16(~sum_of(pseudo, tcp, length));
    fly(&b, frame, sizeof(*ether) + sizeof(*ip) + length);
}

static void a_reset_must_have_the_very_number_that_is_awaited(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    u8 byte;
    run_seconds(1);
    called = AT(b, inet_accept(listener));
    for (u32 off = 1; off < 20000; off += 97) {
        forged.source_port = caller->local.port;
        forged.sequence = called->tcp.rcv_nxt + off;
        forged.flags = TCP_RST, forge();
        forged.flags = TCP_SYN, forge();
        run_seconds(1);
    }
    CHECK(AT(a, inet_send(caller, "x", 1, 0)) == 1, "a guess ended the connection at a");
    run_seconds(1);
    CHECK(AT(b, inet_receive(called, &byte, 1, &whoever)) == 1, "a guess ended the connection at b");
    forged.sequence = called->tcp.rcv_nxt;
    forged.flags = TCP_RST, forge();
    run_seconds(1);
    long result = AT(b, inet_receive(called, &byte, 1, &whoever));
    CHECK(result == -ECONNRESET, "receive after a right reset: %ld", result);
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

static void what_lies_outside_the_window_changes_nothing(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    static u8 sent[STREAM_SIZE - 10], heard[STREAM_SIZE + 100];
    for (u32 i = 0; i < sizeof(sent); i++) sent[i] = said(1, i);
    run_seconds(1);
    called = AT(b, inet_accept(listener));
    AT(a, inet_send(caller, sent, sizeof(sent), 0));
    run_seconds(1);
    forged.source_port = caller->local.port, forged.flags = TCP_ACK;
    forged.acknowledgment = called->tcp.una, forged.sequence = called->tcp.rcv_nxt + 30000;
    forge(); /* it says that a has no room */
    run_seconds(1);
    CHECK(called->tcp.window > 0, "a segment from nowhere closed the window");
    forged.sequence = called->tcp.rcv_nxt, forged.length = 100;
    forge(); /* it has room for ten of these bytes */
    run_seconds(1);
    long n = AT(b, inet_receive(called, heard, sizeof(heard), &whoever));
    CHECK(n == STREAM_SIZE && memcmp(sent, heard, sizeof(sent)) == 0, "%ld bytes, or others", n);
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

/* Only asking helps: b has said that it has room, but nobody has heard. */
static void a_window_that_opens_unheard_is_found_open(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    static u8 data[2 * STREAM_SIZE];
    run_seconds(1);
    called = AT(b, inet_accept(listener));
    while (AT(a, inet_send(caller, data, 1000, 0)) > 0) run_seconds(1);
    cable.loss = 100;
    CHECK(AT(b, inet_receive(called, data, sizeof(data), &whoever)) == STREAM_SIZE, "not full");
    run_seconds(1);
    cable.loss = 0;
    run_seconds(60);
    CHECK(tcp_readable_of(called) > 1000, "only %u bytes more", tcp_readable_of(called));
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

/* The byte that asks for room is the last: it is refused, and has to be sent again. */
static void the_last_byte_goes_through_a_window_that_was_closed(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    static u8 data[2 * STREAM_SIZE];
    run_seconds(1);
    called = AT(b, inet_accept(listener));
    CHECK(AT(a, inet_send(caller, data, STREAM_SIZE, 0)) == STREAM_SIZE, "no room at a");
    run_seconds(1);
    CHECK(AT(a, inet_send(caller, data, 1, 0)) == 1, "no room at a");
    run_seconds(5);
    CHECK(AT(b, inet_receive(called, data, sizeof(data), &whoever)) == STREAM_SIZE, "not full");
    run_seconds(60);
    CHECK(AT(b, inet_receive(called, data, sizeof(data), &whoever)) == 1, "the last byte is lost");
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

/* All data arrives and no bare acknowledgement comes back, on both sides: both begin to send again what
 * the other has already, and must still hear each other. */
static void two_who_fell_back_find_together_again(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a(), *called;
    static u8 data[14000];
    run_seconds(1);
    called = AT(b, inet_accept(listener));
    lose_bare_ones = 1;
    AT(a, inet_send(caller, data, sizeof(data), 0));
    AT(b, inet_send(called, data, sizeof(data), 0));
    step_until(clock_nanos + 150 * NANOS_PER_MILLI);
    run_seconds(1);
    lose_bare_ones = 0;
    run_seconds(30);
    CHECK(caller->tcp.una == caller->tcp.end, "a is not acknowledged");
    CHECK(called->tcp.una == called->tcp.end, "b is not acknowledged");
    AT(a, inet_receive(caller, data, sizeof(data), &whoever));
    AT(b, inet_receive(called, data, sizeof(data), &whoever));
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

static void who_writes_to_one_that_left_is_told(void) {
    struct socket *listener = listener_at_b(1), *caller = caller_at_a();
    run_seconds(1);
    AT(b, inet_close(AT(b, inet_accept(listener))));
    run_seconds(1);
    CHECK(AT(a, inet_send(caller, "x", 1, 0)) == 1, "what is half closed takes bytes");
    run_seconds(1);
    long result = AT(a, inet_send(caller, "x", 1, 0));
    CHECK(result == -ECONNRESET, "send: %ld", result);
    AT(a, inet_close(caller));
    AT(b, inet_close(listener));
    settle();
}

static void callers_who_may_not_exist_cost_no_pages(void) {
    struct socket *listener = listener_at_b(64);
    u32 waiting = 0;
    forged.flags = TCP_SYN;
    forged.wrong_checksum = 4, forge();
    forged.wrong_checksum = 0;
    forged.in_own_name = 1, forge();
    forged.in_own_name = 0;
    step_until(clock_nanos + 150000);
    ON(b, net_run());
    CHECK(*b.sockets == listener, "a packet that cannot be is heard");
    for (forged.source_port = 1000; forged.source_port < 1100; forged.source_port++) forge();
    step_until(clock_nanos + 150000);
    ON(b, net_run());
    for (struct socket *s = *b.sockets; s != 0; s = s->next) waiting += s->listener == listener;
    CHECK(waiting == 64, "%u wait", waiting);
    CHECK(b.pages == 0, "they cost %ld pages", b.pages);
    AT(b, inet_close(listener));
    settle();
}

static void a_host_can_talk_to_itself(void) {
    struct socket *listener = ON(a, socket_new(STREAM)), *called;
    struct socket *caller = ON(a, socket_new(STREAM));
    u8 data[8];
    u64 before = frames_sent;
    AT(a, inet_bind(listener, (struct endpoint){ADDRESS_LOOPBACK, 80}));
    AT(a, inet_listen(listener, 1));
    AT(a, inet_connect(caller, (struct endpoint){ADDRESS_LOOPBACK, 80}));
    for (int i = 0; i < 10; i++) step();
    CHECK((called = AT(a, inet_accept(listener))) != 0, "nobody called");
    AT(a, inet_send(caller, "hearth", 6, 0));
    for (int i = 0; i < 10; i++) step();
    long n = AT(a, inet_receive(called, data, 8, &whoever));
    CHECK(n == 6 && memcmp(data, "hearth", 6) == 0, "received %ld bytes", n);
    AT(a, inet_close(caller));
    AT(a, inet_close(called));
    AT(a, inet_close(listener));
    settle();
    CHECK(frames_sent == before, "what a host tells itself is on the cable");
}

static void without_memory_packets_are_lost_and_nothing_else(void) {
    struct socket *listener = listener_at_b(4), *caller = caller_at_a(), *called = 0;
    u8 data[4000] = {0};
    u64 heard = 0, sent = 0;
    for (int turn = 0; heard < 100000; turn++) {
        CHECK(turn < 100000, "heard only %lu bytes", heard);
        b.memory_is_out = happens(10);
        a.memory_is_out = happens(10);
        long n = sent < 100000 ? AT(a, inet_send(caller, data, 1000, 0)) : 0;
        if (n > 0) sent += n;
        if (called == 0) called = AT(b, inet_accept(listener));
        n = called != 0 ? AT(b, inet_receive(called, data, 4000, &whoever)) : 0;
        if (n > 0) heard += n;
        step();
    }
    a.memory_is_out = b.memory_is_out = 0;
    AT(a, inet_close(caller));
    AT(b, inet_close(called));
    AT(b, inet_close(listener));
    settle();
}

/* ---- Cases: datagrams ------------------------------------------------------------------------ */

static void a_datagram_arrives_with_its_sender(void) {
    struct socket *at_a = ON(a, socket_new(DATAGRAM));
    struct socket *at_b = ON(b, socket_new(DATAGRAM));
    struct endpoint to = {ADDRESS_B, 53}, from = {0, 0};
    u8 data[2000] = "question";
    CHECK(AT(b, inet_bind(at_b, (struct endpoint){0, 53})) == 0, "cannot bind");
    CHECK(AT(a, inet_send(at_a, data, 8, &to)) == 8, "cannot send");
    CHECK(AT(a, inet_send(at_a, data, 1473, &to)) == -EMSGSIZE, "sends what fits no frame");
    run_seconds(1);
    long n = AT(b, inet_receive(at_b, data, 4, &from));
    CHECK(n == 4 && memcmp(data, "ques", 4) == 0, "received %ld bytes", n);
    CHECK(from.address == ADDRESS_A && from.port == at_a->local.port, "from %x:%u", from.address,
          from.port);
    CHECK(AT(b, inet_receive(at_b, data, 4, &from)) == -EAGAIN, "the rest is not dropped");
    CHECK(AT(b, inet_send(at_b, "answer", 6, &from)) == 6, "cannot answer");
    run_seconds(1);
    CHECK(AT(a, inet_receive(at_a, data, 100, &from)) == 6, "no answer");
    AT(a, inet_close(at_a));
    AT(b, inet_close(at_b));
    settle();
}

static void an_echo_comes_back(void) {
    enum { ECHO_REPLY = 0, ECHO_REQUEST = 8 };
    struct socket *raw = ON(a, socket_new(RAW));
    struct endpoint to = {ADDRESS_B, 0};
    u8 request[64] = {ECHO_REQUEST, 0, 0, 0, 1, 2, 3, 4}, answer[2000];
    u32 sum = 0;
    for (u32 i = 0; i < sizeof(request); i += 2) sum += request[i] << 8 | request[i + 1];
    request[2] = ~sum >> 8, request[3] = ~sum;
    AT(a, inet_send(raw, request, sizeof(request), &to));
    run_seconds(1);
    long n = AT(a, inet_receive(raw, answer, sizeof(answer), &whoever));
    CHECK(n == 84 && answer[20] == ECHO_REPLY && answer[27] == 4, "an echo of %ld bytes", n);
    AT(a, inet_close(raw));
    settle();
}

static void a_damaged_datagram_does_not_arrive(void) {
    struct socket *at_a = ON(a, socket_new(DATAGRAM));
    struct socket *at_b = ON(b, socket_new(DATAGRAM));
    struct endpoint to = {ADDRESS_B, 53};
    u8 data[100];
    int lost = 0;
    AT(b, inet_bind(at_b, (struct endpoint){0, 53}));
    cable.damage = 100;
    for (int i = 0; i < 500; i++) {
        AT(a, inet_send(at_a, "what was sent", 13, &to));
        run_seconds(2);
        long n = AT(b, inet_receive(at_b, data, sizeof(data), &whoever));
        lost += n == -EAGAIN;
        CHECK(n == -EAGAIN || (n == 13 && memcmp(data, "what was sent", 13) == 0), "%ld bytes", n);
    }
    CHECK(lost > 300, "only %d of 500 were found out", lost);
    AT(a, inet_close(at_a));
    AT(b, inet_close(at_b));
    settle();
}

static void a_full_box_drops_datagrams(void) {
    struct socket *at_a = ON(a, socket_new(DATAGRAM));
    struct socket *at_b = ON(b, socket_new(DATAGRAM));
    struct endpoint to = {ADDRESS_B, 53};
    u8 data[4];
    int received = 0;
    AT(b, inet_bind(at_b, (struct endpoint){0, 53}));
    AT(a, inet_send(at_a, data, 4, &to)); /* so that a knows b before the others */
    run_seconds(1);
    for (int i = 0; i < 100; i++) AT(a, inet_send(at_a, data, 4, &to));
    run_seconds(1);
    while (AT(b, inet_receive(at_b, data, 4, &whoever)) == 4) received++;
    CHECK(received == QUEUE_MAX, "%d datagrams", received);
    AT(a, inet_close(at_a));
    AT(b, inet_close(at_b));
    settle();
}

/* ---- Cases: DHCP ----------------------------------------------------------------------------- */

/* Takes the part of a server: b is not asked. */
static int dhcp_requests, dhcp_discovers;
static int dhcp_cuts; /* its answers end in the middle of the netmask */
static void dhcp_server(struct host *from, const u8 *frame, u32 length) {
    u8 reply[14 + 20 + 8 + 240 + 32] = {0};
    const u8 *question = frame + 42, *options = question + 240;
    if (from != &a || length < 42 + 240 + 3 || frame[23] != PROTOCOL_UDP || frame[37] != 67) return;
    int is_discover = options[2] == 1;
    u32 size = dhcp_cuts ? 42 + 240 + 5 : sizeof(reply);
    if (is_discover) dhcp_discovers++; else dhcp_requests++;
    memset(reply, 0xff, 6);
    memcpy(reply + 6, b.interface->mac.byte, 6);
    reply[12] = 8;
    struct ip_header *ip = (void *)(reply + 14);
    *ip = (struct ip_header){
        .version_and_length = 0x45, .length = to_be16(size - 14), .time_to_live = 64,
        .protocol = PROTOCOL_UDP, .source = to_be32(ADDRESS(10, 9, 0, 1)),
        .destination = to_be32(ADDRESS_BROADCAST)};
    u32 sum = 0;
    for (u32 i = 0; i < 20; i += 2) sum += reply[14 + i] << 8 | reply[15 + i];
    ip->checksum = to_be16(~(sum + (sum >> 16)));
    reply[35] = 67, reply[37] = 68;
    reply[38] = (size - 34) >> 8, reply[39] = (u8)(size - 34);
    u8 *answer = reply + 42;
    memcpy(answer, question, 240);
    answer[0] = 2;
    memcpy(answer + 16, (u8[]){10, 9, 0, 55}, 4);
    memcpy(answer + 240, (u8[]){53, 1, is_discover ? 2 : 5, 1, 4, 255, 255, 0, 0, 3, 4, 10, 9, 0, 1,
                                51, 4, 0, 0, 2, 88, 54, 4, 10, 9, 0, 1, 255}, 28);
    fly(&a, reply, size);
}

static void dhcp_gives_an_address_and_renews_it(void) {
    *a.interface = (struct interface){.mac = a.interface->mac};
    tap = dhcp_server;
    cable.loss = 0;
    ON(a, dhcp_start());
    run_seconds(5);
    CHECK(a.interface->address == ADDRESS(10, 9, 0, 55), "address %x", a.interface->address);
    CHECK(a.interface->netmask == ADDRESS(255, 255, 0, 0), "netmask %x", a.interface->netmask);
    CHECK(a.interface->gateway == ADDRESS(10, 9, 0, 1), "gateway %x", a.interface->gateway);
    CHECK(dhcp_discovers == 1 && dhcp_requests == 1, "asked %d and %d times", dhcp_discovers,
          dhcp_requests);
    run_seconds(1000); /* the lease is for 600 s */
    CHECK(dhcp_requests == 4, "renewed %d times in 1,000 s", dhcp_requests - 1);
    CHECK(a.announced == 1, "announced %d times", a.announced);
}

static void dhcp_reads_nothing_behind_an_answer(void) {
    *a.interface = (struct interface){.mac = a.interface->mac};
    tap = dhcp_server;
    dhcp_cuts = 1;
    ON(a, dhcp_start());
    run_seconds(5);
    CHECK(a.interface->netmask == ADDRESS(255, 255, 255, 0), "netmask %x", a.interface->netmask);
}

static void dhcp_asks_until_somebody_answers(void) {
    *a.interface = (struct interface){.mac = a.interface->mac};
    ON(a, dhcp_start());
    run_seconds(100);
    CHECK(frames_sent >= 5 && frames_sent < 40, "asked %lu times in 100 s", frames_sent);
    tap = dhcp_server;
    run_seconds(40);
    CHECK(a.interface->address == ADDRESS(10, 9, 0, 55), "address %x", a.interface->address);
}

/* ---- Cases: malice --------------------------------------------------------------------------- */

#define CATCH 512
static u8 caught[CATCH][FRAME_MAX];
static u32 caught_length[CATCH], caught_count;
static void catch_frame(struct host *from, const u8 *frame, u32 length) {
    if (from == &a && caught_count < CATCH) {
        memcpy(caught[caught_count], frame, length);
        caught_length[caught_count++] = length;
    }
}

static void repair_checksums(u8 *frame, u32 length) {
    u32 sum = 0;
    if (length < 34) return;
    frame[24] = frame[25] = 0;
    for (u32 i = 14; i < 34; i += 2) sum += frame[i] << 8 | frame[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    frame[24] = sum >> 8, frame[25] = sum;
}

/* Real frames, cut, stretched and with bytes changed; half of them with a right IP checksum, so that
 * they get further. In a third of the runs the card vouches for what is inside. */
static void no_frame_breaks_the_stack(void) {
    u8 frame[FRAME_MAX];
    tap = catch_frame;
    cable.loss = 5;
    converse(20000, 20000, 1000, 0, 0);
    cable.loss = 0;
    a_datagram_arrives_with_its_sender();
    tap = 0;
    for (int round = 0; round < 300; round++) {
        card_vouches = round % 3 == 0;
        struct socket *listener = listener_at_b(4), *box = ON(b, socket_new(DATAGRAM));
        struct socket *caller = caller_at_a(), *called = 0;
        AT(b, inet_bind(box, (struct endpoint){0, 53}));
        for (int i = 0; i < 200; i++) {
            u32 which = dice() % caught_count, length = caught_length[which];
            memcpy(frame, caught[which], length);
            for (u64 n = dice() % 8; n > 0; n--) frame[14 + dice() % (length - 14)] = dice();
            if (happens(30)) length = 1 + dice() % length;
            if (happens(50)) repair_checksums(frame, length);
            fly(happens(50) ? &a : &b, frame, length);
            if (happens(20)) {
                memcpy(frame + 26, (u8[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
                fly(&b, frame, length);
            }
            if (called == 0) called = AT(b, inet_accept(listener));
            if (called != 0) AT(b, inet_receive(called, frame, dice() % 1000, &whoever));
            if (called != 0) AT(b, inet_send(called, frame, dice() % 1000, 0));
            AT(b, inet_receive(box, frame, sizeof(frame), &whoever));
            step();
        }
        AT(a, inet_close(caller));
        if (called != 0) AT(b, inet_close(called));
        AT(b, inet_close(listener));
        AT(b, inet_close(box));
        settle();
    }
    card_vouches = 0;
    converse(20000, 20000, 1000, 0, 0);
}

/* ---- */

#define CASE(name) {#name, name}
static const struct { const char *name; void (*run)(void); } cases[] = {
    CASE(a_clean_cable_carries_both_directions),
    CASE(small_writes_become_few_packets),
    CASE(a_bad_cable_loses_no_byte),
    CASE(whichever_packet_is_lost_it_is_made_good),
    CASE(a_reader_who_pauses_closes_the_window),
    CASE(two_readers_who_pause_do_not_wait_for_each_other_for_ever),
    CASE(a_call_to_nobody_is_refused),
    CASE(a_call_into_the_void_ends),
    CASE(a_cut_cable_is_noticed_in_the_end),
    CASE(who_is_not_accepted_learns_that_the_listener_left),
    CASE(only_as_many_wait_as_the_listener_lets),
    CASE(a_reset_must_have_the_very_number_that_is_awaited),
    CASE(what_lies_outside_the_window_changes_nothing),
    CASE(a_window_that_opens_unheard_is_found_open),
    CASE(the_last_byte_goes_through_a_window_that_was_closed),
    CASE(two_who_fell_back_find_together_again),
    CASE(who_writes_to_one_that_left_is_told),
    CASE(callers_who_may_not_exist_cost_no_pages),
    CASE(a_host_can_talk_to_itself),
    CASE(without_memory_packets_are_lost_and_nothing_else),
    CASE(a_datagram_arrives_with_its_sender),
    CASE(an_echo_comes_back),
    CASE(a_damaged_datagram_does_not_arrive),
    CASE(a_full_box_drops_datagrams),
    CASE(dhcp_gives_an_address_and_renews_it),
    CASE(dhcp_reads_nothing_behind_an_answer),
    CASE(dhcp_asks_until_somebody_answers),
    CASE(no_frame_breaks_the_stack),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "list") == 0) {
        for (u32 i = 0; i < CASES; i++) puts(cases[i].name);
        return 0;
    }
    if (count != 4) return 2;
    load(&a, arguments[1]);
    load(&b, arguments[2]);
    *a.interface = (struct interface){{{2, 0, 0, 0, 0, 1}}, ADDRESS_A, ADDRESS(255, 255, 255, 0), 0};
    *b.interface = (struct interface){{{2, 0, 0, 0, 0, 2}}, ADDRESS_B, ADDRESS(255, 255, 255, 0), 0};
    for (u32 i = 0; i < CASES; i++) {
        if (strcmp(cases[i].name, arguments[3]) == 0) {
            cases[i].run();
            return 0;
        }
    }
    fail("no case %s", arguments[3]);
}

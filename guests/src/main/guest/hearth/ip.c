/* ip.c: packets to any address on earth, each on its own, none of them certain to arrive; ICMP, in which
 * hosts talk about that; UDP, which only adds a pair of port numbers; and the turn of the wheel that keeps
 * all this moving. */
#include "inet.h"
#define HOPS_MAX      64
#define FRAMES_A_TURN 64 /* a flood of them leaves time for everything else */
#define DONT_FRAGMENT 0x4000
#define IS_FRAGMENT   0x3fff
#define PLAIN_HEADER  (4 << 4 | sizeof(struct ip_header) / 4) /* version 4, without options */
#define DHCP_CLIENT   68
enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };

struct interface interface;

/* Packets to ourselves, oldest first. Whoever sends one must not find himself amidst receiving it. */
static struct packet *loop_first, **loop_last = &loop_first;

/* Null when memory is used up: the network may lose packets, and so may we. */
struct packet *packet_new(void) {
    struct packet *packet = kmalloc(sizeof(*packet));
    if (packet != 0) packet->start = packet->room + PACKET_HEADROOM;
    return packet;
}

/* Puts room for a header in front. */
void *packet_push(struct packet *packet, u32 bytes) {
    packet->length += bytes;
    return packet->start -= bytes;
}

/* Takes a header off and gives it; null when the packet is shorter than that. */
void *packet_pull(struct packet *packet, u32 bytes) {
    if (packet->length < bytes) return 0;
    packet->start += bytes;
    packet->length -= bytes;
    return packet->start - bytes;
}

/* Adds bytes at the end; without data, only the room for them. */
void *packet_append(struct packet *packet, const void *data, u32 bytes) {
    u8 *end = packet->start + packet->length;
    if (data != 0) memcpy(end, data, bytes);
    packet->length += bytes;
    return end;
}

/* RFC 1071: the complement of the sum of all words of 16 bits, with carries added back in; an odd last byte
 * is a high one. Over data that contains its own right checksum the result is 0. As carries go round, we may
 * add four bytes at a time, and in our own order: their bytes are then the sum's in the order of the wire. */
be16 checksum(u32 sum, const void *data, u32 bytes) {
    const struct { u32 word; } __attribute__((packed)) *words = data;
    u64 total = __builtin_bswap32(sum);
    for (; bytes >= 4; bytes -= 4) total += words++->word;
    for (u32 i = 0; i < bytes; i++) total += (u64)((const u8 *)words)[i] << i % 2 * 8;
    while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
    return (be16){{~total, ~total >> 8}};
}

/* TCP and UDP also sum up parts of the IP header: a packet that strays to another address is found out. */
be16 checksum_of(const struct packet *packet, u32 protocol, const void *data, u32 bytes) {
    u32 from = packet->source.address, to = packet->destination.address;
    u32 sum = (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff);
    return checksum(sum + protocol + bytes, data, bytes);
}

int ip_is_ours(u32 a) { return a >> 24 == 127 || (a == interface.address && a != ADDRESS_ANY); }
u32 ip_source(u32 destination) { return ip_is_ours(destination) ? destination : interface.address; }

static int is_broadcast(u32 a) {
    u32 on_our_wire = interface.address | ~interface.netmask;
    return a == ADDRESS_BROADCAST || (interface.netmask != 0 && a == on_our_wire);
}

/* The address is on our wire, or the gateway knows the way. */
void ip_send(struct packet *packet, u32 protocol) {
    u32 destination = packet->destination.address;
    int on_our_wire = ((destination ^ interface.address) & interface.netmask) == 0;
    struct ip_header *header = packet_push(packet, sizeof(*header));
    *header = (struct ip_header){
        .version_and_length = PLAIN_HEADER, .length = to_be16(packet->length), .protocol = protocol,
        .fragment = to_be16(DONT_FRAGMENT), .time_to_live = HOPS_MAX,
        .source = to_be32(packet->source.address), .destination = to_be32(destination)};
    header->checksum = checksum(0, header, sizeof(*header));
    if (ip_is_ours(destination)) {
        packet->checksum_done = 1; /* memory does not flip bits as cables do */
        packet->next = 0;
        *loop_last = packet;
        loop_last = &packet->next;
        net_wake();
    } else if (is_broadcast(destination)) {
        ether_send(packet, ADDRESS_BROADCAST);
    } else if (interface.address != ADDRESS_ANY && (on_our_wire || interface.gateway != ADDRESS_ANY)) {
        ether_send(packet, on_our_wire ? destination : interface.gateway);
    } else {
        kfree(packet);
    }
}

void udp_send(struct packet *packet) {
    struct udp_header *header = packet_push(packet, sizeof(*header));
    *header = (struct udp_header){to_be16(packet->source.port), to_be16(packet->destination.port),
                                  to_be16(packet->length), to_be16(0)};
    header->checksum = checksum_of(packet, PROTOCOL_UDP, header, packet->length);
    if (from_be16(header->checksum) == 0) header->checksum = to_be16(0xffff); /* 0 says that there is none */
    ip_send(packet, PROTOCOL_UDP);
}

int is_endpoint(struct endpoint a, struct endpoint b) {
    return a.port == b.port && (a.address == ADDRESS_ANY || a.address == b.address);
}

static void udp_input(struct packet *packet) {
    const struct udp_header *header = packet_pull(packet, sizeof(*header));
    u32 length = header == 0 ? 0 : from_be16(header->length);
    if (length < sizeof(*header) || length - sizeof(*header) > packet->length
        || (!packet->checksum_done && from_be16(header->checksum) != 0
            && from_be16(checksum_of(packet, PROTOCOL_UDP, header, length)) != 0)) {
        return kfree(packet);
    }
    packet->length = length - sizeof(*header);
    packet->source.port = from_be16(header->source);
    packet->destination.port = from_be16(header->destination);
    if (packet->destination.port == DHCP_CLIENT) return dhcp_input(packet);
    struct socket *s = sockets;
    while (s != 0 && !(s->type == DATAGRAM && is_endpoint(s->local, packet->destination)
                       && (s->remote.address == ADDRESS_ANY || is_endpoint(s->remote, packet->source)))) {
        s = s->next;
    }
    if (s == 0) return kfree(packet);
    socket_take(s, packet);
}

/* Raw sockets get everything, with its IP header: this is how ping hears. */
static void icmp_input(struct packet *packet) {
    struct icmp_header *header = (struct icmp_header *)packet->start;
    u32 length = packet->length;
    if (length < sizeof(*header) || from_be16(checksum(0, header, length)) != 0) return kfree(packet);
    packet_push(packet, sizeof(struct ip_header));
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        struct packet *copy = socket->type == RAW ? packet_new() : 0;
        if (copy == 0) continue;
        copy->source = packet->source;
        packet_append(copy, packet->start, packet->length);
        socket_take(socket, copy);
    }
    if (header->type != ICMP_ECHO_REQUEST) return kfree(packet);
    packet_pull(packet, sizeof(struct ip_header)); /* goes back as it came */
    header->type = ICMP_ECHO_REPLY;
    header->checksum = to_be16(0);
    header->checksum = checksum(0, header, length);
    packet->destination = packet->source;
    packet->source.address = ip_source(packet->source.address);
    ip_send(packet, PROTOCOL_ICMP);
}

/* Whether this is a whole packet for us: not a fragment, nor one with options, which nobody sends. */
static int is_for_us(struct packet *packet, int from_wire) {
    const struct ip_header *header = packet_pull(packet, sizeof(*header));
    if (header == 0 || header->version_and_length != PLAIN_HEADER
        || from_be16(checksum(0, header, sizeof(*header))) != 0
        || (from_be16(header->fragment) & IS_FRAGMENT) != 0) {
        return 0;
    }
    u32 length = from_be16(header->length) - sizeof(*header);
    if (length > packet->length) return 0;
    packet->length = length; /* what is behind filled up a short frame */
    u32 source = packet->source.address = from_be32(header->source);
    u32 destination = packet->destination.address = from_be32(header->destination);
    /* Nobody else speaks in our name, nor comes in by the loop that begins and ends with us. */
    if (is_broadcast(source) || (from_wire && (ip_is_ours(source) || destination >> 24 == 127))) return 0;
    /* While we have no address, DHCP may already call us by the one it is about to give us. */
    return ip_is_ours(destination) || is_broadcast(destination) || interface.address == ADDRESS_ANY;
}

void ip_input(struct packet *packet, int from_wire) {
    const struct ip_header *header = (struct ip_header *)packet->start;
    u32 protocol = is_for_us(packet, from_wire) ? header->protocol : 0;
    if (protocol == PROTOCOL_TCP) tcp_input(packet);
    else if (protocol == PROTOCOL_UDP) udp_input(packet);
    else if (protocol == PROTOCOL_ICMP) icmp_input(packet);
    else kfree(packet);
}

/* One turn of the wheel: takes in all that has come and does all that is due. Returns the time at which it
 * wants to be called again, even if nothing comes. */
u64 net_run(void) {
    struct packet *frame = 0, *looped = loop_first;
    loop_first = 0; /* what answers these is for the next turn */
    loop_last = &loop_first;
    for (struct packet *next; looped != 0; looped = next) {
        next = looped->next;
        ip_input(looped, 0);
    }
    for (int i = 0; i < FRAMES_A_TURN && (frame = card_receive()) != 0; i++) ether_input(frame);
    u64 time = now(), next = MIN(arp_run(time), tcp_run(time));
    next = MIN(next, dhcp_run(time));
    return loop_first != 0 || frame != 0 ? time : next;
}

/*
 * ip.c: packets to any address on earth, each on its own, none of them certain to arrive; ICMP, in
 * which hosts talk about that; and the turn of the wheel that keeps all of this moving.
 */
#include "inet.h"

#define HOPS_MAX      64
#define FRAMES_A_TURN 64 /* a flood of them leaves time for everything else */

struct interface interface;

/* Packets to ourselves, oldest first. They wait here, since whoever sends one must not find himself
 * in the middle of receiving it. */
static struct packet *loop_first, **loop_last = &loop_first;

int ip_is_ours(u32 address) {
    return (address >> 24) == 127 || (address == interface.address && address != ADDRESS_ANY);
}

static int is_broadcast(u32 address) {
    return address == ADDRESS_BROADCAST
           || (interface.netmask != 0 && address == (interface.address | ~interface.netmask));
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void loop_back(struct packet *packet) {
    packet->checksum_done = 1; /* memory does not flip bits as cables do */
    packet->next = 0;
    *loop_last = packet;
    loop_last = &packet->next;
    net_wake();
}

/* The address is on our wire, or the gateway knows the way. */
void ip_send(struct packet *packet, u32 protocol, u32 source, u32 destination) {
    static u32 identification;
    struct ip_header *header = packet_push(packet, sizeof(*header));
    *header = (struct ip_header){
        .version_and_length = 4 << 4 | sizeof(*header) / 4,
        .length = to_be16(packet->length),
        .identification = to_be16(identification++),
        .fragment = to_be16(IP_DONT_FRAGMENT),
        .time_to_live = HOPS_MAX, .protocol = protocol,
        .source = to_be32(source), .destination = to_be32(destination)};
    header->checksum = checksum(sum16(0, header, sizeof(*header)));
    if (ip_is_ours(destination)) {
        loop_back(packet);
    } else if (is_broadcast(destination)) {
        ether_send(packet, ADDRESS_BROADCAST);
    } else if (interface.address != ADDRESS_ANY
               && ((destination ^ interface.address) & interface.netmask) == 0) {
        ether_send(packet, destination);
    } else if (interface.gateway != ADDRESS_ANY) {
        ether_send(packet, interface.gateway);
    } else {
        packet_free(packet);
    }
}

/* From whichever of our addresses suits. */
void ip_send_any(struct packet *packet, u32 protocol, u32 destination) {
    ip_send(packet, protocol, ip_is_ours(destination) ? destination : interface.address,
            destination);
}

/* ---- ICMP ------------------------------------------------------------------------------------ */

static void icmp_send(struct packet *packet, u32 to) {
    struct icmp_header *header = (struct icmp_header *)packet->start;
    header->checksum = to_be16(0);
    header->checksum = checksum(sum16(0, packet->start, packet->length));
    ip_send_any(packet, PROTOCOL_ICMP, to);
}

/* Answers a datagram to a port at which nobody listens: with the beginning of it, so that its
 * sender knows which. The packet has lost its headers by now, but they still lie before it. */
void icmp_port_unreachable(const struct packet *packet) {
    u32 quoted = sizeof(struct ip_header) + sizeof(struct udp_header);
    struct packet *answer = packet_new();
    if (answer == 0) return;
    struct icmp_header *header = packet_append(answer, 0, sizeof(*header));
    *header = (struct icmp_header){.type = ICMP_UNREACHABLE, .code = ICMP_PORT_UNREACHABLE};
    packet_append(answer, packet->start - quoted, quoted);
    icmp_send(answer, packet->source);
}

static void echo(const struct packet *packet) {
    struct packet *answer = packet_new();
    if (answer == 0) return;
    struct icmp_header *header = packet_append(answer, packet->start, packet->length);
    header->type = ICMP_ECHO_REPLY;
    icmp_send(answer, packet->source);
}

/* Raw sockets get a copy of everything, with its IP header: this is how ping hears. */
static void copy_to_raw_sockets(const struct packet *packet) {
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        struct packet *copy;
        if (socket->type != RAW || socket->protocol != PROTOCOL_ICMP
            || (socket->remote != ADDRESS_ANY && socket->remote != packet->source)
            || (copy = packet_new()) == 0) {
            continue;
        }
        copy->source = packet->source;
        copy->source_port = 0;
        packet_append(copy, packet->start - sizeof(struct ip_header),
                      sizeof(struct ip_header) + packet->length);
        socket_take(socket, copy);
    }
}

static void icmp_input(struct packet *packet) {
    const struct icmp_header *header = (struct icmp_header *)packet->start;
    if (packet->length >= sizeof(*header)
        && from_be16(checksum(sum16(0, packet->start, packet->length))) == 0) {
        copy_to_raw_sockets(packet);
        if (header->type == ICMP_ECHO_REQUEST && header->code == 0) echo(packet);
    }
    packet_free(packet);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* Whether this is a whole packet for us. Fragments are not put together here: TCP avoids them, and
 * a datagram larger than a frame is rare. Options neither: nobody sends them. */
static int accept(struct packet *packet, int from_wire) {
    const struct ip_header *header = packet_pull(packet, sizeof(*header));
    if (header == 0 || header->version_and_length != (4 << 4 | sizeof(*header) / 4)
        || from_be16(checksum(sum16(0, header, sizeof(*header)))) != 0
        || (from_be16(header->fragment) & (IP_MORE_FRAGMENTS | IP_OFFSET)) != 0) {
        return 0;
    }
    u32 length = from_be16(header->length);
    if (length < sizeof(*header) || length - sizeof(*header) > packet->length) return 0;
    packet->length = length - sizeof(*header); /* what is behind filled up a short frame */
    packet->source = from_be32(header->source);
    packet->destination = from_be32(header->destination);
    /* Nobody else speaks in our name, nor comes in by the loop that begins and ends with us. */
    if (is_broadcast(packet->source)
        || (from_wire && (ip_is_ours(packet->source) || packet->destination >> 24 == 127))) {
        return 0;
    }
    /* While we have no address, DHCP may already call us by the one it is about to give us. */
    return ip_is_ours(packet->destination) || is_broadcast(packet->destination)
           || interface.address == ADDRESS_ANY;
}

static void receive(struct packet *packet, int from_wire) {
    const struct ip_header *header = (struct ip_header *)packet->start;
    if (!accept(packet, from_wire)) {
        packet_free(packet);
    } else if (header->protocol == PROTOCOL_TCP) {
        tcp_input(packet);
    } else if (header->protocol == PROTOCOL_UDP) {
        udp_input(packet);
    } else if (header->protocol == PROTOCOL_ICMP) {
        icmp_input(packet);
    } else {
        packet_free(packet);
    }
}

void ip_input(struct packet *packet) {
    receive(packet, 1);
}

/* ---- The wheel ------------------------------------------------------------------------------- */

/* As many packets as we have sent ourselves until now; answers to them are for the next turn. */
static void loop_run(void) {
    struct packet *packet = loop_first;
    loop_first = 0;
    loop_last = &loop_first;
    while (packet != 0) {
        struct packet *next = packet->next;
        receive(packet, 0);
        packet = next;
    }
}

static u64 earlier(u64 a, u64 b) {
    return a < b ? a : b;
}

/*
 * One turn: takes in all that has come and does all that is due. Returns the time at which it wants
 * to be called again, even if nothing comes.
 */
u64 net_run(void) {
    struct packet *frame = 0;
    loop_run();
    for (int i = 0; i < FRAMES_A_TURN && (frame = card_receive()) != 0; i++) ether_input(frame);
    u64 time = now();
    u64 next = earlier(arp_run(time), earlier(tcp_run(time), dhcp_run(time)));
    return loop_first != 0 || frame != 0 ? time : next;
}

/*
 * ether.c: frames to the neighbours on the same wire, and ARP, by which we learn who they are: IP knows
 * addresses of 32 bits, the wire those of 48, and the only way from the one to the other is to ask everybody.
 */
#include "inet.h"
#define NEIGHBOURS 64
#define ASKED_FOR  NANOS_PER_SECOND        /* then whoever has something to send asks again */
#define KNOWN_FOR  (60 * NANOS_PER_SECOND) /* likewise: cards get exchanged */

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* Each at the place that the last bits of his address tell, if nobody was there before him. */
static struct neighbour {
    u32 address;
    int known;
    struct mac mac;
    u64 until;              /* when he will be forgotten; 0: a free place */
    struct packet *waiting; /* the newest packet for him; protocols repeat what is lost */
} neighbours[NEIGHBOURS];

static void send_frame(struct packet *packet, struct mac to, u32 type) {
    struct ether_header *header = packet_push(packet, sizeof(*header));
    *header = (struct ether_header){to, interface.mac, to_be16(type)};
    card_send(packet);
}

static void arp_send(u32 operation, struct mac to_mac, u32 to) {
    struct packet *packet = packet_new();
    if (packet == 0) return;
    struct arp_message *message = packet_append(packet, 0, sizeof(*message));
    *message = (struct arp_message){ARP_TYPES, to_be16(operation), interface.mac, to_be32(interface.address),
                                    to_mac, to_be32(to)};
    send_frame(packet, to_mac, ETHERTYPE_ARP);
}

/* Whom we have asked for, or know already, we hear whatever he says; a stranger only if he asks for us, lest
 * talk between others fills our table. */
static void arp_input(struct packet *packet) {
    const struct arp_message *message = packet_pull(packet, sizeof(*message));
    static const u8 types[] = ARP_TYPES;
    if (message == 0 || !same_bytes(message->types, types, sizeof(types))) return;
    u32 from = from_be32(message->from);
    struct neighbour *neighbour = &neighbours[from % NEIGHBOURS];
    int asked = from_be16(message->operation) == ARP_REQUEST && interface.address != ADDRESS_ANY
                && from_be32(message->to) == interface.address;
    if (from != ADDRESS_ANY && (neighbour->until == 0 ? asked : neighbour->address == from)) {
        struct packet *waiting = neighbour->waiting;
        *neighbour = (struct neighbour){from, 1, message->mac, now() + KNOWN_FOR, 0};
        if (waiting != 0) send_frame(waiting, neighbour->mac, ETHERTYPE_IP);
    }
    if (asked) arp_send(ARP_REPLY, message->mac, from);
}

/* Sends an IP packet to an address on our own wire. */
void ether_send(struct packet *packet, u32 next_hop) {
    struct neighbour *neighbour = &neighbours[next_hop % NEIGHBOURS];
    int is_his = neighbour->until != 0 && neighbour->address == next_hop;
    if (next_hop == ADDRESS_BROADCAST) return send_frame(packet, broadcast, ETHERTYPE_IP);
    if (is_his && neighbour->known) return send_frame(packet, neighbour->mac, ETHERTYPE_IP);
    kfree(neighbour->waiting);
    if (!is_his) {
        *neighbour = (struct neighbour){.address = next_hop, .until = now() + ASKED_FOR};
        arp_send(ARP_REQUEST, broadcast, next_hop);
    }
    neighbour->waiting = packet;
}

/* Forgets who is due. Returns when there is something to do again. */
u64 arp_run(u64 now) {
    u64 next = NEVER;
    for (struct neighbour *n = neighbours; n < neighbours + NEIGHBOURS; n++) {
        if (n->until == 0) continue;
        if (now < n->until) next = MIN(next, n->until);
        else kfree(n->waiting), *n = (struct neighbour){0};
    }
    return next;
}

void ether_input(struct packet *frame) {
    const struct ether_header *header = packet_pull(frame, sizeof(*header));
    int is_for_us = header != 0 && (same_bytes(&header->to, &interface.mac, sizeof(header->to))
                                    || same_bytes(&header->to, &broadcast, sizeof(header->to)));
    if (is_for_us && from_be16(header->type) == ETHERTYPE_IP) return ip_input(frame, 1);
    if (is_for_us && from_be16(header->type) == ETHERTYPE_ARP) arp_input(frame);
    kfree(frame);
}

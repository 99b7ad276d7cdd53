/*
 * ether.c: frames to the neighbours on the same wire, and ARP, by which we learn who they are: IP
 * knows addresses of 32 bits, the wire those of 48, and the only way from the one to the other is to
 * ask everybody.
 */
#include "inet.h"

#define NEIGHBOURS     16
#define ASK_EVERY      NANOS_PER_SECOND
#define ASK_TIMES      5
#define KNOWN_FOR      (60 * NANOS_PER_SECOND) /* then we ask anew: cards get exchanged */
#define HARDWARE_ETHER 1
#define ARP_REQUEST    1
#define ARP_REPLY      2

static const struct mac broadcast_mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static struct neighbour {
    u32 address; /* 0: a free entry */
    u8 known;
    struct mac mac;
    u64 until;              /* of a known one: forget then; of another: ask again then */
    u32 asked;              /* how often */
    struct packet *waiting; /* the newest packet for him; protocols repeat what is lost */
} neighbours[NEIGHBOURS];

static int same_mac(const struct mac *a, const struct mac *b) {
    for (int i = 0; i < 6; i++) {
        if (a->byte[i] != b->byte[i]) return 0;
    }
    return 1;
}

static void send_frame(struct packet *packet, const struct mac *to, u32 type) {
    struct ether_header *header = packet_push(packet, sizeof(*header));
    *header = (struct ether_header){.to = *to, .from = interface.mac, .type = to_be16(type)};
    card_send(packet);
}

static void arp_send(u32 operation, const struct mac *frame_to, const struct mac *target_mac,
                     u32 target) {
    struct packet *packet = packet_new();
    if (packet == 0) return;
    struct arp_message *message = packet_append(packet, 0, sizeof(*message));
    *message = (struct arp_message){
        .hardware_type = to_be16(HARDWARE_ETHER), .protocol_type = to_be16(ETHERTYPE_IP),
        .hardware_size = 6, .protocol_size = 4, .operation = to_be16(operation),
        .sender_mac = interface.mac, .sender = to_be32(interface.address),
        .target_mac = *target_mac, .target = to_be32(target)};
    send_frame(packet, frame_to, ETHERTYPE_ARP);
}

static void ask(struct neighbour *neighbour, u64 now) {
    static const struct mac unknown;
    neighbour->asked++;
    neighbour->until = now + ASK_EVERY;
    arp_send(ARP_REQUEST, &broadcast_mac, &unknown, neighbour->address);
}

static void forget(struct neighbour *neighbour) {
    if (neighbour->waiting != 0) packet_free(neighbour->waiting);
    *neighbour = (struct neighbour){0};
}

static struct neighbour *find(u32 address) {
    for (struct neighbour *n = neighbours; n < neighbours + NEIGHBOURS; n++) {
        if (n->address == address) return n;
    }
    return 0;
}

/* A free entry, if need be that of the neighbour who would be forgotten first. */
static struct neighbour *new_neighbour(u32 address) {
    struct neighbour *oldest = neighbours;
    for (struct neighbour *n = neighbours; n < neighbours + NEIGHBOURS; n++) {
        if (n->until < oldest->until) oldest = n;
    }
    forget(oldest);
    oldest->address = address;
    return oldest;
}

static void learn(struct neighbour *neighbour, const struct mac *mac) {
    struct packet *waiting = neighbour->waiting;
    neighbour->known = 1;
    neighbour->mac = *mac;
    neighbour->until = now() + KNOWN_FOR;
    neighbour->waiting = 0;
    if (waiting != 0) send_frame(waiting, &neighbour->mac, ETHERTYPE_IP);
}

/* Whom we know already we hear whatever he says; a stranger only if he speaks to us, lest talk
 * between others fills our table. */
static void arp_input(struct packet *packet) {
    const struct arp_message *message = packet_pull(packet, sizeof(*message));
    if (message == 0 || from_be16(message->hardware_type) != HARDWARE_ETHER
        || from_be16(message->protocol_type) != ETHERTYPE_IP || message->hardware_size != 6
        || message->protocol_size != 4) {
        return;
    }
    u32 sender = from_be32(message->sender);
    int to_us = interface.address != ADDRESS_ANY && from_be32(message->target) == interface.address;
    int asked = from_be16(message->operation) == ARP_REQUEST;
    struct neighbour *neighbour = sender == ADDRESS_ANY ? 0 : find(sender);
    if (neighbour == 0 && to_us && asked && sender != ADDRESS_ANY) neighbour = new_neighbour(sender);
    if (neighbour != 0) learn(neighbour, &message->sender_mac);
    if (to_us && asked) arp_send(ARP_REPLY, &message->sender_mac, &message->sender_mac, sender);
}

/* Sends an IP packet to an address on our own wire. */
void ether_send(struct packet *packet, u32 next_hop) {
    struct neighbour *neighbour;
    if (next_hop == ADDRESS_BROADCAST) {
        send_frame(packet, &broadcast_mac, ETHERTYPE_IP);
        return;
    }
    neighbour = find(next_hop);
    if (neighbour != 0 && neighbour->known) {
        send_frame(packet, &neighbour->mac, ETHERTYPE_IP);
        return;
    }
    if (neighbour == 0) {
        neighbour = new_neighbour(next_hop);
        ask(neighbour, now());
    }
    if (neighbour->waiting != 0) packet_free(neighbour->waiting);
    neighbour->waiting = packet;
}

/* Asks again, gives up, forgets. Returns when there is something to do again. */
u64 arp_run(u64 now) {
    u64 next = NEVER;
    for (struct neighbour *n = neighbours; n < neighbours + NEIGHBOURS; n++) {
        if (n->address != 0 && now >= n->until) {
            if (!n->known && n->asked < ASK_TIMES) {
                ask(n, now);
            } else {
                if (!n->known) tcp_host_unreachable(n->address);
                forget(n);
            }
        }
        if (n->address != 0 && n->until < next) next = n->until;
    }
    return next;
}

void ether_input(struct packet *frame) {
    const struct ether_header *header = packet_pull(frame, sizeof(*header));
    if (header != 0
        && (same_mac(&header->to, &interface.mac) || same_mac(&header->to, &broadcast_mac))) {
        if (from_be16(header->type) == ETHERTYPE_IP) {
            ip_input(frame);
            return;
        }
        if (from_be16(header->type) == ETHERTYPE_ARP) arp_input(frame);
    }
    packet_free(frame);
}

/*
 * dhcp.c: asking the network who we are (RFC 2131). Who has no address yet cannot be answered by
 * one, so questions and answers go to everybody, and a random number tells whose they are.
 *
 *      we: DISCOVER        a server: OFFER
 *      we: REQUEST         the same: ACK, and the address is ours for a while
 *
 * Half way through that while we send REQUEST again.
 */
#include "inet.h"

#define SERVER_PORT  67
#define CLIENT_PORT  68
#define MAGIC        0x63825363 /* options follow */
#define TRY_FIRST    NANOS_PER_SECOND
#define TRY_MAX      (16 * NANOS_PER_SECOND)
#define LEASE_LEAST  60 /* seconds */
#define LEASE_USUAL  3600

enum { BOOT_REQUEST = 1, BOOT_REPLY };
enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK };
enum {
    OPTION_PAD = 0, OPTION_NETMASK = 1, OPTION_ROUTER = 3, OPTION_REQUESTED = 50, OPTION_LEASE = 51,
    OPTION_TYPE = 53, OPTION_SERVER = 54, OPTION_WANTED = 55, OPTION_END = 255,
};

struct dhcp_message {
    u8 operation, hardware_type, hardware_size, hops;
    be32 transaction;
    be16 seconds, flags;
    be32 client, yours, server, relay;
    struct mac mac;
    u8 rest_of_mac[10];
    u8 unused[192]; /* names of a server and a file, for machines that boot from the network */
    be32 magic;
};
#define FLAG_BROADCAST 0x8000 /* answer to everybody */

static u8 asking; /* DISCOVER or REQUEST; 0: we do not use DHCP */
static u32 transaction, offered, server;
static u64 next_try, patience;

static u8 *put_option(u8 *at, u8 kind, u8 length, const void *value) {
    *at++ = kind;
    *at++ = length;
    memcpy(at, value, length);
    return at + length;
}

static void ask(void) {
    static const u8 wanted[] = {OPTION_NETMASK, OPTION_ROUTER, OPTION_LEASE};
    struct packet *packet = packet_new();
    if (packet == 0) return;
    struct dhcp_message *message = packet_append(packet, 0, sizeof(*message));
    *message = (struct dhcp_message){
        .operation = BOOT_REQUEST, .hardware_type = 1, .hardware_size = 6,
        .transaction = to_be32(transaction), .flags = to_be16(FLAG_BROADCAST),
        .client = to_be32(interface.address), .mac = interface.mac, .magic = to_be32(MAGIC)};
    u8 *options = (u8 *)(message + 1), *at = put_option(options, OPTION_TYPE, 1, &asking);
    at = put_option(at, OPTION_WANTED, sizeof(wanted), wanted);
    if (asking == REQUEST && interface.address == ADDRESS_ANY) {
        be32 address = to_be32(offered), from = to_be32(server);
        at = put_option(at, OPTION_REQUESTED, 4, &address);
        at = put_option(at, OPTION_SERVER, 4, &from);
    }
    *at++ = OPTION_END;
    packet->length += at - options;
    udp_send(packet, interface.address, CLIENT_PORT, ADDRESS_BROADCAST, SERVER_PORT);
}

static void begin(u8 with) {
    asking = with;
    next_try = now();
    patience = TRY_FIRST;
    net_wake();
}

void dhcp_start(void) {
    transaction = random64();
    begin(DISCOVER);
}

/* The option's value as a number, high byte first; `otherwise` if there is none. */
static u32 option(const struct packet *packet, u8 kind, u32 otherwise) {
    const u8 *at = packet->start, *end = at + packet->length;
    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_PAD) {
            at++;
            continue;
        }
        if (end - at < 2 || end - at - 2 < at[1]) break;
        if (*at == kind && at[1] > 0) {
            u32 value = 0;
            for (int i = 0; i < at[1] && i < 4; i++) value = value << 8 | at[2 + i];
            return value;
        }
        at += 2 + at[1];
    }
    return otherwise;
}

static void take_lease(const struct packet *packet, u32 yours) {
    u64 seconds = option(packet, OPTION_LEASE, LEASE_USUAL);
    int new = interface.address != yours;
    interface.netmask = option(packet, OPTION_NETMASK, ADDRESS(255, 255, 255, 0));
    interface.gateway = option(packet, OPTION_ROUTER, ADDRESS_ANY);
    interface.address = yours;
    if (seconds < LEASE_LEAST) seconds = LEASE_LEAST;
    begin(REQUEST);
    next_try = now() + seconds * NANOS_PER_SECOND / 2;
    if (new) interface_announce();
}

void dhcp_input(struct packet *packet) {
    const struct dhcp_message *message = packet_pull(packet, sizeof(*message));
    if (asking != 0 && message != 0 && message->operation == BOOT_REPLY
        && from_be32(message->transaction) == transaction && from_be32(message->magic) == MAGIC) {
        u32 type = option(packet, OPTION_TYPE, 0), yours = from_be32(message->yours);
        if (type == OFFER && asking == DISCOVER && yours != ADDRESS_ANY) {
            offered = yours;
            server = option(packet, OPTION_SERVER, packet->source);
            begin(REQUEST);
        } else if (type == ACK && asking == REQUEST && yours != ADDRESS_ANY) {
            take_lease(packet, yours);
        } else if (type == NAK && asking == REQUEST) {
            interface.address = ADDRESS_ANY;
            begin(DISCOVER);
        }
    }
    packet_free(packet);
}

/* Asks again what was not answered, each time more patiently. */
u64 dhcp_run(u64 time) {
    if (asking == 0) return NEVER;
    if (time >= next_try) {
        ask();
        next_try = time + patience;
        if (patience < TRY_MAX) {
            patience *= 2;
        } else if (interface.address == ADDRESS_ANY) {
            begin(DISCOVER); /* who made the offer is gone */
        }
    }
    return next_try;
}

/*
 * dhcp.c: asking the network who we are (RFC 2131). Who has no address yet cannot be answered by one, so
 * questions and answers go to everybody, and a random number tells whose they are.
 *
 *      we: DISCOVER        a server: OFFER
 *      we: REQUEST         the same: ACK, and the address is ours for a while
 *
 * Half way through that while we begin again; the server gives us the same.
 */
#include "inet.h"

#define SERVER_PORT  67
#define CLIENT_PORT  68
#define BROADCAST    0x8000     /* a flag: answer to everybody */
#define MAGIC        0x63825363 /* options follow */
#define TRY_FIRST    NANOS_PER_SECOND
#define TRY_MAX      (16 * NANOS_PER_SECOND)
#define LEASE_LEAST  60 /* seconds */
#define LEASE_USUAL  3600

enum { BOOT_REQUEST = 1, BOOT_REPLY };
enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK };
enum { PAD = 0, NETMASK = 1, ROUTER = 3, REQUESTED = 50, LEASE = 51, TYPE = 53, SERVER = 54, WANTED = 55, END = 255 };

struct dhcp_message {
    u8 operation, hardware_type, hardware_size, hops;
    be32 transaction;
    be16 seconds, flags;
    be32 client, yours, server, relay;
    struct mac mac;
    u8 rest_of_mac[10], unused[192]; /* names of a server and a file, for machines that boot from the network */
    be32 magic;
};

static u8 asking; /* DISCOVER or REQUEST; 0: we do not use DHCP */
static u32 transaction;
static be32 offered, server;
static u64 next_try, patience;

static void put_option(struct packet *packet, u8 kind, u8 length, const void *value) {
    packet_append(packet, &kind, 1);
    packet_append(packet, &length, 1);
    packet_append(packet, value, length);
}

static void ask(void) {
    static const u8 wanted[] = {NETMASK, ROUTER, LEASE};
    struct packet *packet = packet_new();
    if (packet == 0) return;
    *(struct dhcp_message *)packet_append(packet, 0, sizeof(struct dhcp_message)) = (struct dhcp_message){
        .operation = BOOT_REQUEST, .hardware_type = 1, .hardware_size = 6, .transaction = to_be32(transaction),
        .flags = to_be16(BROADCAST), .mac = interface.mac, .magic = to_be32(MAGIC)};
    put_option(packet, TYPE, 1, &asking);
    put_option(packet, WANTED, sizeof(wanted), wanted);
    if (asking == REQUEST) put_option(packet, REQUESTED, 4, &offered), put_option(packet, SERVER, 4, &server);
    packet_append(packet, &(u8){END}, 1);
    udp_send(packet, (struct endpoint){interface.address, CLIENT_PORT},
             (struct endpoint){ADDRESS_BROADCAST, SERVER_PORT});
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

/* The option's value, of four bytes or the type's one, as a number; `otherwise` if there is none. */
static u32 option(const struct packet *packet, u8 kind, u32 otherwise) {
    const u8 *at = packet->start, *end = at + packet->length;
    while (end - at >= 2 && *at != END && (*at == PAD || end - at - 2 >= at[1])) {
        if (*at == kind && at[1] == 1) return at[2];
        if (*at == kind && at[1] >= 4) return from_be32((be32){{at[2], at[3], at[4], at[5]}});
        at += *at == PAD ? 1 : 2 + at[1];
    }
    return otherwise;
}

static void take_lease(const struct packet *packet, u32 yours) {
    u64 seconds = MAX(option(packet, LEASE, LEASE_USUAL), LEASE_LEAST);
    int is_new = interface.address != yours;
    interface.netmask = option(packet, NETMASK, ADDRESS(255, 255, 255, 0));
    interface.gateway = option(packet, ROUTER, ADDRESS_ANY);
    interface.address = yours;
    begin(DISCOVER);
    next_try = now() + seconds * NANOS_PER_SECOND / 2;
    if (is_new) interface_announce();
}

void dhcp_input(struct packet *packet) {
    const struct dhcp_message *message = packet_pull(packet, sizeof(*message));
    if (message != 0 && message->operation == BOOT_REPLY && from_be32(message->transaction) == transaction
        && from_be32(message->magic) == MAGIC && from_be32(message->yours) != ADDRESS_ANY) {
        u32 type = option(packet, TYPE, 0);
        if (type == OFFER && asking == DISCOVER) {
            offered = message->yours;
            server = to_be32(option(packet, SERVER, packet->source.address));
            begin(REQUEST);
        } else if (type == ACK && asking == REQUEST) {
            take_lease(packet, from_be32(message->yours));
        }
    }
    kfree(packet);
}

/* Asks again what was not answered, each time more patiently, and at last from the beginning. */
u64 dhcp_run(u64 time) {
    if (asking == 0) return NEVER;
    if (time >= next_try) {
        ask();
        next_try = time + patience;
        if (patience < TRY_MAX) patience *= 2;
        else begin(DISCOVER);
    }
    return next_try;
}

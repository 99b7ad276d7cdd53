/* dhcp.c: asking the network who we are (RFC 2131). Who has no address yet cannot be answered by one, so
 * questions and answers go to everybody, and a random number tells whose they are. We say DISCOVER, and a
 * server OFFERs an address; we REQUEST it, and with its ACK it is ours for a while, half of which later we
 * begin again. */
#include "inet.h"
#define SERVER_PORT  67
#define CLIENT_PORT  68
#define BROADCAST    0x8000     /* a flag: answer to everybody */
#define MAGIC        0x63825363 /* options follow */
#define TRY_EVERY    (3 * NANOS_PER_SECOND)
#define LEASE_LEAST  60 /* seconds */
#define LEASE_USUAL  3600

static u8 asking; /* DISCOVER or REQUEST; 0: we do not use DHCP */
static u32 transaction;
static be32 offered, server;
static u64 next_try;

static void put_option(struct packet *packet, u8 kind, u8 length, const void *value) {
    packet_append(packet, &kind, 1);
    packet_append(packet, &length, 1);
    packet_append(packet, value, length);
}

static void ask(u8 type) {
    static const u8 wanted[] = {NETMASK, ROUTER, LEASE}, end = END;
    struct packet *packet = packet_new();
    asking = type;
    next_try = now() + TRY_EVERY;
    if (packet == 0) return;
    struct dhcp_message *message = packet_append(packet, 0, sizeof(*message));
    *message = (struct dhcp_message){
        .operation = BOOT_REQUEST, .hardware_type = 1, .hardware_size = 6, .flags = to_be16(BROADCAST),
        .transaction = to_be32(transaction), .mac = interface.mac, .magic = to_be32(MAGIC)};
    put_option(packet, TYPE, 1, &asking);
    put_option(packet, WANTED, sizeof(wanted), wanted);
    if (asking == REQUEST) {
        put_option(packet, REQUESTED, 4, &offered);
        put_option(packet, SERVER, 4, &server);
    }
    packet_append(packet, &end, 1);
    packet->source = (struct endpoint){interface.address, CLIENT_PORT};
    packet->destination = (struct endpoint){ADDRESS_BROADCAST, SERVER_PORT};
    udp_send(packet);
}

/* The option's value, of at least so many bytes, which are one or four; `otherwise` if there is none. */
static u32 option(const struct packet *packet, u8 kind, u32 bytes, u32 otherwise) {
    const u8 *at = packet->start, *end = at + packet->length;
    for (; end - at >= 2 && *at != END && end - at - 2 >= at[1]; at += 2 + at[1]) {
        if (*at == kind && at[1] >= bytes) return bytes == 1 ? at[2] : from_be32(*(const be32 *)(at + 2));
    }
    return otherwise;
}

void dhcp_input(struct packet *packet) {
    const struct dhcp_message *message = packet_pull(packet, sizeof(*message));
    u32 yours = message == 0 || message->operation != BOOT_REPLY || from_be32(message->magic) != MAGIC
                || from_be32(message->transaction) != transaction ? ADDRESS_ANY : from_be32(message->yours);
    u32 type = yours == ADDRESS_ANY ? 0 : option(packet, TYPE, 1, 0);
    if (type == OFFER && asking == DISCOVER) {
        offered = message->yours;
        server = to_be32(option(packet, SERVER, 4, packet->source.address));
        ask(REQUEST);
    } else if (type == ACK && asking == REQUEST) {
        int is_new = interface.address != yours;
        u64 seconds = MAX(option(packet, LEASE, 4, LEASE_USUAL), LEASE_LEAST);
        interface.netmask = option(packet, NETMASK, 4, ADDRESS(255, 255, 255, 0));
        interface.gateway = option(packet, ROUTER, 4, ADDRESS_ANY);
        interface.address = yours;
        asking = DISCOVER;
        next_try = now() + seconds * NANOS_PER_SECOND / 2;
        if (is_new) interface_announce();
    }
    kfree(packet);
}

void dhcp_start(void) {
    transaction = random64();
    ask(DISCOVER);
}

/* What is not answered we ask again, from the beginning. */
u64 dhcp_run(u64 time) {
    if (asking != 0 && time >= next_try) ask(DISCOVER);
    return asking != 0 ? next_try : NEVER;
}

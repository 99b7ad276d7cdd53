/*
 * netfront.c: the front half of a network card. Two rings: on one we lend the backend a packet at a time, to read; on
 * the other, pages for what comes, to write. Packets are lent where they are and taken back when the backend has
 * answered; pages for receiving stay lent, so what comes is copied. Layouts: xen/include/public/io/netif.h.
 */
#include "inet.h"
#include "device.h"

#define SLOTS    256
#define TX_MAX   64 /* packets lent at a time: the bits of a word */
#define RX_MAX   32 /* pages */
#define VOUCHED  3  /* bits of a response's flags: its checksums are right, or left out */

struct netif_tx_request { u32 gref; u16 offset, flags, id, size; };
struct netif_rx_request { u16 id, pad; u32 gref; };
struct netif_rx_response { u16 id, offset, flags; short status; /* bytes, or an error */ };
struct netif_tx_ring {
    struct ring_indices indices;
    union { struct netif_tx_request request; struct { u16 id; short status; } response; } slot[SLOTS];
};
struct netif_rx_ring {
    struct ring_indices indices;
    union { struct netif_rx_request request; struct netif_rx_response response; } slot[SLOTS];
};

static struct xenbus_device device;
static struct netif_tx_ring *tx;
static struct netif_rx_ring *rx;
static u32 tx_prod, tx_cons, rx_prod, rx_cons;
static int connected;
static u64 tx_free = ~0ul; /* a bit for each of these */
static struct { struct packet *packet; u32 reference; } sending[TX_MAX];
static struct { u8 *page; u32 reference; } receiving[RX_MAX];

/* Takes back what the backend has read. Nobody waits for this, so we do it when we send. */
static void reclaim(void) {
    while (tx_cons != SHARED(tx->indices.rsp_prod)) {
        compiler_barrier();
        u16 id = SHARED(tx->slot[tx_cons++ % SLOTS].response.id);
        if (id >= TX_MAX || tx_free >> id & 1) continue; /* a backend may be wrong */
        if (!grant_take_back(sending[id].reference)) continue; /* it still holds it: that is lost to us */
        kfree(sending[id].packet);
        tx_free |= 1ul << id;
    }
}

/* Packets that there is no room for are lost; those who care will send them again. */
void card_send(struct packet *packet) {
    if (connected) reclaim();
    long reference = connected && tx_free != 0 ? grant_give(device.backend_domain, packet, 1) : -ENOSPC;
    if (reference < 0) return kfree(packet);
    u32 id = __builtin_ctzl(tx_free);
    tx_free &= ~(1ul << id);
    sending[id].packet = packet;
    sending[id].reference = reference;
    tx->slot[tx_prod++ % SLOTS].request = (struct netif_tx_request){
        .gref = reference, .offset = (u64)packet->start % PAGE_SIZE, .id = id, .size = packet->length};
    ring_push(&tx->indices, tx_prod, device.port);
}

static void offer_page(u32 id) {
    rx->slot[rx_prod++ % SLOTS].request = (struct netif_rx_request){.id = id, .gref = receiving[id].reference};
    ring_push(&rx->indices, rx_prod, device.port);
}

/* A frame between guests may have no TCP or UDP checksum: it never leaves the machine's memory. */
struct packet *card_receive(void) {
    while (connected && ring_has_response(&rx->indices, rx_cons)) {
        struct netif_rx_response response = rx->slot[rx_cons++ % SLOTS].response;
        if (response.id >= RX_MAX) continue;
        int is_frame = response.status > 0 && response.status <= (int)FRAME_MAX
                       && response.offset <= PAGE_SIZE - FRAME_MAX;
        struct packet *packet = is_frame ? packet_new() : 0;
        if (packet != 0) {
            packet_append(packet, receiving[response.id].page + response.offset, response.status);
            packet->checksum_done = (response.flags & VOUCHED) != 0;
        }
        offer_page(response.id);
        if (packet != 0) return packet;
    }
    return 0;
}

/* ---- Connecting -------------------------------------------------------------------------------- */

static void card_event(void *nothing) {
    (void)nothing;
    net_wake();
}

/* Twelve hexadecimal digits, and colons between them. */
static void parse_mac(const char *text, struct mac *mac) {
    for (int i = 0; i < 12; i++) {
        int digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
        mac->byte[i / 2] = mac->byte[i / 2] << 4 | (digit & 15);
        text += i % 2 == 0 || text[1] == '\0' ? 1 : 2;
    }
}

/* Sleeps until the backend is connected; -ENODEV if we have no card. */
long card_connect(void) {
    char mac[18];
    long error = xenbus_open(&device, "vif", 0);
    if (error != 0) return error;
    if (xenstore_read(device.path, "mac", mac, sizeof(mac)) != sizeof(mac) - 1) return -ENODEV;
    parse_mac(mac, &interface.mac);
    tx = xenbus_ring(&device, "tx-ring-ref");
    rx = xenbus_ring(&device, "rx-ring-ref");
    if (tx == 0 || rx == 0) return -ENOMEM;
    for (u32 id = 0; id < RX_MAX; id++) {
        receiving[id].page = page_alloc();
        long reference = receiving[id].page == 0 ? -ENOMEM : grant_give(device.backend_domain, receiving[id].page, 0);
        if (reference < 0) return reference;
        receiving[id].reference = reference;
        offer_page(id);
    }
    xenstore_write(device.path, "request-rx-copy", "1");   /* it copies into our pages */
    xenstore_write(device.path, "feature-rx-notify", "1"); /* we tell it when there are new ones */
    error = xenbus_connect(&device, XENBUS_CONNECTED, card_event);
    connected = error == 0;
    return error;
}

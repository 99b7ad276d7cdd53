/*
 * netfront.c: the front half of a network card. Two rings: on one we lend the backend a packet at a
 * time, to read; on the other, pages for what comes, to write. Packets are lent where they are and
 * taken back when the backend has answered; pages for receiving stay lent, so what comes is copied.
 */
#include "inet.h"
#include "device.h"

#define TX_MAX 64 /* packets lent at a time: the bits of a word */
#define RX_MAX 32 /* pages */

struct card_counters card_counters;

static struct xenbus_device device;
static struct netif_tx_ring *tx;
static struct netif_rx_ring *rx;
static u32 tx_prod, tx_cons, rx_prod, rx_cons, port;
static int connected;

static u64 tx_free = ~0ul; /* a bit for each of these */
static struct { struct packet *packet; u32 reference; } sending[TX_MAX];
static struct { u8 *page; u32 reference; } receiving[RX_MAX];

/* ---- Sending --------------------------------------------------------------------------------- */

/* Takes back what the backend has read. Nobody waits for this, so we do it when we send. */
static void reclaim(void) {
    while (tx_cons != SHARED(tx->indices.rsp_prod)) {
        compiler_barrier();
        u16 id = SHARED(tx->slot[tx_cons++ % NETIF_SLOTS].response.id);
        if (id >= TX_MAX || tx_free >> id & 1) continue; /* a backend may be wrong */
        /* What it claims to have read but still holds is lost to us. */
        if (!grant_take_back(sending[id].reference)) continue;
        packet_free(sending[id].packet);
        tx_free |= 1ul << id;
    }
}

/* Packets that there is no room for are lost; those who care will send them again. */
void card_send(struct packet *packet) {
    if (connected) reclaim();
    long reference = connected && tx_free != 0
                     ? grant_give(device.backend_domain, packet, 1) : -ENOSPC;
    if (reference < 0) {
        card_counters.tx_dropped++;
        packet_free(packet);
        return;
    }
    u32 id = __builtin_ctzl(tx_free);
    tx_free &= ~(1ul << id);
    sending[id].packet = packet;
    sending[id].reference = reference;
    tx->slot[tx_prod++ % NETIF_SLOTS].request = (struct netif_tx_request){
        .gref = reference, .offset = (u64)packet->start % PAGE_SIZE, .id = id,
        .size = packet->length};
    card_counters.tx_packets++;
    card_counters.tx_bytes += packet->length;
    if (ring_push(&tx->indices, tx_prod)) event_notify(port);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void offer_page(u32 id) {
    rx->slot[rx_prod++ % NETIF_SLOTS].request = (struct netif_rx_request){
        .id = id, .gref = receiving[id].reference};
    if (ring_push(&rx->indices, rx_prod)) event_notify(port);
}

/* A frame between guests may have no TCP or UDP checksum: it never leaves the machine's memory. */
static struct packet *take_frame(const struct netif_rx_response *response) {
    struct packet *packet;
    if (response->status <= 0 || response->status > (int)FRAME_MAX
        || response->offset > PAGE_SIZE - FRAME_MAX || (packet = packet_new()) == 0) {
        card_counters.rx_dropped++;
        return 0;
    }
    packet->start = packet->room;
    packet_append(packet, receiving[response->id].page + response->offset, response->status);
    packet->checksum_done = (response->flags & (NETRXF_data_validated | NETRXF_csum_blank)) != 0;
    card_counters.rx_packets++;
    card_counters.rx_bytes += packet->length;
    return packet;
}

struct packet *card_receive(void) {
    while (connected && ring_has_response(&rx->indices, rx_cons)) {
        struct netif_rx_response response = rx->slot[rx_cons++ % NETIF_SLOTS].response;
        if (response.id >= RX_MAX) continue;
        struct packet *packet = take_frame(&response);
        offer_page(response.id);
        if (packet != 0) return packet;
    }
    return 0;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void card_event(void *nothing) {
    (void)nothing;
    net_wake();
}

static long lend_pages(void) {
    for (u32 id = 0; id < RX_MAX; id++) {
        receiving[id].page = page_alloc();
        if (receiving[id].page == 0) return -ENOMEM;
        long reference = grant_give(device.backend_domain, receiving[id].page, 0);
        if (reference < 0) return reference;
        receiving[id].reference = reference;
        offer_page(id);
    }
    return 0;
}

/* Ten hexadecimal digits and colons. */
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
    if (xenbus_open(&device, "device/vif/0") != 0
        || xenstore_read("device/vif/0/mac", mac, sizeof(mac)) != sizeof(mac) - 1) {
        return -ENODEV;
    }
    parse_mac(mac, &interface.mac);
    long error = xenbus_await(&device, XENBUS_INIT_WAIT);
    if (error != 0) return error;
    tx = xenbus_ring(&device, "tx-ring-ref");
    rx = xenbus_ring(&device, "rx-ring-ref");
    long offered = event_alloc(device.backend_domain, card_event, 0);
    if (tx == 0 || rx == 0 || offered < 0) return -ENOMEM;
    port = offered;
    /* Before the backend looks, there is nobody to notify. */
    if ((error = lend_pages()) != 0) return error;
    xenbus_write_number(&device, "event-channel", port);
    xenbus_write_number(&device, "request-rx-copy", 1);   /* it copies into our pages */
    xenbus_write_number(&device, "feature-rx-notify", 1); /* we tell it when there are new ones */
    xenbus_write_number(&device, "state", XENBUS_CONNECTED);
    if ((error = xenbus_await(&device, XENBUS_CONNECTED)) == 0) connected = 1;
    return error;
}

/* netfront.c: the front half of a network card. Two rings: on one we offer the backend pages to read, with
 * what we send; on the other, pages to write, for what comes. All pages are lent once and for ever, so both
 * ways are copied. */
#include "inet.h"
#include "device.h"
#define PAGES   32 /* for each ring */

static struct xenbus_device device;
static struct netif_tx_ring *tx;
static struct netif_rx_ring *rx;
static struct lent { u8 *page; u32 reference; } sending[PAGES], receiving[PAGES];
static u32 tx_prod, tx_cons, rx_prod, rx_cons;
static u32 tx_free = ~0u; /* a bit for each page that the backend has read */
static int connected;

/* Packets that there is no room for are lost; those who care will send them again. */
void card_send(struct packet *packet) {
    while (connected && tx_cons != SHARED(tx->indices.rsp_prod)) {
        compiler_barrier();
        tx_free |= 1u << SHARED(tx->slot[tx_cons++ % NETIF_SLOTS].response.id) % PAGES;
    }
    if (connected && tx_free != 0) {
        u32 id = __builtin_ctz(tx_free);
        tx_free &= ~(1u << id);
        memcpy(sending[id].page, packet->start, packet->length);
        tx->slot[tx_prod++ % NETIF_SLOTS].request = (struct netif_tx_request){
            .gref = sending[id].reference, .id = id, .size = packet->length};
        if (ring_push(&tx->indices, tx_prod)) event_notify(device.port);
    }
    kfree(packet);
}

static void offer_page(u32 id) {
    struct netif_rx_request request = {.id = id, .gref = receiving[id].reference};
    rx->slot[rx_prod++ % NETIF_SLOTS].request = request;
    if (ring_push(&rx->indices, rx_prod)) event_notify(device.port);
}

/* A frame between guests may have no TCP or UDP checksum: it never leaves the machine's memory. */
struct packet *card_receive(void) {
    while (connected && ring_has_response(&rx->indices, rx_cons)) {
        struct netif_rx_response response = rx->slot[rx_cons++ % NETIF_SLOTS].response;
        u32 id = response.id % PAGES; /* a backend may be wrong */
        int is_frame = response.status > 0 && response.status <= (int)FRAME_MAX
                       && response.offset <= PAGE_SIZE - FRAME_MAX;
        struct packet *packet = is_frame ? packet_new() : 0;
        if (packet != 0) {
            packet_append(packet, receiving[id].page + response.offset, response.status);
            packet->checksum_done = (response.flags & NETRXF_VOUCHED) != 0;
        }
        offer_page(id);
        if (packet != 0) return packet;
    }
    return 0;
}

static void card_event(void *nothing) { net_wake(); }

static long lend(struct lent *lent, int readonly) {
    lent->page = page_alloc();
    long reference = lent->page == 0 ? -ENOMEM : grant_give(device.backend_domain, lent->page, readonly);
    lent->reference = reference;
    return MIN(reference, 0);
}

/* Sleeps until the backend is connected; -ENODEV if we have no card. */
long card_connect(void) {
    char mac[18] = ""; /* twelve hexadecimal digits, and colons between them */
    long error = xenbus_open(&device, "vif", 0);
    if (error != 0) return error;
    xenstore_read(device.path, "mac", mac, sizeof(mac));
    for (int i = 0; i < 12; i++) {
        char digit = mac[i / 2 * 3 + i % 2];
        u8 *byte = &interface.mac.byte[i / 2];
        *byte = *byte << 4 | ((digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10) & 15);
    }
    tx = xenbus_ring(&device, "tx-ring-ref");
    rx = xenbus_ring(&device, "rx-ring-ref");
    if (tx == 0 || rx == 0) return -ENOMEM;
    for (u32 id = 0; id < PAGES; id++) {
        if (lend(&sending[id], 1) != 0 || lend(&receiving[id], 0) != 0) return -ENOMEM;
        offer_page(id);
    }
    xenstore_write(device.path, "request-rx-copy", "1");   /* it copies into our pages */
    xenstore_write(device.path, "feature-rx-notify", "1"); /* we tell it when there are new ones */
    error = xenbus_connect(&device, XENBUS_CONNECTED, card_event);
    connected = error == 0;
    return error;
}

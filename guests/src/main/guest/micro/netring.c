/*
 * netring: a network card, driven by hand.
 *
 * Two rings. In one we offer frames to send, in the other empty pages to receive into; the backend
 * takes both and answers in the same slots. We ask the network, by ARP, who has 10.0.2.2: its
 * gateway. public/io/netif.h
 *
 * Run it: vmm boot netring.elf --net nat --trace=grant,event
 */
#include "micro.h"

struct tx_request { u32 gref; u16 offset, flags, id, size; };
struct rx_request { u16 id, pad; u32 gref; };
struct rx_response { u16 id, offset, flags; short status; }; /* status: bytes, or an error */
struct ring_head { u32 req_prod, req_event, rsp_prod, rsp_event; u8 pad[48]; };
struct tx_ring { struct ring_head head; struct tx_request slot[256]; };
struct rx_ring { struct ring_head head; union { struct rx_request req; struct rx_response rsp; } slot[256]; };

#define TX_RING FIRST_FREE_GRANT
#define RX_RING (FIRST_FREE_GRANT + 1)
#define TX_PAGE (FIRST_FREE_GRANT + 2)
#define RX_PAGE (FIRST_FREE_GRANT + 3)

struct arp_frame {
    u8 to[6], from[6], ethertype[2];
    u8 hardware[2], protocol[2], lengths[2], operation[2];
    u8 sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
};

static u8 hex(char c) {
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static void ask_for_gateway(struct arp_frame *frame, const char *mac) {
    *frame = (struct arp_frame){
        .to = {255, 255, 255, 255, 255, 255}, .ethertype = {8, 6},
        .hardware = {0, 1}, .protocol = {8, 0}, .lengths = {6, 4}, .operation = {0, 1},
        .sender_ip = {10, 0, 2, 15}, .target_ip = {10, 0, 2, 2}};
    for (u32 i = 0; i < 6; i++) frame->from[i] = hex(mac[3 * i]) << 4 | hex(mac[3 * i + 1]);
    memcpy(frame->sender_mac, frame->from, 6);
}

void micro_main(void) {
    struct tx_ring *tx = page_alloc();
    struct rx_ring *rx = page_alloc();
    struct arp_frame *question = page_alloc();
    u8 *received = page_alloc();

    device_find("device/vif/0");
    device_switch(0, XENBUS_INIT_WAIT);
    ask_for_gateway(question, store_read("device/vif/0/mac"));
    tx->head.req_event = tx->head.rsp_event = rx->head.req_event = rx->head.rsp_event = 1;
    grants_init();
    grant(TX_RING, 0, tx, 0);
    grant(RX_RING, 0, rx, 0);
    grant(TX_PAGE, 0, question, GTF_readonly);
    grant(RX_PAGE, 0, received, 0);
    u32 port = event_alloc_unbound(0);
    event_listen(port, 0);
    device_write("tx-ring-ref", TX_RING);
    device_write("rx-ring-ref", RX_RING);
    device_write("event-channel", port);
    device_write("request-rx-copy", 1);
    device_write("feature-rx-notify", 1);

    rx->slot[0].req = (struct rx_request){.id = 0, .gref = RX_PAGE};
    rx->head.req_prod = 1;
    device_switch(XENBUS_CONNECTED, XENBUS_CONNECTED);
    tx->slot[0] = (struct tx_request){.gref = TX_PAGE, .id = 1, .size = sizeof(*question)};
    compiler_barrier();
    SHARED(tx->head.req_prod) = 1;
    event_send(port);

    WAIT_UNTIL(SHARED(rx->head.rsp_prod) == 1, "nobody answers");
    struct rx_response answer = rx->slot[0].rsp;
    EXPECT(answer.status >= (short)sizeof(*question), "received %d bytes", answer.status);
    struct arp_frame *reply = (struct arp_frame *)(received + answer.offset);
    EXPECT(reply->ethertype[1] == 6 && reply->operation[1] == 2, "this is no answer to ARP");
    const u8 *mac = reply->sender_mac;
    success("10.0.2.2 is at %x:%x:%x:%x:%x:%x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/*
 * blkring: a disk, driven by hand.
 *
 * A disk is a page of memory and an event channel. We grant the page to the backend, say in xenstore
 * where both are, and put requests into the ring: "write this granted page to sector 7". The
 * answers come back in the same slots. public/io/blkif.h, public/io/ring.h
 *
 * Run it: vmm boot blkring.elf -d disk.img --net none --trace=grant,event
 */
#include "micro.h"

struct blkif_segment { u32 gref; u8 first_sector, last_sector; };
struct blkif_request {
    u8 operation, nr_segments;
    u16 handle;
    u64 id, sector_number;
    struct blkif_segment seg[11];
};
struct blkif_response { u64 id; u8 operation; short status; };
struct blkif_ring {
    u32 req_prod, req_event, rsp_prod, rsp_event;
    u8 pad[48];
    union { struct blkif_request req; struct blkif_response rsp; } slot[32];
};
_Static_assert(sizeof(struct blkif_request) == 112, "see blkif.h");

#define BLKIF_OP_READ  0
#define BLKIF_OP_WRITE 1
#define RING_REF       FIRST_FREE_GRANT
#define DATA_REF       (FIRST_FREE_GRANT + 1)
#define SECTOR         7
#define SECTOR_WORDS   64

static struct blkif_ring *ring;
static u32 port;

/* One request with one segment: a sector. Returns the status of its answer, 0 being good. */
static int transfer(u8 operation, void *page) {
    u32 index = ring->req_prod;
    grant(DATA_REF, 0, page, operation == BLKIF_OP_WRITE ? GTF_readonly : 0);
    ring->slot[index % 32].req = (struct blkif_request){
        .operation = operation, .nr_segments = 1, .id = index, .sector_number = SECTOR,
        .seg[0] = {.gref = DATA_REF, .first_sector = 0, .last_sector = 0}};
    ring->rsp_event = index + 1; /* wake us at the answer to this one */
    compiler_barrier();
    SHARED(ring->req_prod) = index + 1;
    event_send(port);
    WAIT_UNTIL(SHARED(ring->rsp_prod) == index + 1, "request %u is not answered", index);
    struct blkif_response answer = ring->slot[index % 32].rsp;
    EXPECT(answer.id == index, "request %u got the answer to %lu", index, answer.id);
    EXPECT(grant_end(DATA_REF), "the backend answered and still has our page");
    return answer.status;
}

void micro_main(void) {
    u64 *written = page_alloc(), *read = page_alloc();

    device_find("device/vbd/51712"); /* xvda */
    device_switch(0, XENBUS_INIT_WAIT);
    ring = page_alloc();
    ring->req_event = ring->rsp_event = 1;
    grants_init();
    grant(RING_REF, 0, ring, 0);
    port = event_alloc_unbound(0);
    event_listen(port, 0);
    device_write("ring-ref", RING_REF);
    device_write("event-channel", port);
    device_switch(XENBUS_INITIALISED, XENBUS_CONNECTED);
    device_write("state", XENBUS_CONNECTED);

    u64 sectors = device_backend_read("sectors", 0);
    EXPECT(sectors > SECTOR, "the disk has %lu sectors", sectors);
    for (u32 i = 0; i < SECTOR_WORDS; i++) written[i] = 0x6b7365640000 + i;
    EXPECT(transfer(BLKIF_OP_WRITE, written) == 0, "sector %d cannot be written", SECTOR);
    EXPECT(transfer(BLKIF_OP_READ, read) == 0, "sector %d cannot be read", SECTOR);
    for (u32 i = 0; i < SECTOR_WORDS; i++) {
        EXPECT(read[i] == written[i], "word %u came back as %lx", i, read[i]);
    }
    EXPECT(transfer(9, read) != 0, "an operation that does not exist succeeded");
    success("sector %d of %lu was written and read through a ring", SECTOR, sectors);
}

/*
 * io.h: what the two halves of a split driver share, as Xen's public headers have it: io/xenbus.h, io/ring.h,
 * io/netif.h and io/blkif.h. The numbers' types are those of xen.h.
 */
#ifndef IO_H
#define IO_H

/* Each side has a node in the store, and writes there how far it has come. */
enum xenbus_state { XENBUS_INIT_WAIT = 2, XENBUS_INITIALISED, XENBUS_CONNECTED };

/* Requests go one way and responses the other, and a response takes the place of a request. Indices run
 * freely and wrap at 2^32; their low bits choose the slot. */
struct ring_indices {
    u32 req_prod, req_event; /* the front half's; the backend wants an event when req_prod passes req_event */
    u32 rsp_prod, rsp_event; /* the backend's; likewise for the front half */
    u8 pad[48];
};

/* Shows the backend the requests before `prod`. Returns whether it wants an event for it. */
static inline int ring_push(struct ring_indices *ring, u32 prod) {
    u32 before = ring->req_prod;
    compiler_barrier(); /* requests first */
    SHARED(ring->req_prod) = prod;
    full_barrier(); /* it sets req_event, then looks at req_prod; we the other way round */
    return prod - SHARED(ring->req_event) < prod - before;
}

/* Whether there are responses from `cons` on. If not, an event will tell of the next. */
static inline int ring_has_response(struct ring_indices *ring, u32 cons) {
    SHARED(ring->rsp_event) = cons + 1;
    full_barrier();
    return SHARED(ring->rsp_prod) != cons;
}

#define NETIF_SLOTS    256
#define NETRXF_VOUCHED 3 /* bits of a response's flags: its checksums are right, or left out */
struct netif_tx_request { u32 gref; u16 offset, flags, id, size; };
struct netif_rx_request { u16 id, pad; u32 gref; };
struct netif_rx_response { u16 id, offset, flags; short status; /* bytes, or an error */ };
struct netif_tx_ring {
    struct ring_indices indices;
    union { struct netif_tx_request request; struct { u16 id; short status; } response; } slot[NETIF_SLOTS];
};
struct netif_rx_ring {
    struct ring_indices indices;
    union { struct netif_rx_request request; struct netif_rx_response response; } slot[NETIF_SLOTS];
};

#define BLKIF_SLOTS 32
enum { BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_FLUSH = 3 };
#define VDISK_READONLY 4 /* a bit of the backend's "info" */
struct blkif_request {
    u8 operation, segments;
    u16 handle;
    u64 id, sector;
    struct { u32 gref; u8 first_sector, last_sector; } segment[11];
};
struct blkif_response { u64 id; u8 operation; short status; };
struct blkif_ring {
    struct ring_indices indices;
    union { struct blkif_request request; struct blkif_response response; } slot[BLKIF_SLOTS];
};

#endif

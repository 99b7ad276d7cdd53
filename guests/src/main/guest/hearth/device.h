/*
 * device.h: split drivers. Ours is the front half; the back half is in another domain, and between
 * them are a page of memory that both see, an event channel, and xenstore to agree on those two.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "kernel.h"

/* ---- xenbus.c: agreeing ---------------------------------------------------------------------- */

/* Each side has a node in the store, and writes there how far it has come. */
enum xenbus_state {
    XENBUS_UNKNOWN, XENBUS_INITIALISING, XENBUS_INIT_WAIT, XENBUS_INITIALISED, XENBUS_CONNECTED,
    XENBUS_CLOSING, XENBUS_CLOSED,
};

struct xenbus_device {
    char path[64];     /* our node, as "device/vif/0" */
    char backend[96];  /* the other side's */
    char watched[104]; /* its state */
    u16 backend_domain;
    u32 backend_state;
    struct xenstore_watch watch;
};

long xenbus_open(struct xenbus_device *device, const char *path);
long xenbus_await(struct xenbus_device *device, enum xenbus_state state);
u64 xenbus_offer(struct xenbus_device *device, const char *key); /* the backend's; 0: none */
void xenbus_write(struct xenbus_device *device, const char *key, const char *value);
void xenbus_write_number(struct xenbus_device *device, const char *key, u64 number);
/* Lends the backend a zeroed page for a ring and tells it which under the key; null: cannot. */
void *xenbus_ring(struct xenbus_device *device, const char *key);

/* ---- Rings --------------------------------------------------------------------------------------
 * Requests go one way and responses the other, and a response takes the place of a request. Indices
 * run freely and wrap at 2^32; their low bits choose the slot. */

struct ring_indices {
    u32 req_prod, req_event; /* ours; the backend wants an event when req_prod passes req_event */
    u32 rsp_prod, rsp_event; /* the backend's; likewise for us */
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
    if (SHARED(ring->rsp_prod) == cons) {
        SHARED(ring->rsp_event) = cons + 1;
        full_barrier();
        if (SHARED(ring->rsp_prod) == cons) return 0;
    }
    compiler_barrier(); /* the index first, then what it points at */
    return 1;
}

/* ---- Network: xen/include/public/io/netif.h -------------------------------------------------- */

struct netif_tx_request { u32 gref; u16 offset, flags, id, size; };
struct netif_tx_response { u16 id; short status; };
struct netif_rx_request { u16 id, pad; u32 gref; };
struct netif_rx_response { u16 id, offset, flags; short status; /* bytes, or an error */ };
#define NETRXF_data_validated 1
#define NETRXF_csum_blank     2

#define NETIF_SLOTS 256
struct netif_tx_ring {
    struct ring_indices indices;
    union { struct netif_tx_request request; struct netif_tx_response response; } slot[NETIF_SLOTS];
};
struct netif_rx_ring {
    struct ring_indices indices;
    union { struct netif_rx_request request; struct netif_rx_response response; } slot[NETIF_SLOTS];
};

/* ---- Disks: xen/include/public/io/blkif.h ---------------------------------------------------- */

struct blkif_request {
    u8 operation, nr_segments;
    u16 handle;
    u64 id, sector_number;
    struct { u32 gref; u8 first_sect, last_sect; } seg[11];
};
struct blkif_response { u64 id; u8 operation; short status; };
#define BLKIF_OP_READ        0
#define BLKIF_OP_WRITE       1
#define BLKIF_OP_FLUSH       3
#define VDISK_READONLY       4

#define BLKIF_SLOTS 32
struct blkif_ring {
    struct ring_indices indices;
    union { struct blkif_request request; struct blkif_response response; } slot[BLKIF_SLOTS];
};

#endif

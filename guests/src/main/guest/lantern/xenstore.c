/*
 * xenstore.c: asking the store, the small tree of names and values in which Xen's tools describe
 * every domain and its devices. A request and its answer travel over a ring like the console's.
 */
#include "kernel.h"

static struct xenstore_ring *ring;
static u32 port;

void xenstore_init(void) {
    if (start_info->store_mfn == 0 || start_info->store_evtchn == 0) return;
    ring = mfn_to_virt(start_info->store_mfn);
    port = start_info->store_evtchn;
    event_attach(port, "xenstore", 0);
}

static void send(const void *data, u64 length) {
    const char *bytes = data;
    while (length-- > 0) {
        u32 prod = ring->req_prod;
        WAIT_UNTIL(prod - SHARED(ring->req_cons) < sizeof(ring->req));
        ring->req[prod % sizeof(ring->req)] = *bytes++;
        compiler_barrier();
        SHARED(ring->req_prod) = prod + 1;
    }
    event_notify(port);
}

/* Answers may be longer than the ring, so room is given back while more is awaited. */
static void receive(void *data, u64 length) {
    char *bytes = data;
    while (length > 0) {
        u32 cons = ring->rsp_cons;
        WAIT_UNTIL(SHARED(ring->rsp_prod) != cons);
        compiler_barrier();
        u32 available = SHARED(ring->rsp_prod) - cons;
        for (; available > 0 && length > 0; available--, length--, cons++) {
            *bytes++ = ring->rsp[cons % sizeof(ring->rsp)];
        }
        compiler_barrier();
        SHARED(ring->rsp_cons) = cons;
        event_notify(port);
    }
}

/*
 * One question about one path. The answer (at most XENSTORE_PAYLOAD_MAX bytes) is stored with a 0
 * behind it. Returns its length, or -1 when it is the name of an error.
 */
int xenstore_ask(u32 type, const char *path, char *answer) {
    struct xsd_sockmsg message = {.type = type, .len = strlen(path) + 1};
    if (ring == 0) {
        memcpy(answer, "no store", 9);
        return -1;
    }
    send(&message, sizeof(message));
    send(path, message.len);
    receive(&message, sizeof(message));
    if (message.len > XENSTORE_PAYLOAD_MAX) {
        print("lantern: xenstore answered with %u bytes; the protocol allows %d\n",
              message.len, XENSTORE_PAYLOAD_MAX);
        shutdown(SHUTDOWN_crash);
    }
    receive(answer, message.len);
    answer[message.len] = '\0';
    return message.type == XS_ERROR ? -1 : (int)message.len;
}

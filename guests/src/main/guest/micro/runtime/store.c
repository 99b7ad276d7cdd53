/*
 * store.c: reading and writing xenstore, the tree of names in which domains and the host describe
 * devices to each other. Questions and answers travel over a ring of bytes.
 */
#include "micro.h"

static struct xenstore_ring *ring;
static char answer[STORE_PAYLOAD_MAX + 1];

void store_init(void) {
    ring = virt_of(start_info->store_mfn);
    event_listen(start_info->store_evtchn, 0);
}

static void send(const void *data, u64 length) {
    const char *bytes = data;
    while (length-- > 0) {
        u32 prod = ring->req_prod;
        WAIT_UNTIL(prod - SHARED(ring->req_cons) < sizeof(ring->req), "xenstore reads nothing");
        ring->req[prod % sizeof(ring->req)] = *bytes++;
        compiler_barrier();
        SHARED(ring->req_prod) = prod + 1;
    }
    event_send(start_info->store_evtchn);
}

static void receive(void *data, u64 length) {
    char *bytes = data;
    while (length-- > 0) {
        u32 cons = ring->rsp_cons;
        WAIT_UNTIL(SHARED(ring->rsp_prod) != cons, "xenstore does not answer");
        compiler_barrier();
        *bytes++ = ring->rsp[cons % sizeof(ring->rsp)];
        compiler_barrier();
        SHARED(ring->rsp_cons) = cons + 1;
        if (cons % 512 == 0) event_send(start_info->store_evtchn); /* there is room again */
    }
}

/* The type of the answer; the answer itself stands in the variable, with a 0 behind it. */
static u32 ask(u32 type, const char *first, u64 first_length, const char *then, u64 then_length) {
    struct xsd_sockmsg message = {.type = type, .len = first_length + then_length};
    send(&message, sizeof(message));
    send(first, first_length);
    send(then, then_length);
    receive(&message, sizeof(message));
    NEED(message.len <= STORE_PAYLOAD_MAX, "xenstore answers with %u bytes", message.len);
    receive(answer, message.len);
    answer[message.len] = '\0';
    return message.type;
}

const char *store_read(const char *path) {
    return ask(XS_READ, path, strlen(path) + 1, 0, 0) == XS_ERROR ? 0 : answer;
}

u64 store_read_number(const char *path, u64 otherwise) {
    const char *value = store_read(path);
    return value == 0 ? otherwise : parse_number(value, otherwise);
}

void store_write(const char *path, const char *value) {
    u32 type = ask(XS_WRITE, path, strlen(path) + 1, value, strlen(value));
    NEED(type != XS_ERROR, "xenstore refuses to write %s: %s", path, answer);
}

void store_write_number(const char *path, u64 value) {
    char digits[21];
    u32 at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = '0' + value % 10;
        value /= 10;
    } while (value != 0);
    store_write(path, digits + at);
}

u16 own_domid(void) {
    return store_read_number("domid", DOMID_SELF);
}

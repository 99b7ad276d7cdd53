/* xenstore.c: asking the store, the small tree of names and values in which Xen's tools describe every domain
 * and its devices. A request and its answer travel over a ring like the console's, and between answers come
 * news of nodes that we watch. Who asks waits for the answer without sleeping. */
#include "device.h"
#define PATH_ROOM   256
#define PAYLOAD_MAX 4096

static struct xenstore_ring *ring;
static u32 port;
static int news;
static struct xsd_sockmsg message; /* the last that came */
static char payload[PAYLOAD_MAX + 1];

static void send(const void *data, u64 length) {
    for (const char *bytes = data; length > 0; length--) {
        u32 prod = ring->req_prod;
        if (prod - SHARED(ring->req_cons) == sizeof(ring->req)) event_notify(port);
        while (prod - SHARED(ring->req_cons) == sizeof(ring->req)) HYPERCALL(sched_op, SCHEDOP_yield, 0);
        ring->req[prod % sizeof(ring->req)] = *bytes++;
        compiler_barrier(); /* the byte first */
        SHARED(ring->req_prod) = prod + 1;
    }
}

/* Messages may be longer than the ring, so the store hears of room while more is awaited. */
static void receive(void *data, u64 length) {
    for (char *bytes = data; length > 0; length--) {
        u32 cons = ring->rsp_cons;
        if (SHARED(ring->rsp_prod) == cons) event_notify(port);
        while (SHARED(ring->rsp_prod) == cons) HYPERCALL(sched_op, SCHEDOP_yield, 0);
        compiler_barrier();
        *bytes++ = ring->rsp[cons % sizeof(ring->rsp)];
        compiler_barrier();
        SHARED(ring->rsp_cons) = cons + 1;
    }
}

static void receive_message(void) {
    receive(&message, sizeof(message));
    if (message.len > PAYLOAD_MAX) panic("xenstore answers %u bytes", message.len);
    receive(payload, message.len);
    payload[message.len] = '\0';
    if (message.type == XS_WATCH_EVENT) news = 1;
}

/* `vmm shutdown` has no wire to our processor: it writes "poweroff" into a node that we watch. */
static void obey_shutdown(void) {
    char wish[32];
    if (xenstore_read("control", "shutdown", wish, sizeof(wish)) <= 0 || wish[0] == '\0') return;
    xenstore_write("control", "shutdown", ""); /* understood */
    printk("\nhearth: the host wants: %s\n", wish);
    if (streq(wish, "poweroff") || streq(wish, "halt")) power_off(SHUTDOWN_poweroff);
    if (streq(wish, "reboot")) power_off(SHUTDOWN_reboot);
}

/* Takes what has come unasked, which can only be news: whoever watches a node looks at it again. */
static void store_event(void *nothing) {
    while (SHARED(ring->rsp_prod) != ring->rsp_cons) receive_message();
    for (; news; balloon_adjust(), obey_shutdown()) news = 0;
}

/* At most room - 1 bytes of the answer are kept, and a 0 behind them. Its length, or -errno. */
static long ask(u32 type, const char *directory, const char *key, const char *value, u64 length,
                char *to, u64 room) {
    char path[PATH_ROOM];
    if (ring == 0) return -ENODEV;
    print_to(path, sizeof(path), "%s/%s", directory, key);
    send(&(struct xsd_sockmsg){.type = type, .len = strlen(path) + 1 + length}, sizeof(message));
    send(path, strlen(path) + 1);
    send(value, length);
    event_notify(port);
    do receive_message(); while (message.type == XS_WATCH_EVENT); /* for which the event will call us */
    if (message.type == XS_ERROR) return -ENOENT;
    if (room > 0) copy_string(to, payload, room);
    return message.len;
}

long xenstore_read(const char *directory, const char *key, char *value, u64 room) {
    return ask(XS_READ, directory, key, "", 0, value, room);
}

u64 xenstore_number(const char *directory, const char *key, u64 otherwise) {
    char value[24];
    if (xenstore_read(directory, key, value, sizeof(value)) < 0) return otherwise;
    return parse_number(value, otherwise);
}

void xenstore_write(const char *directory, const char *key, const char *value) {
    ask(XS_WRITE, directory, key, value, strlen(value), 0, 0);
}

void xenstore_write_number(const char *directory, const char *key, u64 number) {
    char value[24];
    print_to(value, sizeof(value), "%lu", number);
    xenstore_write(directory, key, value);
}

void xenstore_watch(const char *directory, const char *key) { ask(XS_WATCH, directory, key, "", 1, 0, 0); }

void xenstore_init(void) {
    if (start_info->store_mfn == 0 || start_info->store_evtchn == 0) return;
    ring = mfn_to_virt(start_info->store_mfn);
    port = start_info->store_evtchn;
    event_attach(port, store_event, 0);
    xenstore_write("control", "feature-poweroff", "1");
    xenstore_write("control", "feature-reboot", "1");
    xenstore_watch("control", "shutdown");
}

/*
 * xenstore.c: asking the store, the small tree of names and values in which Xen's tools describe
 * every domain and its devices. A request and its answer travel over a ring like the console's.
 *
 * Two threads: one reads what comes from the ring and hands answers to whoever asked; the other
 * calls those who watch a node. So that these may ask again, it must not be the one that reads.
 */
#include "kernel.h"

static struct xenstore_ring *ring;
static u32 port;
static struct mutex asking; /* one question at a time */
static struct { int ready; u32 type; u64 length; char *bytes; } answer;

static struct xenstore_watch *watches;
static struct news { struct news *next; char path[XENSTORE_PATH_MAX], token[XENSTORE_PATH_MAX]; }
        *first_news;

/* ---- The ring ---------------------------------------------------------------------------------- */

static void store_event(void *nothing) {
    (void)nothing;
    wakeup(&ring);
}

static void send(const void *data, u64 length) {
    const char *bytes = data;
    for (; length > 0; length--) {
        u32 prod = ring->req_prod;
        while (prod - SHARED(ring->req_cons) >= sizeof(ring->req)) {
            event_notify(port);
            sleep(&ring);
        }
        ring->req[prod % sizeof(ring->req)] = *bytes++;
        compiler_barrier();
        SHARED(ring->req_prod) = prod + 1;
    }
}

/* Answers may be longer than the ring, so room is given back while more is awaited. */
static void receive(void *data, u64 length) {
    char *bytes = data;
    while (length > 0) {
        u32 cons = ring->rsp_cons;
        while (SHARED(ring->rsp_prod) == cons) sleep(&ring);
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

/* ---- News ---------------------------------------------------------------------------------------- */

static void take_news(const char *payload, u64 length) {
    struct news *news = kmalloc(sizeof(*news)), **at = &first_news;
    const char *token = payload + strlen(payload) + 1;
    if (news == 0 || token >= payload + length) return;
    copy_string(news->path, payload, XENSTORE_PATH_MAX);
    copy_string(news->token, token, XENSTORE_PATH_MAX);
    while (*at != 0) at = &(*at)->next;
    *at = news;
    wakeup(&first_news);
}

static void reader(void *nothing) {
    static char payload[XENSTORE_PAYLOAD_MAX + 1];
    (void)nothing;
    for (;;) {
        struct xsd_sockmsg message;
        receive(&message, sizeof(message));
        if (message.len > XENSTORE_PAYLOAD_MAX) panic("xenstore answers %u bytes", message.len);
        receive(payload, message.len);
        payload[message.len] = '\0';
        if (message.type == XS_WATCH_EVENT) {
            take_news(payload, message.len);
            continue;
        }
        answer.type = message.type;
        answer.length = message.len;
        answer.bytes = payload;
        answer.ready = 1;
        wakeup(&answer);
        while (answer.ready) sleep(&answer); /* the payload is the asker's until it has read it */
    }
}

static void watcher(void *nothing) {
    (void)nothing;
    for (;;) {
        while (first_news == 0) sleep(&first_news);
        struct news *news = first_news;
        first_news = news->next;
        for (struct xenstore_watch *watch = watches; watch != 0; watch = watch->next) {
            if (streq(watch->path, news->token)) watch->changed(watch, news->path);
        }
        kfree(news);
    }
}

/* ---- Questions ------------------------------------------------------------------------------------ */

/*
 * One question of one or two parts, each with the 0 behind it if it is to be sent. At most room - 1
 * bytes of the answer are kept, and a 0 behind them. Returns the answer's length or -errno.
 */
static long ask(u32 type, const char *one, u64 one_length, const char *two, u64 two_length,
                char *to, u64 room) {
    struct xsd_sockmsg message = {.type = type, .len = one_length + two_length};
    if (ring == 0) return -ENODEV;
    mutex_lock(&asking);
    send(&message, sizeof(message));
    send(one, one_length);
    send(two, two_length);
    event_notify(port);
    while (!answer.ready) sleep(&answer);
    long result = answer.length;
    if (answer.type == XS_ERROR) {
        result = streq(answer.bytes, "ENOENT") ? -ENOENT : streq(answer.bytes, "EACCES") ? -EACCES
                 : -EIO;
    } else if (room > 0) {
        u64 kept = MIN(answer.length, room - 1);
        memcpy(to, answer.bytes, kept);
        to[kept] = '\0';
    }
    answer.ready = 0;
    wakeup(&answer);
    mutex_unlock(&asking);
    return result;
}

long xenstore_read(const char *path, char *value, u64 room) {
    return ask(XS_READ, path, strlen(path) + 1, "", 0, value, room);
}

long xenstore_read_number(const char *path, u64 otherwise) {
    char value[24];
    return xenstore_read(path, value, sizeof(value)) < 0 ? otherwise
           : parse_number(value, otherwise);
}

long xenstore_directory(const char *path, char *names, u64 room) {
    return ask(XS_DIRECTORY, path, strlen(path) + 1, "", 0, names, room);
}

long xenstore_write(const char *path, const char *value) {
    return ask(XS_WRITE, path, strlen(path) + 1, value, strlen(value), 0, 0);
}

long xenstore_write_number(const char *path, u64 number) {
    char value[24];
    struct text text = {.bytes = value, .room = sizeof(value) - 1};
    text_add(&text, "%lu", number);
    value[text.length] = '\0';
    return xenstore_write(path, value);
}

/* The token, by which news says which watch it is for, is the path as we wrote it. */
long xenstore_watch(struct xenstore_watch *watch) {
    watch->next = watches;
    watches = watch;
    return ask(XS_WATCH, watch->path, strlen(watch->path) + 1, watch->path,
               strlen(watch->path) + 1, 0, 0);
}

/* ---- What the host wants ---------------------------------------------------------------------------- */

/*
 * `xl shutdown` has no wire to our processor: it writes "poweroff" into a node of the store that we
 * are expected to watch.
 */
static void shutdown_wanted(struct xenstore_watch *watch, const char *changed) {
    char wish[32];
    (void)changed;
    if (xenstore_read(watch->path, wish, sizeof(wish)) <= 0) return;
    xenstore_write(watch->path, ""); /* understood */
    printk("\nhearth: the host wants: %s\n", wish);
    if (streq(wish, "poweroff") || streq(wish, "halt")) power_off(SHUTDOWN_poweroff);
    if (streq(wish, "reboot")) power_off(SHUTDOWN_reboot);
}

void xenstore_init(void) {
    static struct xenstore_watch wishes = {.path = "control/shutdown", .changed = shutdown_wanted};
    if (start_info->store_mfn == 0 || start_info->store_evtchn == 0) return;
    ring = mfn_to_virt(start_info->store_mfn);
    port = start_info->store_evtchn;
    event_attach(port, store_event, 0);
    kthread("xenstore", reader, 0);
    kthread("xenwatch", watcher, 0);
    xenstore_write("control/feature-poweroff", "1");
    xenstore_write("control/feature-reboot", "1");
    xenstore_watch(&wishes);
}

/*
 * xenstore.c: asking the store, the small tree of names and values in which Xen's tools describe
 * every domain and its devices. A request and its answer travel over a ring like the console's.
 */
#include "kernel.h"

static struct xenstore_ring *ring;
static u32 port;
static int news; /* a watch fired and nobody has looked yet */

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

static void receive_header(struct xsd_sockmsg *message) {
    receive(message, sizeof(*message));
    if (message->len > XENSTORE_PAYLOAD_MAX) {
        print("lantern: xenstore answered with %u bytes; the protocol allows %d\n",
              message->len, XENSTORE_PAYLOAD_MAX);
        shutdown(SHUTDOWN_crash);
    }
}

/* News comes whenever it likes, also between a question and its answer. What it says (path and
 * token) is forgotten, since we watch only one node. */
static void receive_news(u32 length) {
    char byte;
    while (length-- > 0) receive(&byte, 1);
    news = 1;
}

/*
 * One question. The answer (at most XENSTORE_PAYLOAD_MAX bytes) is stored with a 0 behind it.
 * Returns its length, or -1 when it is the name of an error.
 */
static int ask(u32 type, const char *question, u64 length, char *answer) {
    struct xsd_sockmsg message = {.type = type, .len = length};
    if (ring == 0) {
        memcpy(answer, "no store", 9);
        return -1;
    }
    send(&message, sizeof(message));
    send(question, length);
    receive_header(&message);
    while (message.type == XS_WATCH_EVENT) {
        receive_news(message.len);
        receive_header(&message);
    }
    receive(answer, message.len);
    answer[message.len] = '\0';
    return message.type == XS_ERROR ? -1 : (int)message.len;
}

/* A question about one path. */
int xenstore_ask(u32 type, const char *path, char *answer) {
    return ask(type, path, strlen(path) + 1, answer);
}

/* ---- What the host wants --------------------------------------------------------------------- */

/*
 * `xl shutdown` has no wire to our processor: it writes "poweroff" into a node of the store that we
 * are expected to watch. A watch fires once when it is set, and whenever the node changes.
 */
void xenstore_obey_shutdown(void) {
    static const char path_and_token[] = "control/shutdown\0shutdown";
    static char answer[XENSTORE_PAYLOAD_MAX + 1];
    if (ask(XS_WATCH, path_and_token, sizeof(path_and_token), answer) < 0) {
        print("lantern: no watch on control/shutdown: %s\n", answer);
    }
}

/* Whether there is something for xenstore_take_news; may be asked with events off. */
int xenstore_has_news(void) {
    return ring != 0 && (news || SHARED(ring->rsp_prod) != ring->rsp_cons);
}

/* Looks what the host wants, if it wants something, and does it. To be called with events on. */
void xenstore_take_news(void) {
    static char wish[XENSTORE_PAYLOAD_MAX + 1];
    while (xenstore_has_news()) {
        if (!news) { /* nothing was asked, so this is no answer */
            struct xsd_sockmsg message;
            receive_header(&message);
            receive_news(message.len);
        }
        news = 0;
        if (xenstore_ask(XS_READ, "control/shutdown", wish) < 0) continue;
        if (streq(wish, "poweroff") || streq(wish, "halt")) {
            print("lantern: the host wants us to power off\n");
            shutdown(SHUTDOWN_poweroff);
        }
        if (streq(wish, "reboot")) {
            print("lantern: the host wants us to reboot\n");
            shutdown(SHUTDOWN_reboot);
        }
    }
}

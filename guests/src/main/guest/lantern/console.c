/*
 * console.c: printing and reading.
 *
 * The console is a page shared with a backend in dom0: two rings of bytes. We write to `out` and
 * move out_prod; the backend reads and moves out_cons; each tells the other by an event. There is
 * no device, no register, no interrupt line.
 *
 * Before the ring is there, and when a crash report fails, the hypercall console_io takes text
 * directly. A domU of a release build of Xen may not use it, and then that text is lost.
 */
#include "kernel.h"
#include "format.h"

#define CARRIAGE_RETURN '\r'

static struct console_ring *ring; /* null: use console_io */
static u32 port;

void console_init(void) {
    if (start_info->flags & SIF_INITDOMAIN) return;
    if (start_info->console_mfn == 0 || start_info->console_evtchn == 0) return;
    ring = mfn_to_virt(start_info->console_mfn);
    port = start_info->console_evtchn;
    event_attach(port, "console", 0);
}

/* From now on trust nothing but the hypercall. */
void console_crashed(void) {
    ring = 0;
}

/* ---- Output -------------------------------------------------------------------------------- */

/* The ring is full. Whether events are masked or not, sleep until the backend has made room. */
static void wait_for_room(void) {
    u8 mask = SHARED(shared_info.vcpu_info[0].evtchn_upcall_mask);
    events_off();
    event_notify(port);
    while (ring->out_prod - SHARED(ring->out_cons) >= sizeof(ring->out)) event_poll(port);
    if (!mask) events_on();
}

static void ring_put(char c) {
    u32 prod = ring->out_prod; /* only we write it */
    /* The difference is right even after the indices have wrapped. */
    if (prod - SHARED(ring->out_cons) >= sizeof(ring->out)) wait_for_room();
    ring->out[prod % sizeof(ring->out)] = c;
    compiler_barrier(); /* the byte first, then the index that publishes it */
    SHARED(ring->out_prod) = prod + 1;
}

static char early_line[128];
static u32 early_length;

static void early_flush(void) {
    if (early_length != 0) {
        hypercall(HYPERCALL_console_io, CONSOLEIO_write, early_length, (u64)early_line, 0);
    }
    early_length = 0;
}

static void put(void *nothing, char c) {
    (void)nothing;
    if (ring != 0) {
        if (c == '\n') ring_put(CARRIAGE_RETURN); /* the far end is a terminal */
        ring_put(c);
    } else {
        early_line[early_length++] = c;
        if (early_length == sizeof(early_line)) early_flush();
    }
}

static void flush(void) {
    if (ring != 0) {
        event_notify(port);
    } else {
        early_flush();
    }
}

/* Understands what format.h says. */
void print(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    format_list(put, 0, format, arguments);
    __builtin_va_end(arguments);
    flush();
}

/* ---- Input --------------------------------------------------------------------------------- */

int console_has_input(void) {
    return ring != 0 && SHARED(ring->in_prod) != ring->in_cons;
}

/* Sleeps until there is a byte, and answers meanwhile when the host wants something. */
int console_read(void) {
    if (ring == 0) return END_OF_INPUT;
    u32 cons = ring->in_cons; /* only we write it */
    while (!console_has_input()) {
        xenstore_take_news();
        WAIT_UNTIL(console_has_input() || xenstore_has_news());
    }
    compiler_barrier(); /* the byte only after the index that published it */
    char c = ring->in[cons % sizeof(ring->in)];
    compiler_barrier(); /* and the room given back only after the byte */
    SHARED(ring->in_cons) = cons + 1;
    event_notify(port);
    return (u8)c;
}

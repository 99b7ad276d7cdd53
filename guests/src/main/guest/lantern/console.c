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

static void put(char c) {
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

static void put_padded(const char *text, u32 length, u32 width, int left, char padding) {
    u32 missing = width > length ? width - length : 0;
    if (!left) while (missing > 0) put(padding), missing--;
    while (length-- > 0) put(*text++);
    while (missing > 0) put(' '), missing--;
}

/* Understands %c %s %d %u %x, with l, a width, and the flags - and 0. */
void print(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        int left = 0, is_long = 0;
        char padding = ' ', digits[20];
        u32 width = 0, length = 0;
        format++;
        if (*format == '-') left = 1, format++;
        if (*format == '0') padding = '0', format++;
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
        if (*format == 'l') is_long = 1, format++;
        if (*format == 's') {
            const char *text = __builtin_va_arg(arguments, const char *);
            put_padded(text, strlen(text), width, left, ' ');
        } else if (*format == 'c') {
            char c = (char)__builtin_va_arg(arguments, int);
            put_padded(&c, 1, width, left, ' ');
        } else if (*format == 'd' || *format == 'u' || *format == 'x') {
            u64 value = is_long ? __builtin_va_arg(arguments, u64)
                                : __builtin_va_arg(arguments, u32);
            u32 base = *format == 'x' ? 16 : 10;
            if (*format == 'd') {
                long number = is_long ? (long)value : (int)value;
                if (number < 0) put('-');
                value = number < 0 ? -(u64)number : (u64)number;
            }
            do {
                digits[sizeof(digits) - ++length] = "0123456789abcdef"[value % base];
                value /= base;
            } while (value != 0);
            put_padded(digits + sizeof(digits) - length, length, width, left, padding);
        } else {
            put(*format); /* %% and everything unknown */
        }
    }
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

/*
 * console.c: the ring of bytes shared with the console's backend. Lantern's console.c explains it.
 * The terminal on top of it, with lines and Ctrl-C, is tty.c.
 *
 * Before the ring is there, and when a crash report fails, the hypercall console_io takes text
 * directly. A domU of a release build of Xen may not use it, and then that text is lost.
 */
#include "kernel.h"

static struct console_ring *ring; /* null: use console_io */
static u32 port;
static char early_line[128];
static u32 early_length;

static void console_event(void *nothing) {
    (void)nothing;
    u32 cons = ring->in_cons;
    while (cons != SHARED(ring->in_prod)) {
        compiler_barrier(); /* the byte only after the index that published it */
        tty_input(ring->in[cons++ % sizeof(ring->in)]);
        compiler_barrier(); /* and the room given back only after the byte */
        SHARED(ring->in_cons) = cons;
        event_notify(port);
    }
    wakeup(&ring); /* whoever waits for room looks again */
}

void console_init(void) {
    if (start_info->flags & SIF_INITDOMAIN) return;
    if (start_info->console_mfn == 0 || start_info->console_evtchn == 0) return;
    ring = mfn_to_virt(start_info->console_mfn);
    port = start_info->console_evtchn;
    event_attach(port, console_event, 0);
}

void console_crashed(void) {
    ring = 0;
}

u64 console_try_put(const char *bytes, u64 n) {
    u32 prod = ring->out_prod; /* only we write it */
    u64 done = 0;
    /* The difference is right even after the indices have wrapped. */
    while (done < n && prod - SHARED(ring->out_cons) < sizeof(ring->out)) {
        ring->out[prod++ % sizeof(ring->out)] = bytes[done++];
    }
    compiler_barrier(); /* the bytes first, then the index that publishes them */
    SHARED(ring->out_prod) = prod;
    return done;
}

void console_put(const char *bytes, u64 n) {
    while (n > 0) {
        if (ring == 0) {
            early_line[early_length++] = *bytes;
            if (early_length == sizeof(early_line)) console_flush();
            bytes++, n--;
            continue;
        }
        u64 done = console_try_put(bytes, n);
        bytes += done, n -= done;
        if (n > 0) {
            event_notify(port);
            HYPERCALL(sched_op, SCHEDOP_yield, 0);
        }
    }
}

void console_flush(void) {
    if (ring != 0) {
        event_notify(port);
    } else if (early_length != 0) {
        hypercall(HYPERCALL_console_io, CONSOLEIO_write, early_length, (u64)early_line, 0);
        early_length = 0;
    }
}

/* For processes: sleeps while the ring is full. */
long console_write(const char *bytes, u64 n) {
    u64 done = 0;
    while (done < n) {
        done += ring == 0 ? n : console_try_put(bytes + done, n - done);
        console_flush();
        if (done < n && wait(&ring, 0) == -EINTR) break;
    }
    return done > 0 || n == 0 ? (long)done : -ERESTART;
}

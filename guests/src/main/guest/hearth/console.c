/*
 * console.c: the ring of bytes shared with the console's backend. Lantern's console.c explains it. The terminal
 * on top of it, with lines and Ctrl-C, is tty.c.
 */
#include "kernel.h"

static struct console_ring *ring;
static u32 port;
static char room; /* a channel to sleep on */

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
    wakeup(&room); /* whoever waits for room looks again */
}

void console_init(void) {
    ring = mfn_to_virt(start_info->console_mfn);
    port = start_info->console_evtchn;
    event_attach(port, console_event, 0);
}

/* 0: there is no room. The difference of the indices is right even after they have wrapped. */
static int put(char c) {
    u32 prod = ring->out_prod; /* only we write it */
    if (prod - SHARED(ring->out_cons) == sizeof(ring->out)) return 0;
    ring->out[prod % sizeof(ring->out)] = c;
    compiler_barrier(); /* the byte first, then the index that publishes it */
    SHARED(ring->out_prod) = prod + 1;
    return 1;
}

void console_flush(void) {
    event_notify(port);
}

/* For the kernel's own reports, which cannot sleep. */
void console_put_all(const char *bytes, u64 n) {
    for (u64 i = 0; i < n; i++) {
        while (!put(bytes[i])) {
            console_flush();
            HYPERCALL(sched_op, SCHEDOP_yield, 0);
        }
    }
}

/* For processes: sleeps while the ring is full. */
long console_write(const char *bytes, u64 n) {
    u64 done = 0;
    while (done < n) {
        if (put(bytes[done])) done++;
        else if (console_flush(), wait(&room, 0) != 0) break;
    }
    console_flush();
    return done > 0 || n == 0 ? (long)done : -ERESTART;
}

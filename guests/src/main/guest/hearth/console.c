/*
 * console.c: the ring of bytes shared with the console's backend. Lantern's console.c explains it. The terminal on
 * top of it is tty.c.
 */
#include "kernel.h"

static struct console_ring *ring;

static void console_event(void *nothing) {
    (void)nothing;
    u32 cons = ring->in_cons;
    while (cons != SHARED(ring->in_prod)) {
        compiler_barrier(); /* the byte only after the index that published it */
        tty_input(ring->in[cons++ % sizeof(ring->in)]);
        compiler_barrier(); /* and the room given back only after the byte */
        SHARED(ring->in_cons) = cons;
        console_flush();
    }
    wakeup(&ring); /* whoever waits for room looks again */
}

void console_init(void) {
    ring = mfn_to_virt(start_info->console_mfn);
    event_attach(start_info->console_evtchn, console_event, 0);
}

void console_flush(void) { event_notify(start_info->console_evtchn); }

int console_put(const char *bytes, u64 n) {
    u32 prod = ring->out_prod; /* only we write it */
    /* The difference is right even after the indices have wrapped. */
    if (prod - SHARED(ring->out_cons) + n > sizeof(ring->out)) return 0;
    for (u64 i = 0; i < n; i++) ring->out[prod++ % sizeof(ring->out)] = bytes[i];
    compiler_barrier(); /* the bytes first, then the index that publishes them */
    SHARED(ring->out_prod) = prod;
    return 1;
}

long console_wait(void) { return wait(&ring, 0); }

void console_put_all(const char *bytes, u64 n) {
    while (!console_put(bytes, n)) {
        console_flush();
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
}

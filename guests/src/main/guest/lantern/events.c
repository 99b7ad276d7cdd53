/*
 * events.c: event channels, the interrupts of a paravirtual guest.
 *
 * A port is one bit. Whoever holds the other end (a backend, Xen's timer) sets it in
 * shared_info.evtchn_pending; Xen then notes the word in which it did so in evtchn_pending_sel,
 * sets evtchn_upcall_pending, and calls event_upcall unless evtchn_upcall_mask is set. Those are
 * plain words in shared memory, so masking costs no hypercall, and a second event for the same port
 * costs nothing at all: the bit is set already. Events tell that there is work, never how much.
 */
#include "kernel.h"

#define PORTS_PER_WORD 64

struct event_port event_ports[MAX_PORT];
u64 upcall_count;

extern char event_upcall[]; /* entry.S */

static struct vcpu_info *const vcpu = &shared_info.vcpu_info[0];

/* Xen changes the same words at the same moment, from another processor: hence the lock prefix. */
static u64 exchange(u64 *word, u64 value) {
    __asm__ volatile("xchg %0, %1" : "+r"(value), "+m"(*word) : : "memory");
    return value;
}

static void clear_pending(u32 port) {
    __asm__ volatile("lock btr %1, %0"
                     : "+m"(shared_info.evtchn_pending[port / PORTS_PER_WORD])
                     : "r"((u64)(port % PORTS_PER_WORD))
                     : "memory", "cc");
}

void events_init(void) {
    struct callback_register callback = {
        .type = CALLBACKTYPE_event, .address = (u64)event_upcall};

    for (u32 word = 0; word < 64; word++) SHARED(shared_info.evtchn_mask[word]) = ~0ul;
    HYPERCALL(callback_op, CALLBACKOP_register, &callback);
}

/* Called with events masked, from handle_trap. */
void events_handle(void) {
    upcall_count++;
    /* Clear first, look afterwards: an event that comes in between makes Xen call again, after the
     * iret hypercall has unmasked. The other order would lose it. */
    SHARED(vcpu->evtchn_upcall_pending) = 0;
    u64 words = exchange(&vcpu->evtchn_pending_sel, 0);
    while (words != 0) {
        u32 word = __builtin_ctzl(words);
        words &= words - 1;
        u64 bits = SHARED(shared_info.evtchn_pending[word])
                   & ~SHARED(shared_info.evtchn_mask[word]);
        while (bits != 0) {
            u32 port = word * PORTS_PER_WORD + __builtin_ctzl(bits);
            bits &= bits - 1;
            clear_pending(port);
            if (port < MAX_PORT) {
                event_ports[port].count++;
                if (event_ports[port].handler != 0) event_ports[port].handler();
            }
        }
    }
}

void events_off(void) {
    SHARED(vcpu->evtchn_upcall_mask) = 1;
    compiler_barrier();
}

/* Events that came while the mask was set are still pending, but nobody calls us for them: Xen
 * looks when it happens to return to the guest. Any hypercall makes it look. */
void events_on(void) {
    compiler_barrier();
    SHARED(vcpu->evtchn_upcall_mask) = 0;
    full_barrier();
    if (SHARED(vcpu->evtchn_upcall_pending)) HYPERCALL(xen_version, XENVER_version, 0);
}

/* Sleeps until an event is pending. Unmasks in the same step; see WAIT_UNTIL. */
void block(void) {
    HYPERCALL(sched_op, SCHEDOP_block, 0);
}

/* Opens a port that is connected already. */
void event_attach(u32 port, const char *name, void (*handler)(void)) {
    struct evtchn_unmask unmask = {.port = port};
    if (port == 0 || port >= MAX_PORT) {
        print("lantern: no event channel for %s (port %u)\n", name, port);
        return;
    }
    event_ports[port] = (struct event_port){.name = name, .handler = handler};
    /* By hypercall, since clearing the mask bit alone would leave an event that came before
     * without an upcall. */
    HYPERCALL(event_channel_op, EVTCHNOP_unmask, &unmask);
}

/* Asks for a port on which Xen itself sends: a virtual interrupt. */
u32 event_bind_virq(u32 virq, const char *name, void (*handler)(void)) {
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = 0};
    long error = HYPERCALL(event_channel_op, EVTCHNOP_bind_virq, &bind);
    if (error != 0) {
        print("lantern: cannot bind virtual interrupt %s: error %ld\n", name, error);
        return 0;
    }
    event_attach(bind.port, name, handler);
    return bind.port;
}

void event_notify(u32 port) {
    struct evtchn_send send = {.port = port};
    HYPERCALL(event_channel_op, EVTCHNOP_send, &send);
}

/* Sleeps until the port is pending, also while events are masked, and takes the event back. To be
 * called with events masked: otherwise the upcall might eat the event just before the sleep. */
void event_poll(u32 port) {
    struct sched_poll poll = {.ports = &port, .nr_ports = 1};
    HYPERCALL(sched_op, SCHEDOP_poll, &poll);
    clear_pending(port);
}

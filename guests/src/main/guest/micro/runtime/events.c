/*
 * events.c: event channels, the interrupts of a paravirtual guest.
 *
 * A port is one bit of shared_info.evtchn_pending, masked by one of evtchn_mask. Each vCPU has a
 * vcpu_info: a byte that says "something is pending", a byte that masks upcalls, and a word that
 * says in which words of evtchn_pending to look.
 */
#include "micro.h"

#define MAX_PORT 64

static void (*handlers[MAX_PORT])(u32 port);
static u32 timer_ports[MAX_VCPUS];

extern char event_upcall[]; /* entry.S */

static struct vcpu_info *info(void) {
    return &shared_info.vcpu_info[this_vcpu()];
}

void events_init(void) {
    struct callback_register callback = {
        .type = CALLBACKTYPE_event, .address = (u64)event_upcall};

    for (u32 vcpu = 0; vcpu < MAX_VCPUS; vcpu++) timer_ports[vcpu] = 0;
    for (u32 word = 0; word < 64; word++) SHARED(shared_info.evtchn_mask[word]) = ~0ul;
    HYPERCALL(callback_op, CALLBACKOP_register, &callback);
}

/* Called with upcalls masked. Clear first, look afterwards: what comes in between makes Xen call
 * again. The other order would lose it. */
void events_handle(void) {
    struct vcpu_info *vcpu = info();
    u64 words = 0;
    SHARED(vcpu->evtchn_upcall_pending) = 0;
    __asm__ volatile("xchg %0, %1" : "+r"(words), "+m"(vcpu->evtchn_pending_sel) : : "memory");
    if ((words & 1) == 0) return; /* all our ports are in the first word */
    u64 bits = SHARED(shared_info.evtchn_pending[0]) & ~SHARED(shared_info.evtchn_mask[0]);
    while (bits != 0) {
        u32 port = __builtin_ctzl(bits);
        bits &= bits - 1;
        __asm__ volatile("lock btr %1, %0"
                         : "+m"(shared_info.evtchn_pending[0]) : "r"((u64)port) : "memory", "cc");
        if (handlers[port] != 0) handlers[port](port);
    }
}

void events_off(void) {
    SHARED(info()->evtchn_upcall_mask) = 1;
    compiler_barrier();
}

/* Nobody calls us for what came while the mask was set; any hypercall makes Xen look. */
void events_on(void) {
    struct vcpu_info *vcpu = info();
    compiler_barrier();
    SHARED(vcpu->evtchn_upcall_mask) = 0;
    full_barrier();
    if (SHARED(vcpu->evtchn_upcall_pending)) HYPERCALL(xen_version, XENVER_version, 0);
}

void event_listen(u32 port, void (*handler)(u32 port)) {
    struct evtchn_unmask unmask = {.port = port};
    NEED(port != 0 && port < MAX_PORT, "port %u is none of the first %d", port, MAX_PORT);
    handlers[port] = handler;
    NEED(HYPERCALL(event_channel_op, EVTCHNOP_unmask, &unmask) == 0, "no port %u", port);
}

void event_send(u32 port) {
    struct evtchn_send send = {.port = port};
    HYPERCALL(event_channel_op, EVTCHNOP_send, &send);
}

u32 event_alloc_unbound(u16 remote_domid) {
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote_domid};
    long refused = HYPERCALL(event_channel_op, EVTCHNOP_alloc_unbound, &alloc);
    NEED(refused == 0, "no unbound port for domain %u: %ld", remote_domid, refused);
    return alloc.port;
}

u32 event_bind_ipi(u32 vcpu) {
    struct evtchn_bind_ipi bind = {.vcpu = vcpu};
    long refused = HYPERCALL(event_channel_op, EVTCHNOP_bind_ipi, &bind);
    NEED(refused == 0, "no port for interrupts between vCPUs: %ld", refused);
    return bind.port;
}

u32 event_bind_virq(u32 virq, u32 vcpu) {
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};
    long refused = HYPERCALL(event_channel_op, EVTCHNOP_bind_virq, &bind);
    NEED(refused == 0, "no port for virtual interrupt %u: %ld", virq, refused);
    return bind.port;
}

long event_bind_interdomain(u16 remote_domid, u32 remote_port) {
    struct evtchn_bind_interdomain bind = {
        .remote_dom = remote_domid, .remote_port = remote_port};
    long refused = HYPERCALL(event_channel_op, EVTCHNOP_bind_interdomain, &bind);
    return refused != 0 ? refused : bind.local_port;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Nanoseconds since Xen started. The version is odd while Xen writes. */
u64 now(void) {
    struct vcpu_time_info *time = &info()->time;
    u64 nanos;
    u32 version;
    do {
        u32 low, high;
        version = SHARED(time->version);
        compiler_barrier();
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
        u64 delta = ((u64)high << 32 | low) - time->tsc_timestamp;
        delta = time->tsc_shift >= 0 ? delta << time->tsc_shift : delta >> -time->tsc_shift;
        nanos = time->system_time
                + (u64)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
        compiler_barrier();
    } while (version & 1 || version != SHARED(time->version));
    return nanos;
}

/* The longest wait that is no failure must fit a busy host. */
u64 give_up_at(void) {
    return now() + argument("patience", 5000) * NANOS_PER_MILLI;
}

/* To be called with events off; turns them on and sleeps in one step. */
void sleep_until_event(u64 deadline) {
    u32 vcpu = this_vcpu();
    if (timer_ports[vcpu] == 0) {
        timer_ports[vcpu] = event_bind_virq(VIRQ_TIMER, vcpu);
        event_listen(timer_ports[vcpu], 0);
    }
    hypercall(HYPERCALL_set_timer_op, deadline, 0, 0, 0);
    HYPERCALL(sched_op, SCHEDOP_block, 0);
}

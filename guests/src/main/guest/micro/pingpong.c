/*
 * pingpong: two processors of one guest wake each other by event channels.
 *
 * Where a machine has inter-processor interrupts, sent by the APIC, a paravirtual guest has a port
 * per kind of interrupt and receiver. Sending is one hypercall. Receiving costs none: Xen sets a bit
 * and makes the receiver continue at its upcall handler, or wakes it if it sleeps.
 *
 * Run it: vmm boot pingpong.elf --vcpus 2 --trace=event
 */
#include "micro.h"

#define ROUNDS 500

static u32 to_vcpu[2]; /* the port on which a vCPU is woken */
static volatile u32 pings, pongs;

/* On vCPU 1. */
static void pinged(u32 port) {
    (void)port;
    EXPECT(this_vcpu() == 1, "vCPU %u got an event that is bound to vCPU 1", this_vcpu());
    pings++;
    event_send(to_vcpu[0]);
}

/* On vCPU 0. */
static void ponged(u32 port) {
    (void)port;
    EXPECT(this_vcpu() == 0, "vCPU %u got an event that is bound to vCPU 0", this_vcpu());
    pongs++;
    if (pongs < ROUNDS) event_send(to_vcpu[1]);
}

static void second_vcpu(void) {
    for (;;) HYPERCALL(sched_op, SCHEDOP_block, 0); /* block also lets events in */
}

void micro_main(void) {
    to_vcpu[0] = event_bind_ipi(0);
    event_listen(to_vcpu[0], ponged);
    if (vcpu_start(1, second_vcpu) == -ENOENT) skip("this domain has one vCPU");
    to_vcpu[1] = event_bind_ipi(1);
    event_listen(to_vcpu[1], pinged);

    u64 start = now();
    event_send(to_vcpu[1]);
    WAIT_UNTIL(pongs == ROUNDS, "after %u pings and %u pongs nobody was woken", pings, pongs);
    EXPECT(pings == ROUNDS, "%u pings were answered by %d pongs", pings, ROUNDS);
    success("%d round trips between two vCPUs, %lu ns each", ROUNDS, (now() - start) / ROUNDS);
}

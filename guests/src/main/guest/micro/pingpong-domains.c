/*
 * pingpong-domains: two guests wake each other by an event channel.
 *
 * Neither can force a channel on the other. One opens a port for a domain it names; the other, who
 * must be that domain, binds a port of its own to it. After that both are equal, and either may
 * close. The event carries nothing: to hand over data they would share a page (see share.c).
 *
 * Run it from the top folder: ./vmm up guests/src/main/guest/micro/pingpong-domains.toml
 */
#include "micro.h"

#define ROUNDS 500

/* Ports are handed out in order, xenstore's and the console's first. */
#define FIRST_PORT 3

static u32 port;
static volatile u32 received;
static int serves;

static void heard(u32 from) {
    received++;
    if (serves || received <= ROUNDS) event_send(from);
}

void micro_main(void) {
    u16 peer = argument("peer", 0);
    serves = argument("serve", 0);
    if (peer == 0) skip("start two of us; each wants peer=DOMID, one also serve=1");
    if (serves) {
        port = event_alloc_unbound(peer);
        NEED(port == FIRST_PORT, "our port is %u", port);
        event_listen(port, heard);
        WAIT_UNTIL(received == ROUNDS, "only %u of %d pings came", received, ROUNDS);
        success("%u pings of domain %u were answered", received, peer);
    }

    /* The other domain may not have started, or not have come to its port yet. */
    u64 deadline = give_up_at();
    long bound;
    while ((bound = event_bind_interdomain(peer, FIRST_PORT)) < 0) {
        EXPECT(now() < deadline, "domain %u offers us no port: %ld", peer, bound);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
    /* Binding raises our end once, lest we miss what was sent before: that begins the game. */
    port = bound;
    event_listen(port, heard);
    u64 start = now();
    WAIT_UNTIL(received == ROUNDS + 1, "only %u of %d pings were answered", received, ROUNDS);
    success("%d round trips to domain %u, %lu ns each", ROUNDS, peer, (now() - start) / ROUNDS);
}

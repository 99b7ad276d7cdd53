/*
 * cases.c: lab 10. A kernel that is suspended once or several times, and goes on as told.
 */
#include "cases.h"
#include "lab.h"

#define PATTERN 0xab5e11

u32 wake_port;
void *shared_page;
static volatile u32 wakes;

void on_wake(u32 port) {
    (void)port;
    wakes++;
}

static long suspend(void) {
    static struct sched_shutdown reason = {.reason = SHUTDOWN_suspend};
    events_off();
    long answer = hypercall(
            HYPERCALL_sched_op, SCHEDOP_shutdown, (u64)&reason, mfn_of(start_info), 0);
    u32 port_before = wake_port;
    resumed(answer);
    /* Whatever the student did or not, we must be able to speak. */
    if (answer == 0) console_init();
    EXPECT(SHARED(shared_info.vcpu_info[0].evtchn_upcall_mask) != 0,
           "resumed returned with upcalls unmasked: an event could have come before everything was ready.");
    EXPECT(answer == 0 || wake_port == port_before,
           "The suspend was cancelled, answer 1: the domain is what it was, with all its event channels."
           " You bound another port all the same; the old one is lost, and with every cancelled suspend"
           " one more.");
    return answer;
}

static void works(long answer) {
    const char *how = answer == 0 ? "As a new domain" : "After a cancelled suspend";
    u32 before = wakes;
    events_on();
    event_send(wake_port);
    EXPECT(wakes == before + 1,
           "%s: an event was sent to wake_port and on_wake did not run. The upcall handler is registered"
           " with Xen, a port is bound and unmasked in Xen: a new domain has none of that.", how);

    u64 deadline = now() + NANOS_PER_SECOND;
    const char *name = 0;
    while (name == 0 && now() < deadline) name = store_read("name");
    EXPECT(name != 0, "%s: xenstore does not answer. Its port is one of those that are gone.", how);

    u64 *window = page_alloc();
    u32 handle;
    *(u64 *)shared_page = PATTERN + wakes;
    short status = grant_map(window, own_domid(), SHARED_REF, 0, &handle);
    EXPECT(status == GNTST_okay,
           "%s: shared_page cannot be mapped by its reference, Xen answers %d. %s", how, status,
           grant_table[SHARED_REF].flags != 0 && grant_table[SHARED_REF].domid != own_domid()
                   ? "The grant is for another domain: our number is a new one, too."
                   : "A new domain has an empty grant table: set it up and grant again.");
    EXPECT(window[0] == PATTERN + wakes, "%s: SHARED_REF grants another page.", how);
    EXPECT(grant_unmap(window, handle) == 0, "The page cannot be unmapped.");
}

void micro_main(void) {
    wake_port = event_bind_ipi(0);
    event_listen(wake_port, on_wake);
    shared_page = page_alloc();
    grants_init();
    grant(SHARED_REF, own_domid(), shared_page, 0);
    works(1);
    for (u64 i = argument("times", 1); i > 0; i--) works(suspend());
    passed();
}

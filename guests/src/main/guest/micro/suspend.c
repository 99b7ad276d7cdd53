/*
 * suspend: a guest that lets itself be stopped, and finds its way back.
 *
 * sched_op shutdown with reason suspend returns, perhaps much later, perhaps on another host. 1
 * means "cancelled": nothing has changed. 0 means "you are a new domain": the same memory, page
 * tables and registers, handlers among them; but our event channels and grants are gone, Xen's shared
 * page is another one, and start_info, in the page whose frame we named, tells where console and
 * xenstore are now.
 *
 * Run it: vmm boot suspend.elf
 */
#include "micro.h"

#define PATTERN 0x70656e64

static volatile u32 heard;

static void hear(u32 port) {
    (void)port;
    heard++;
}

static u32 own_port(void) {
    u32 port = event_bind_ipi(0);
    event_listen(port, hear);
    return port;
}

/* What kernel_main did at the start, once more. */
static u32 begin_again(void) {
    NEED(set_pte(&shared_info, start_info->shared_info | PTE_KERNEL) == 0, "no shared page");
    events_init();
    console_init();
    store_init();
    return own_port();
}

void micro_main(void) {
    static struct sched_shutdown suspend = {.reason = SHUTDOWN_suspend};
    volatile u64 *page = page_alloc();
    u64 before = now();
    u32 port = own_port();
    u16 domid = own_domid();

    *page = PATTERN;
    events_off();
    long answer = hypercall(
            HYPERCALL_sched_op, SCHEDOP_shutdown, (u64)&suspend, mfn_of(start_info), 0);
    if (answer == 0) port = begin_again();
    events_on();
    EXPECT(answer == 0 || answer == 1, "suspend returned %ld", answer);
    EXPECT(*page == PATTERN, "memory has changed to %lx", *page);
    EXPECT(now() >= before, "time went back by %lu ns", before - now());

    /* An event to ourselves comes at once, if the port is one of the domain that we are now. */
    event_send(port);
    EXPECT(heard == 1, "%u events came, one was sent", heard);
    u16 afterwards = own_domid();
    EXPECT(answer == 0 || afterwards == domid, "we were domain %u, now %u", domid, afterwards);
    success("suspended and %s", answer == 0 ? "resumed as a new domain" : "gone on as before");
}

/*
 * lab.h: lab 10, "Snapshots"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/*
 * Yours to write. The kernel has called sched_op shutdown with reason suspend, and it has returned:
 *
 *   1   "cancelled": the domain is what it was; nothing has changed
 *   0   this is a new domain, with our memory, page tables, registers and trap table. All else is gone:
 *       the mapping of Xen's shared page, the upcall handler, event channels, the grant table. Fields
 *       of start_info (store and console: frames and ports; shared_info) tell the new truth
 *
 * Upcalls are masked before and must be masked afterwards. When resumed returns, these must work:
 *
 *   printing, and asking xenstore
 *   wake_port         a port of kind IPI, bound to vCPU 0, whose handler is on_wake
 *   SHARED_REF        a grant of shared_page, for writing, to our own domain: own_domid()
 *
 * What micro.h has for you: set_pte, events_init (upcall handler; masks all ports), console_init,
 * store_init, event_bind_ipi, event_listen, grants_init, grant. kernel_main in micro.c of the runtime
 * shows in which order a kernel begins:
 *
 *   set_pte(&shared_info, start_info->shared_info | PTE_KERNEL)
 *   events_init(); console_init(); store_init();
 */
void resumed(long answer);

extern u32 wake_port;
void on_wake(u32 port);

#define SHARED_REF (FIRST_FREE_GRANT + 3)
extern void *shared_page;

#endif

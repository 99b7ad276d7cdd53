/* Wrong: forgets the grants. */
/* Told: A new domain has an empty grant table */
#include "lab.h"

void resumed(long answer) {
    if (answer != 0) return;
    set_pte(&shared_info, start_info->shared_info | PTE_KERNEL);
    events_init();
    console_init();
    store_init();
    wake_port = event_bind_ipi(0);
    event_listen(wake_port, on_wake);
    events_off();
}

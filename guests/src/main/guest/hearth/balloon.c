/* balloon.c: the host says in memory/target how much memory it wants us to have, in KiB. What is more than
 * that we give back, page by page, and ask for it again when we may have more: a balloon inside the guest
 * that is blown up to take memory away from it. */
#include "device.h"
#define RESERVE 64 /* pages that we keep free: better a slow host than a dead guest */

static u64 target; /* pages */

static void balloon(void *nothing) {
    for (;;) {
        while (pages_total > target && pages_free > RESERVE && page_give_up() == 0) continue;
        while (pages_total < target && page_ask_for() == 0) continue;
        if (pages_total == target) wait(&target, 0);
        else sleep_until(now() + NANOS_PER_SECOND); /* perhaps there is room then */
    }
}

void balloon_adjust(void) {
    target = xenstore_number("memory", "target", pages_total * 4) / 4;
    wakeup(&target);
}

void balloon_init(void) {
    balloon_adjust();
    kthread("balloon", balloon, 0);
    xenstore_watch("memory", "target");
}

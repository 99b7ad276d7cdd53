package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.cpu.mmu.Ram;

import java.time.Duration;

/**
 * Suspends a guest with the help of its kernel, and lets it go on: as it was, or as it would in a
 * new domain.
 *
 * <p>Called by one thread at a time, none of the guest's.
 */
final class GuestSuspend {
    private static final int KIB_SHIFT = 10;

    private static final Duration ASK_AGAIN = Duration.ofSeconds(5);

    private final Guest guest;
    private final Domain domain;
    private final Xenstore store;
    private final GuestRings rings;

    GuestSuspend(Guest guest, Xenstore store, GuestRings rings) {
        this.guest = guest;
        this.domain = guest.domain();
        this.store = store;
        this.rings = rings;
    }

    /** As {@link Guest#suspend}. */
    boolean suspend(Duration patience) throws InterruptedException {
        try {
            boolean suspended =
                    domain.suspending()
                            .await(() -> guest.request(Guest.Request.SUSPEND), ASK_AGAIN, patience);
            if (suspended) {
                guest.standStill();
            }
            return suspended;
        } finally {
            guest.tree().withdrawSuspend();
        }
    }

    /** As {@link Guest#isSuspended}. */
    boolean isSuspended() {
        return domain.suspending().pending().isPresent();
    }

    /** As {@link Guest#cancelSuspend}. */
    void cancel() {
        cancel(false);
    }

    /**
     * @param held whether somebody has paused the guest, who alone lets it go on
     */
    void cancel(boolean held) {
        domain.suspending().answered();
        if (!held) {
            guest.unpause();
        }
    }

    /** As {@link Guest#resumeFresh}. */
    void resumeFresh() {
        DomainSuspend.Suspension suspension =
                domain.suspending()
                        .pending()
                        .orElseThrow(() -> new IllegalStateException("it is not suspended"));
        FreshResume fresh = new FreshResume(domain, rings.placesOfANewGuest());
        fresh.forgetEverything();
        long targetKib = guest.balloon().targetKib();
        guest.tree().remove();
        rings.renew(store);
        long maxKib = domain.frames().reservation().maximumPages() << Ram.PAGE_SHIFT - KIB_SHIFT;
        DomainTree.create(store, rings.describe(targetKib, maxKib));
        answer(fresh, suspension, false);
    }

    /**
     * Lets a copy of a suspended guest go on as {@link #resumeFresh} does, when it has got all that
     * a new domain has.
     */
    void resume(FreshResume fresh, boolean held) {
        answer(fresh, domain.suspending().pending().orElseThrow(), held);
    }

    private void answer(FreshResume fresh, DomainSuspend.Suspension suspension, boolean held) {
        if (!fresh.answer(suspension)) {
            domain.crash(
                    domain.vcpu(suspension.vcpu()),
                    "suspended with frame %#x for start_info, which is none to write to"
                            .formatted(suspension.startInfoMfn()));
        }
        cancel(held);
    }
}

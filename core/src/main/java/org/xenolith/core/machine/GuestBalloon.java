package org.xenolith.core.machine;

import org.xenolith.core.balloon.Ballooned;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.cpu.mmu.Ram;

import java.util.OptionalLong;

/** How much memory a guest has, and how much its kernel is asked to have. Sizes are in KiB. */
public final class GuestBalloon implements Ballooned {
    private static final int KIB_SHIFT = 10;

    /** Less than that is no memory for a kernel. */
    private static final long LEAST_TARGET_KIB = 1024;

    private final Domain domain;
    private final DomainTree tree;
    private final BootOptions options;

    GuestBalloon(Domain domain, DomainTree tree, BootOptions options) {
        this.domain = domain;
        this.tree = tree;
        this.options = options;
    }

    @Override
    public String name() {
        return domain.name();
    }

    @Override
    public long minKib() {
        return options.memoryBytes() >>> KIB_SHIFT;
    }

    @Override
    public long maxKib() {
        return options.maxMemoryBytes() >>> KIB_SHIFT;
    }

    @Override
    public long currentKib() {
        return domain.frames().reservation().currentPages() << Ram.PAGE_SHIFT - KIB_SHIFT;
    }

    @Override
    public OptionalLong availableKib() {
        return tree.memoryAvailable();
    }

    @Override
    public long targetKib() {
        return tree.memoryTarget();
    }

    /**
     * Asks the guest's balloon driver for another size, and lets it have no more than that.
     *
     * @throws IllegalArgumentException when the size is above {@link #maxKib} or below 1 MiB
     */
    @Override
    public void setTargetKib(long kib) {
        requireTargetKib(kib);
        domain.frames().reservation().limitPages(kib >>> Ram.PAGE_SHIFT - KIB_SHIFT);
        tree.setMemoryTarget(kib);
    }

    /**
     * @throws IllegalArgumentException with a sentence when the guest cannot have that size
     */
    void requireTargetKib(long kib) {
        long least = Math.min(LEAST_TARGET_KIB, maxKib());
        if (kib < least || kib > maxKib()) {
            throw new IllegalArgumentException(
                    "%s cannot have %d KiB: its %s is %d KiB"
                            .formatted(
                                    name(),
                                    kib,
                                    kib < least ? "minimum" : "maximum",
                                    kib < least ? least : maxKib()));
        }
    }
}

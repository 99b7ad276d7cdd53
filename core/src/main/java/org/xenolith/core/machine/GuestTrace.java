package org.xenolith.core.machine;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.trace.Tracer;

import java.util.List;

/**
 * Who watches a guest, from its start or for a while. Viewers come and go while the guest stands at
 * its poll points for a moment: so what the vCPUs ask before each event is a plain field, and a
 * guest that nobody watches is as fast as one that nobody ever watched.
 *
 * <p>Thread-safe.
 */
final class GuestTrace {
    /** Each keeps some MiB of events for its reader. */
    static final int MOST_VIEWERS = 8;

    private final Guest guest;
    private final VcpuRunner runner;
    private final Hypercalls hypercalls;
    private final OutsideTrace outside;
    private final GuestSymbols symbols;

    /** Null when nobody watches; changes while the guest stands. */
    private Tracer tracer;

    /**
     * @param tracer of those who watch from the start, which closes with the guest; null for nobody
     */
    GuestTrace(
            Guest guest,
            VcpuRunner runner,
            Hypercalls hypercalls,
            OutsideTrace outside,
            GuestSymbols symbols,
            Tracer tracer) {
        this.guest = guest;
        this.runner = runner;
        this.hypercalls = hypercalls;
        this.outside = outside;
        this.symbols = symbols;
        this.tracer = tracer;
        if (tracer != null) {
            outside.trace(tracer);
            outside.followStore();
        }
    }

    /** Whether anybody watches; while the guest stands or somebody just came or went. */
    boolean isWatched() {
        return guest.whileStill(() -> tracer != null).orElse(false);
    }

    /** As they were found, for one that runs the same kernel. */
    GuestSymbols knownSymbols() {
        return symbols;
    }

    /** Of the guest's kernel, ready to be asked. */
    Symbols symbols() {
        return symbols.ready();
    }

    /**
     * Shows the guest to one more.
     *
     * @throws ControlException when it has ended, or too many watch already
     */
    void add(Tracer.Viewer viewer) throws ControlException {
        Symbols known = symbols(); // before the guest stands
        boolean added = guest.whileStill(() -> addStill(viewer, known)).orElse(false);
        if (!added) {
            throw new ControlException(
                    guest.hasEnded()
                            ? guest.name() + " has ended."
                            : "%d watch %s already.".formatted(MOST_VIEWERS, guest.name()));
        }
        outside.followStore();
    }

    private boolean addStill(Tracer.Viewer viewer, Symbols known) {
        if (guest.hasEnded() || tracer != null && tracer.viewers().size() >= MOST_VIEWERS) {
            return false;
        }
        if (tracer == null) {
            setStill(new Tracer(known, List.of(viewer)));
        } else {
            setStill(tracer.with(viewer));
        }
        return true;
    }

    /** Shows no more to one; no event comes to its sink when this returns. */
    void remove(Tracer.Viewer viewer) {
        guest.whileStill(
                () -> {
                    if (tracer != null) {
                        setStill(tracer.without(viewer));
                    }
                    return true;
                });
        outside.followStore();
    }

    private void setStill(Tracer other) {
        tracer = other;
        runner.trace(other);
        hypercalls.trace(other);
        outside.trace(other);
    }

    /** The guest is gone: no event comes any more. */
    void close() {
        outside.close();
        if (tracer != null) {
            tracer.close();
            guest.noteTraceLosses(tracer.failures());
        }
    }
}

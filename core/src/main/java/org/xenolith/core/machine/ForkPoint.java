package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.snapshot.DomainFork;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.time.Duration;

/**
 * A guest that has suspended itself and stands still while others begin as copies of it, with its
 * memory and what it has written to its disks. When this is closed it goes on as if nothing had
 * been.
 *
 * <p>Its kernel is told that the suspend was cancelled, the copies' that they are in a new domain:
 * they bind their devices anew, with names and addresses of their own.
 */
public final class ForkPoint implements AutoCloseable {
    /** How long disks may take to end what they do. */
    private static final Duration DISK_PATIENCE = Duration.ofSeconds(30);

    private final Host host;
    private final Guest parent;
    private final DomainFork fork;

    /** Guarded by the parent. */
    private boolean closed;

    private ForkPoint(Host host, Guest parent, DomainFork fork) {
        this.host = host;
        this.parent = parent;
        this.fork = fork;
    }

    /** As {@link Guest#fork}. */
    static ForkPoint of(Host host, Guest parent, Duration patience)
            throws IOException, InterruptedException {
        parent.beginCopying(patience);
        try {
            suspend(parent, patience);
            return ofSuspended(host, parent);
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            parent.endCopying();
            throw e;
        }
    }

    private static void suspend(Guest parent, Duration patience)
            throws IOException, InterruptedException {
        if (!parent.suspend(patience)) {
            requireAlive(parent);
            throw new SnapshotException(
                    "The guest did not suspend itself within %d s, as its kernel is asked to; its console may say why. One that still boots, or whose processes all wait for a device, can be copied when that is over"
                            .formatted(patience.toSeconds()));
        }
    }

    private static ForkPoint ofSuspended(Host host, Guest parent) throws IOException {
        synchronized (parent) {
            requireAlive(parent);
            parent.devices().standBy(DISK_PATIENCE);
            try {
                parent.devices().settleDisks();
                DomainFork fork = DomainFork.of(parent.domain(), parent.rings().places());
                return new ForkPoint(host, parent, fork);
            } catch (IOException | RuntimeException | Error e) {
                parent.devices().resume();
                throw e;
            }
        }
    }

    private static void requireAlive(Guest parent) throws SnapshotException {
        if (parent.hasEnded()) {
            throw new SnapshotException("A guest that has ended cannot be copied");
        }
    }

    Guest parent() {
        return parent;
    }

    DomainFork fork() {
        return fork;
    }

    /**
     * Makes a copy, which does not run yet: {@link Guest#start} lets it go on where the guest is
     * now.
     *
     * @param options of its own, with disks over the same images. What it boots counts for its next
     *     start; memory and vCPUs are those of the guest
     * @throws SnapshotException if the guest has ended meanwhile, or there is no memory
     * @throws BootFailed if its devices are not to be had, or not those of the guest
     */
    public Guest copy(BootOptions options, ConsoleIo console) throws IOException {
        synchronized (parent) { // who closes it waits, and its frames stay
            requireAlive(parent);
            if (closed || !parent.isSuspended()) {
                throw new IllegalStateException(parent.name() + " goes on already");
            }
            return host.fork(this, options, console);
        }
    }

    /** Whether the guest has ended, so that no more copies can be made. */
    public boolean isOver() {
        return parent.hasEnded();
    }

    /** Lets the guest go on; if somebody has paused it meanwhile, when he lets it. */
    @Override
    public void close() {
        synchronized (parent) {
            if (closed) {
                return;
            }
            closed = true;
            try {
                if (!parent.hasEnded()) {
                    parent.devices().resume();
                }
            } finally {
                parent.endCopying();
            }
        }
    }
}

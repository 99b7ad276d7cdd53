package org.xenolith.core.sharing;

import org.xenolith.core.domain.Domain;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Scans the memory of all domains of a host for pages that they have in common, on a thread of its
 * own that works a twentieth of the time. Domains of several vCPUs, and those in virtual time,
 * whose runs can be repeated, are left alone.
 *
 * <p>Two guests that share a page can learn from the time that a store takes that somebody else has
 * the same: whoever hosts guests that distrust each other decides whether that matters.
 */
public final class MemorySharing implements AutoCloseable {
    /** Frames of one domain that are looked at before the next domain's turn. */
    private static final int CHUNK = 256;

    /** A chunk takes some 0.1 ms; for each nanosecond of work it rests so many. */
    private static final int REST = 19;

    private static final long SHORTEST_REST_MILLIS = 1;
    private static final long IDLE_MILLIS = 500;

    private final Supplier<Collection<Domain>> domains;
    private final Candidates candidates = new Candidates();
    private final List<Scan> scans = new ArrayList<>();
    private final Thread thread;
    private volatile boolean closed;

    /** Work since the last rest, ns. */
    private long worked;

    private MemorySharing(Supplier<Collection<Domain>> domains) {
        this.domains = domains;
        thread = Thread.ofPlatform().name("memory sharing").daemon().unstarted(this::run);
    }

    /**
     * Starts to scan.
     *
     * @param domains those that there are now; called by the scanning thread
     */
    public static MemorySharing start(Supplier<Collection<Domain>> domains) {
        MemorySharing sharing = new MemorySharing(domains);
        sharing.thread.start();
        return sharing;
    }

    /** Ends the scan; what is shared stays so until it is written to. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        try {
            while (!closed) {
                pass();
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    /** Looks once at each frame, a chunk of each domain in turn. */
    private void pass() throws InterruptedException {
        update();
        int frames = scans.stream().mapToInt(Scan::frames).max().orElse(0);
        for (int from = 0; from < frames; from += CHUNK) {
            for (Scan scan : scans) {
                lookAt(scan, from);
            }
        }
        Thread.sleep(IDLE_MILLIS);
    }

    private void lookAt(Scan scan, int from) throws InterruptedException {
        if (scan.domain().hasEnded()) {
            return;
        }
        if (scan.isBehind()) {
            scan.handOver(); // a guest that is paused takes nothing: it is passed over
            return;
        }
        long start = System.nanoTime();
        scan.look(from, from + CHUNK, candidates);
        worked += System.nanoTime() - start;
        rest();
    }

    private void rest() throws InterruptedException {
        long millis = worked * REST / 1_000_000;
        if (millis >= SHORTEST_REST_MILLIS) {
            worked = 0;
            Thread.sleep(millis);
        }
    }

    /** Domains come and go. */
    private void update() {
        Set<Domain> wanted = new HashSet<>();
        for (Domain domain : domains.get()) {
            if (domain.vcpus().size() == 1 && domain.clock().isLive() && !domain.hasEnded()) {
                wanted.add(domain);
            }
        }
        for (Scan scan : List.copyOf(scans)) {
            if (!wanted.remove(scan.domain())) {
                scans.remove(scan);
                candidates.forget(scan);
            }
        }
        wanted.forEach(domain -> scans.add(new Scan(domain)));
    }
}

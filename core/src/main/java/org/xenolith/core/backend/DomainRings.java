package org.xenolith.core.backend;

import org.xenolith.pv.host.RingListener;
import org.xenolith.pv.host.WatchedRing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rings that a domain's backends use now. Thread-safe: a ring that is looked at is not closed
 * meanwhile.
 */
public final class DomainRings {
    /** Hears of what is put into rings. */
    @FunctionalInterface
    public interface PushListener {
        void pushed(String device, String ring, boolean byFrontend, int slots);
    }

    /**
     * A ring as it is.
     *
     * @param device as in reports: {@code vbd/1/51712}
     * @param stream as {@link WatchedRing#isStream}
     */
    public record State(
            String device, String ring, int size, boolean stream, WatchedRing.Indices indices) {}

    private final Map<WatchedRing, String> devices = new LinkedHashMap<>();
    private volatile PushListener pushes;

    /** Sets who hears of pushes, null for nobody. */
    public void onPush(PushListener listener) {
        pushes = listener;
    }

    /** Keeps the books of one device's rings. */
    RingListener of(String device) {
        return new RingListener() {
            @Override
            public void opened(WatchedRing ring) {
                synchronized (DomainRings.this) {
                    devices.put(ring, device);
                }
            }

            @Override
            public void closed(WatchedRing ring) {
                synchronized (DomainRings.this) {
                    devices.remove(ring);
                }
            }

            @Override
            public void pushed(WatchedRing ring, boolean byFrontend, int slots) {
                PushListener listener = pushes;
                if (listener != null) {
                    listener.pushed(device, ring.name(), byFrontend, slots);
                }
            }
        };
    }

    /** All rings. Only on a thread that may touch the domain's memory. */
    public synchronized List<State> states() {
        List<State> states = new ArrayList<>();
        devices.forEach(
                (ring, device) ->
                        states.add(
                                new State(
                                        device,
                                        ring.name(),
                                        ring.size(),
                                        ring.isStream(),
                                        ring.indices())));
        return states;
    }
}

package org.xenolith.core.xenstore;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Watch events on their way to one watcher, bounded however many changes come while it does not
 * listen. An event that is waiting already is not queued again. Beyond the limit an event names the
 * watched node itself instead of the path below it: the watcher hears that something changed, and
 * there is at most one such event a watch.
 */
final class EventQueue {
    /** What a queue entry costs beside its characters, roughly. */
    private static final int OVERHEAD = 128;

    record Event(Watch watch, String path) {
        Message message() {
            return Message.event(path, watch.token());
        }
    }

    private final int limitBytes;
    private final SequencedMap<Event, Long> queued = new LinkedHashMap<>();
    private int bytes;

    EventQueue(int limitBytes) {
        this.limitBytes = limitBytes;
    }

    /**
     * @param sequence place in the order of all that goes to the watcher
     */
    void add(Watch watch, String spelledPath, long sequence) {
        Event event = new Event(watch, spelledPath);
        if (queued.containsKey(event)) {
            return;
        }
        boolean overlong = spelledPath.length() + watch.token().length() + 2 > Message.PAYLOAD_MAX;
        if (overlong || bytes + cost(event) > limitBytes) {
            event = new Event(watch, watch.spelled());
        }
        if (queued.putIfAbsent(event, sequence) == null) {
            bytes += cost(event);
        }
    }

    /** The events with their places, oldest first. */
    Map<Event, Long> queued() {
        return queued;
    }

    /** The place of the oldest event, {@link Long#MAX_VALUE} if there is none. */
    long firstSequence() {
        return queued.isEmpty() ? Long.MAX_VALUE : queued.firstEntry().getValue();
    }

    /** Takes the oldest event, or null. */
    Event poll() {
        Map.Entry<Event, Long> first = queued.pollFirstEntry();
        if (first == null) {
            return null;
        }
        bytes -= cost(first.getKey());
        return first.getKey();
    }

    boolean isEmpty() {
        return queued.isEmpty();
    }

    int size() {
        return queued.size();
    }

    void forget(Watch watch) {
        queued.keySet()
                .removeIf(
                        event -> {
                            boolean gone = event.watch() == watch;
                            bytes -= gone ? cost(event) : 0;
                            return gone;
                        });
    }

    void clear() {
        queued.clear();
        bytes = 0;
    }

    private static int cost(Event event) {
        return OVERHEAD + event.path().length() + event.watch().token().length();
    }
}

package org.xenolith.core.machine;

import java.util.ArrayList;
import java.util.List;

/**
 * What went wrong when guests of a host were closed, the first of it: a guest that starts again and
 * again on a full disk fails each time in the same way. Thread-safe.
 */
final class Losses {
    static final int MOST = 16;

    private final List<String> first = new ArrayList<>();

    /** Takes those for which there is room. */
    synchronized void add(List<String> more) {
        first.addAll(more.subList(0, Math.min(more.size(), MOST - first.size())));
    }

    synchronized List<String> all() {
        return List.copyOf(first);
    }
}

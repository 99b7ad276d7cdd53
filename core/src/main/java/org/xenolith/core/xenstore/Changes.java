package org.xenolith.core.xenstore;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.SequencedMap;
import java.util.SequencedSet;

/** What an operation, or a whole transaction, looked at and changed. */
final class Changes {
    /** Which watches hear of a changed node; the larger one wins when a node changes twice. */
    enum Kind {
        /** None: a missing parent, created on the way. */
        PARENT_CREATED,
        /** Those on the very node: it went with an ancestor, whose removal tells the others. */
        REMOVED_WITH_ANCESTOR,
        /** Those on the node and on everything above it. */
        CHANGED
    }

    private final int limit;
    private final SequencedSet<StorePath> accessed = new LinkedHashSet<>();
    private final SequencedMap<StorePath, Kind> changed = new LinkedHashMap<>();

    /**
     * @param limit paths that may be accessed
     */
    Changes(int limit) {
        this.limit = limit;
    }

    /**
     * Notes that the result depends on this node, or on its absence.
     *
     * @throws XenstoreException ENOSPC beyond the limit; it comes before anything was changed
     */
    void access(StorePath path) {
        if (accessed.size() >= limit && !accessed.contains(path)) {
            throw new XenstoreException(
                    XenstoreError.ENOSPC, "transaction touches more than " + limit + " nodes");
        }
        accessed.add(path);
    }

    /** Notes a change of a node that was accessed before. */
    void change(StorePath path, Kind kind) {
        changed.merge(path, kind, (was, is) -> was.compareTo(is) > 0 ? was : is);
    }

    SequencedSet<StorePath> accessed() {
        return accessed;
    }

    /** In the order of the first change of each, so that parents created come before children. */
    SequencedMap<StorePath, Kind> changed() {
        return changed;
    }
}

package org.xenolith.core.xenstore;

/** Who registered watches: a guest's connection or the toolstack. */
sealed interface Watcher permits XenstoreConnection, HostWatch {
    /** The domain whose permissions decide which events it may hear. */
    int domid();

    /** Queues an event, under the store's lock; delivery comes later. */
    void fired(Watch watch, String spelledPath);

    /** Drops events of a watch that is no more, under the store's lock. */
    void forget(Watch watch);
}

package org.xenolith.core.xenstore;

/** A watch of the toolstack; closing it ends the events. */
public final class HostWatch implements Watcher, AutoCloseable {
    private static final int EVENT_BYTES = 1024 * 1024;

    private final Xenstore store;
    private final WatchListener listener;
    private final EventQueue events = new EventQueue(EVENT_BYTES);
    private final Watch watch;

    HostWatch(Xenstore store, String path, WatchListener listener) {
        this.store = store;
        this.listener = listener;
        this.watch = new Watch(this, path, path, "");
    }

    Watch watch() {
        return watch;
    }

    WatchListener listener() {
        return listener;
    }

    /** Queue of what the listener has not heard; guarded by the store's lock. */
    EventQueue events() {
        return events;
    }

    @Override
    public int domid() {
        return Permissions.PRIVILEGED;
    }

    @Override
    public void fired(Watch watch, String spelledPath) {
        events.add(watch, spelledPath, 0);
        store.hasEvents(this);
    }

    @Override
    public void forget(Watch watch) {
        events.clear();
    }

    /** Ends the events; a call that is under way on another thread is not waited for. */
    @Override
    public void close() {
        store.unwatch(this);
    }
}

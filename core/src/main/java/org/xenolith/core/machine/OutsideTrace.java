package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.core.xenstore.HostWatch;
import org.xenolith.core.xenstore.Xenstore;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Traces what the parts around a guest's vCPUs tell: deliveries, grants, rings, page types, changes
 * in the store. A part whose events nobody wants has nobody to tell.
 */
final class OutsideTrace {
    private final Guest guest;
    private final Domain domain;
    private final Xenstore store;

    /** Null when nothing is traced. */
    private volatile Tracer tracer;

    /** Null while nobody wants to know of the store; guarded by this. */
    private HostWatch watch;

    private boolean closed;

    OutsideTrace(Guest guest, Xenstore store) {
        this.guest = guest;
        this.domain = guest.domain();
        this.store = store;
    }

    /** Has another tracer from now on, null for none; only while the guest stands. */
    void trace(Tracer other) {
        tracer = other;
        domain.events()
                .onDelivery(
                        wants(TraceTopic.EVENT)
                                ? (port, vcpu, masked) ->
                                        emit(new TraceEvent.Delivered(port, vcpu, masked))
                                : null);
        domain.grants()
                .onUse(
                        wants(TraceTopic.GRANT)
                                ? (ref, mfn, write, begins) ->
                                        emit(new TraceEvent.GrantUsed(ref, mfn, write, begins))
                                : null);
        domain.pageTypes()
                .onRetype(
                        wants(TraceTopic.PAGE)
                                ? (mfn, from, to) -> emit(new TraceEvent.Retyped(mfn, from, to))
                                : null);
        traceRings(wants(TraceTopic.RING));
    }

    private void traceRings(boolean wanted) {
        guest.rings().console().onMove(wanted ? this::emitMoved : null);
        guest.rings().store().onMove(wanted ? this::emitMoved : null);
        guest.devices().rings().onPush(wanted ? this::emitPushed : null);
    }

    private boolean wants(TraceTopic topic) {
        Tracer now = tracer;
        return now != null && now.wants(topic);
    }

    /**
     * Begins or ends to follow the store, as the tracer wants. Behind each {@link #trace}, not in
     * it: others hear of their watches meanwhile, and the guest need not stand for that.
     */
    synchronized void followStore() {
        boolean wanted = !closed && wants(TraceTopic.XENSTORE);
        if (wanted && watch == null) {
            AtomicBoolean set = new AtomicBoolean();
            watch =
                    store.watch(
                            "/",
                            path -> {
                                // The first call only says that the watch is there.
                                if (set.getAndSet(true)) {
                                    emit(new TraceEvent.StoreChanged(path));
                                }
                            });
        } else if (!wanted && watch != null) {
            watch.close();
            watch = null;
        }
    }

    /** The guest is gone. */
    synchronized void close() {
        closed = true;
        followStore();
    }

    /**
     * @param name "console output", for example
     * @param amount in bytes
     */
    private void emitMoved(String name, boolean byFrontend, int amount) {
        int space = name.indexOf(' ');
        emitPushed(name.substring(0, space), name.substring(space + 1), byFrontend, amount);
    }

    private void emitPushed(String device, String ring, boolean byFrontend, int amount) {
        emit(new TraceEvent.RingPushed(device, ring, byFrontend, amount));
    }

    private void emit(TraceEvent event) {
        Tracer now = tracer;
        if (now != null && now.wants(event.topic())) {
            now.emit(domain.id(), domain.clock().systemTimeNanos(domain.retired()), event);
        }
    }
}

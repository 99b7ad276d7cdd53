package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.core.xenstore.HostWatch;
import org.xenolith.core.xenstore.Xenstore;

/**
 * Traces what the parts around a guest's vCPUs tell: deliveries, grants, rings, page types, changes
 * in the store.
 */
final class OutsideTrace {
    private final Tracer tracer;
    private final Domain domain;
    private final Xenstore store;

    OutsideTrace(Tracer tracer, Domain domain, Xenstore store) {
        this.tracer = tracer;
        this.domain = domain;
        this.store = store;
    }

    void attach(Guest guest) {
        if (tracer.wants(TraceTopic.EVENT)) {
            domain.events()
                    .onDelivery(
                            (port, vcpu, masked) ->
                                    emit(new TraceEvent.Delivered(port, vcpu, masked)));
        }
        if (tracer.wants(TraceTopic.GRANT)) {
            domain.grants()
                    .onUse(
                            (ref, mfn, write, begins) ->
                                    emit(new TraceEvent.GrantUsed(ref, mfn, write, begins)));
        }
        if (tracer.wants(TraceTopic.RING)) {
            guest.rings().console().onMove(this::emitMoved);
            guest.rings().store().onMove(this::emitMoved);
            guest.devices()
                    .rings()
                    .onPush(
                            (device, ring, byFrontend, slots) ->
                                    emit(
                                            new TraceEvent.RingPushed(
                                                    device, ring, byFrontend, slots)));
        }
        if (tracer.wants(TraceTopic.PAGE)) {
            domain.pageTypes()
                    .onRetype((mfn, from, to) -> emit(new TraceEvent.Retyped(mfn, from, to)));
        }
        if (tracer.wants(TraceTopic.XENSTORE)) {
            HostWatch watch = store.watch("/", path -> emit(new TraceEvent.StoreChanged(path)));
            guest.onClose(watch::close);
        }
    }

    /**
     * @param name "console output", for example
     * @param amount in bytes
     */
    private void emitMoved(String name, boolean byFrontend, int amount) {
        int space = name.indexOf(' ');
        String device = name.substring(0, space);
        emit(new TraceEvent.RingPushed(device, name.substring(space + 1), byFrontend, amount));
    }

    private void emit(TraceEvent event) {
        tracer.emit(domain.id(), domain.clock().systemTimeNanos(domain.retired()), event);
    }
}

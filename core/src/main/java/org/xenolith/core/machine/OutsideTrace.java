package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.core.xenstore.HostWatch;
import org.xenolith.core.xenstore.Xenstore;

/** Traces what happens to a guest on no vCPU's own account: deliveries, changes in the store. */
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
        if (tracer.wants(TraceTopic.XENSTORE)) {
            HostWatch watch = store.watch("/", path -> emit(new TraceEvent.StoreChanged(path)));
            guest.onClose(watch::close);
        }
    }

    private void emit(TraceEvent event) {
        tracer.emit(domain.id(), domain.clock().systemTimeNanos(domain.retired()), event);
    }
}

package org.xenolith.core.backend;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.domain.Domain;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.host.RingListener;

/** A domain as the backends may use it: they act as domain 0. */
final class DomainAccess implements FrontendDomain {
    private final Domain domain;
    private final DomainRings rings;

    DomainAccess(Domain domain, DomainRings rings) {
        this.domain = domain;
        this.rings = rings;
    }

    @Override
    public RingListener rings(String device) {
        return rings.of(device);
    }

    @Override
    public int id() {
        return domain.id();
    }

    @Override
    public GrantedFrame grant(int ref, boolean writable) {
        return domain.grants().access(DomId.BACKENDS, ref, writable);
    }

    @Override
    public EventPort bind(int port, Runnable onEvent) {
        return domain.events().bindOffered(port, onEvent);
    }

    @Override
    public void post(Runnable work) {
        domain.post(work);
    }
}

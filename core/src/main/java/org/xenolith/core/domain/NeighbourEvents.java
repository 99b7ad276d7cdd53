package org.xenolith.core.domain;

import org.xenolith.core.event.EventChannels;

/**
 * Event channels between domains: what goes to another is delivered by one of its threads. Any
 * thread.
 */
record NeighbourEvents(Domain.Neighbours neighbours) implements EventChannels.Neighbours {
    @Override
    public EventChannels of(int domId) {
        Domain domain = neighbours.of(domId);
        return domain == null ? null : domain.events();
    }

    @Override
    public void notify(EventChannels.End to, EventChannels.End from) {
        Domain domain = neighbours.of(to.domId());
        if (domain != null && domain.events().announceFrom(to.port(), from)) {
            domain.post(() -> domain.events().deliverFrom(to.port(), from));
        }
    }
}

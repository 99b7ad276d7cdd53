package org.xenolith.core.event;

import org.xenolith.pv.host.EventPort;

/**
 * The VMM's end of a channel that the guest offered to domain 0.
 *
 * <p>Takes the guest's lock to close the end, none to notify: any thread may close, one that holds
 * a vCPU of the guest notifies.
 */
final class BackendPort implements EventPort {
    private final Object lock;
    private final Delivery delivery;
    private final int port;
    private final Channel channel;

    /**
     * @param lock guards the channel's state
     */
    BackendPort(Object lock, Delivery delivery, int port, Channel channel) {
        this.lock = lock;
        this.delivery = delivery;
        this.port = port;
        this.channel = channel;
    }

    @Override
    public void notifyFrontend() {
        // The guest may have closed its port, and have it for something else by now.
        delivery.deliver(port, channel);
    }

    @Override
    public void close() {
        synchronized (lock) {
            if (channel.backend() != null) {
                channel.disconnect();
            }
        }
    }
}

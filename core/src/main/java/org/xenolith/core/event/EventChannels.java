package org.xenolith.core.event;

import static org.xenolith.core.abi.XenErrno.EAGAIN;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.pv.host.EventPort;

import java.util.List;
import java.util.function.IntSupplier;

/**
 * The event channels of a domain: what a guest and the VMM may do with them. {@link PortTable} has
 * the ports, {@link Delivery} the way of an event to a vCPU.
 *
 * <p>State changes take this object's lock, those of both ends of a channel both domains' locks in
 * the order of their numbers. Nothing is delivered, and no backend run, with the lock held.
 *
 * <p>Methods that deliver are called by a thread that holds one of the domain's vCPUs: what comes
 * from outside is queued in the domain and applied by such a thread.
 */
public final class EventChannels {
    /** Ports of the two-level layout on x86-64: 64 words of 64 bits. */
    public static final int PORTS = 4096;

    /** One end of a channel between domains. */
    public record End(int domId, int port) {}

    /** Reaches another domain's channels, for interdomain ones. */
    public interface Neighbours {
        /** Null when there is no such domain. */
        EventChannels of(int domId);

        /** Has {@link #announceFrom} answer, and queues {@link #deliverFrom} if it says so. */
        void notify(End to, End from);
    }

    /** Hears of each event as it becomes pending, on the thread that delivers it. */
    @FunctionalInterface
    public interface DeliveryListener {
        void delivered(int port, int vcpu, boolean masked);
    }

    private final int domId;
    private final Neighbours neighbours;
    private final PortTable ports = new PortTable(this);
    private final PortBits bits;
    private final Delivery delivery;

    /**
     * @param sharedInfo host address of the shared page
     */
    public EventChannels(int domId, long sharedInfo, Neighbours neighbours) {
        this.domId = domId;
        this.neighbours = neighbours;
        this.bits = new PortBits(sharedInfo);
        this.delivery = new Delivery(ports, bits);
    }

    /** Adds the next vCPU. */
    public void add(EventTarget vcpu) {
        delivery.add(vcpu);
    }

    /** Sets who hears of deliveries, null for nobody. */
    public void onDelivery(DeliveryListener listener) {
        delivery.onDelivery(listener);
    }

    /** Counts deliveries, for statistics. */
    public long delivered() {
        return delivery.delivered();
    }

    // ---- the VMM's ends
    // ----------------------------------------------------------------------------------

    /**
     * A channel whose other end is the VMM: console, xenstore, a backend.
     *
     * @param backend runs on the guest's vCPU thread at each send
     */
    public synchronized int allocateForBackend(Runnable backend) {
        Channel channel = Channel.unbound(Channel.HOST);
        channel.serve(backend);
        return ports.add(channel);
    }

    /**
     * Binds the VMM to a port that the guest offered to domain 0.
     *
     * @param port as the guest named it, any value
     * @param backend runs on the guest's vCPU thread at each send
     * @return null when the port is none such
     */
    public synchronized EventPort bindOffered(int port, Runnable backend) {
        Channel channel = ports.get(port);
        if (channel == null || !channel.isOfferedTo(Channel.HOST)) {
            return null;
        }
        channel.serve(backend);
        return new BackendPort(this, delivery, port, channel);
    }

    // ---- binding
    // -----------------------------------------------------------------------------------------

    /** alloc_unbound. */
    public synchronized int allocateUnbound(int remoteDomain) {
        return ports.add(Channel.unbound(remoteDomain));
    }

    /** bind_virq; a per-vCPU virtual interrupt has one channel on each vCPU. */
    public synchronized int bindVirq(int virq, int vcpu) {
        if (!Virq.exists(virq) || !Virq.isPerVcpu(virq) && vcpu != 0) {
            return -EINVAL;
        }
        if (!hasVcpu(vcpu)) {
            return -ENOENT;
        }
        if (ports.virqPort(virq, vcpu) > 0) {
            return -EEXIST;
        }
        return ports.add(Channel.virq(virq, vcpu));
    }

    private boolean hasVcpu(int vcpu) {
        return vcpu >= 0 && vcpu < delivery.vcpus();
    }

    /** bind_ipi. */
    public synchronized int bindIpi(int vcpu) {
        return hasVcpu(vcpu) ? ports.add(Channel.ipi(vcpu)) : -ENOENT;
    }

    /** bind_interdomain: to a port that the other domain offered to this one. */
    public int bindInterdomain(int remoteDomain, int remotePort) {
        EventChannels remote = peer(remoteDomain);
        if (remote == null) {
            return -ESRCH;
        }
        int port = withLocksOf(remote, () -> connect(remote, remotePort));
        if (port > 0) {
            // Xen marks the new end pending at once: the other side may have sent before.
            deliver(port);
        }
        return port;
    }

    private EventChannels peer(int remoteDomain) {
        return remoteDomain == domId ? this : neighbours.of(remoteDomain);
    }

    /** Both ends change at once, or a late change of one would meet the next channel there. */
    private int withLocksOf(EventChannels remote, IntSupplier change) {
        EventChannels first = domId <= remote.domId ? this : remote;
        EventChannels second = first == this ? remote : this;
        synchronized (first) {
            synchronized (second) {
                return change.getAsInt();
            }
        }
    }

    private int connect(EventChannels remote, int remotePort) {
        int port = ports.firstFree();
        if (port < 0) {
            return port;
        }
        Channel offered = remote.ports.get(remotePort);
        if (offered == null || !offered.isOfferedTo(domId)) {
            return -EINVAL;
        }
        ports.put(port, Channel.interdomain(remote.domId, remotePort));
        offered.connect(port);
        return port;
    }

    /** close. */
    public int close(int port) {
        while (true) {
            Channel channel;
            EventChannels remote;
            synchronized (this) {
                channel = ports.get(port);
                if (channel == null) {
                    return -EINVAL;
                }
                remote = channel.isConnected() ? peer(channel.remoteDomain) : null;
                if (remote == null) {
                    delivery.end(port, channel);
                    return 0;
                }
            }
            // The locks were let go: a sibling, or the peer, may have been faster.
            if (withLocksOf(remote, () -> disconnect(port, channel, remote)) == 0) {
                return 0;
            }
        }
    }

    private int disconnect(int port, Channel channel, EventChannels remote) {
        if (!ports.holds(port, channel) || !channel.isConnected()) {
            return -EAGAIN;
        }
        Channel end = remote.ports.get(channel.remotePort());
        if (end != null && end.isConnectedTo(domId, port)) {
            end.disconnect();
        }
        delivery.end(port, channel);
        return 0;
    }

    /** bind_vcpu: moves delivery; not for IPIs and per-vCPU interrupts. */
    public synchronized int bindVcpu(int port, int vcpu) {
        if (!hasVcpu(vcpu)) {
            return -ENOENT;
        }
        Channel channel = ports.get(port);
        if (channel == null || !channel.canMove()) {
            return -EINVAL;
        }
        channel.moveTo(vcpu);
        return 0;
    }

    /** reset: closes everything that the guest may close. */
    public int reset() {
        for (int port = 1; port < PORTS; port++) {
            close(port);
        }
        return 0;
    }

    /** status; null for a port out of range. */
    public synchronized ChannelStatus status(int port) {
        if (!PortTable.isPort(port)) {
            return null;
        }
        Channel channel = ports.get(port);
        return channel == null ? ChannelStatus.CLOSED : ChannelStatus.of(channel);
    }

    // ---- saving and restoring
    // ----------------------------------------------------------------------------

    /** All channels in use, by port. */
    public synchronized List<SavedChannel> save() {
        return ports.save();
    }

    /**
     * Makes the saved channels. The VMM's ends wait for {@link #bindBackend}; what led to another
     * guest waits for that guest to bind anew, as if it had closed its end.
     *
     * @param savedDomId the saved domain's id, to know a channel of the guest to itself
     * @return false when they are none that a domain with these vCPUs can have
     */
    public synchronized boolean restore(List<SavedChannel> saved, int savedDomId) {
        return ports.restore(saved, delivery.vcpus(), domId, savedDomId);
    }

    /**
     * Serves the VMM's end of a restored channel.
     *
     * @param backend as for {@link #allocateForBackend}
     * @return false when the port is no channel to the VMM, or is served already
     */
    public synchronized boolean bindBackend(int port, Runnable backend) {
        Channel channel = ports.get(port);
        if (channel == null || !channel.awaitsBackend()) {
            return false;
        }
        channel.serve(backend);
        return true;
    }

    // ---- sending
    // -----------------------------------------------------------------------------------------

    /** send: to oneself for an IPI, to the other end else. */
    public int send(int port) {
        Channel channel;
        Runnable backend = null;
        End to = null;
        synchronized (this) {
            channel = ports.get(port);
            if (channel == null) {
                return -EINVAL;
            }
            switch (channel.kind()) {
                case IPI -> {}
                case INTERDOMAIN -> {
                    backend = channel.backend();
                    to = new End(channel.remoteDomain, channel.remotePort());
                }
                case UNBOUND -> {
                    return 0;
                }
                case VIRQ -> {
                    return -EINVAL;
                }
            }
        }
        if (backend != null) {
            backend.run();
        } else if (to != null) {
            sendToPeer(to, new End(domId, port));
        } else {
            delivery.deliver(port, channel);
        }
        return 0;
    }

    private void sendToPeer(End to, End from) {
        if (to.domId() == domId) {
            deliverFrom(to.port(), from);
        } else {
            neighbours.notify(to, from);
        }
    }

    /**
     * The other end of a channel has sent. Domains that stand still apply nothing, so no more than
     * one event of a channel may wait for them: pending is a bit.
     *
     * @return whether {@link #deliverFrom} is to be queued
     */
    public synchronized boolean announceFrom(int port, End from) {
        Channel channel = ports.get(port);
        return channel != null
                && channel.isConnectedTo(from.domId(), from.port())
                && channel.announce();
    }

    /**
     * Delivers what the other end of a channel has sent, unless the channel was closed meanwhile:
     * then the port is another channel's, or none.
     */
    public void deliverFrom(int port, End from) {
        Channel channel;
        synchronized (this) {
            channel = ports.get(port);
            if (channel == null || !channel.isConnectedTo(from.domId(), from.port())) {
                return;
            }
            channel.arrived(); // before it is delivered: what is sent from now on comes again
        }
        delivery.deliver(port, channel);
    }

    /** Raises a virtual interrupt if the guest has bound it. */
    public void raiseVirq(int virq, int vcpu) {
        int port;
        synchronized (this) {
            port = ports.virqPort(virq, vcpu);
        }
        if (port > 0) {
            deliver(port);
        }
    }

    /** Makes a port pending and tells its vCPU unless the port is masked. */
    public void deliver(int port) {
        Channel channel = ports.get(port);
        if (channel != null) {
            delivery.deliver(port, channel);
        }
    }

    /** unmask: clears the mask bit and delivers what was pending behind it. */
    public int unmask(int port) {
        Channel channel = ports.get(port);
        if (channel == null) {
            return -EINVAL;
        }
        delivery.unmask(port, channel);
        return 0;
    }

    /** Whether a port's pending bit is set, for poll. */
    public boolean isPending(int port) {
        return bits.isPending(port);
    }

    /** Whether a port's mask bit is set. */
    public boolean isMasked(int port) {
        return bits.isMasked(port);
    }
}

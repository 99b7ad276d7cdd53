package org.xenolith.core.event;

import static org.xenolith.core.abi.XenErrno.ENOSPC;

import org.xenolith.core.abi.SharedInfo;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;

/**
 * Which channel stands at which port of a domain, and at which port a virtual interrupt is bound.
 *
 * <p>Touched under the lock of the {@link EventChannels} that it is part of, but for {@link #get}
 * and {@link #holds}: what those find may be gone the next moment.
 */
final class PortTable {
    /** Held by whoever changes or searches the table. */
    private final Object lock;

    /** Null for a port that is free; port 0 never is anything. */
    private final AtomicReferenceArray<Channel> channels =
            new AtomicReferenceArray<>(EventChannels.PORTS);

    /** Port of a virtual interrupt on a vCPU, 0 for none; a global one stands with vCPU 0. */
    private final int[][] virqPorts = new int[Virq.COUNT][SharedInfo.LEGACY_MAX_VCPUS];

    PortTable(Object lock) {
        this.lock = lock;
    }

    static boolean isPort(int port) {
        return port > 0 && port < EventChannels.PORTS;
    }

    /** The channel at a port; null when it is free, or none. */
    Channel get(int port) {
        return isPort(port) ? channels.get(port) : null;
    }

    /** Whether a channel still stands at its port. */
    boolean holds(int port, Channel channel) {
        return channels.get(port) == channel;
    }

    /**
     * The lowest port that is free.
     *
     * @return -ENOSPC when none is
     */
    int firstFree() {
        assert Thread.holdsLock(lock);
        for (int port = 1; port < EventChannels.PORTS; port++) {
            if (channels.get(port) == null) {
                return port;
            }
        }
        return -ENOSPC;
    }

    /**
     * Puts a channel to the lowest port that is free.
     *
     * @return the port, or -ENOSPC
     */
    int add(Channel channel) {
        int port = firstFree();
        if (port > 0) {
            put(port, channel);
        }
        return port;
    }

    /** Puts a channel to a port that is free. */
    void put(int port, Channel channel) {
        assert Thread.holdsLock(lock);
        channels.set(port, channel);
        if (channel.kind() == ChannelKind.VIRQ) {
            virqPorts[channel.virq][row(channel.virq, channel.vcpu())] = port;
        }
    }

    /** Takes a channel from its port. */
    void remove(int port, Channel channel) {
        assert Thread.holdsLock(lock);
        if (channel.kind() == ChannelKind.VIRQ) {
            virqPorts[channel.virq][row(channel.virq, channel.vcpu())] = 0;
        }
        channels.set(port, null);
    }

    /** Where a virtual interrupt is bound for a vCPU; 0 for nowhere. */
    int virqPort(int virq, int vcpu) {
        assert Thread.holdsLock(lock);
        return virqPorts[virq][row(virq, vcpu)];
    }

    /** All channels, by port. */
    List<SavedChannel> save() {
        assert Thread.holdsLock(lock);
        List<SavedChannel> saved = new ArrayList<>();
        for (int port = 1; port < EventChannels.PORTS; port++) {
            Channel channel = channels.get(port);
            if (channel != null) {
                saved.add(SavedChannel.of(port, channel));
            }
        }
        return saved;
    }

    /**
     * Makes the saved channels.
     *
     * @param vcpus of the domain
     * @param domId of the domain
     * @param savedDomId of the saved one, to know a channel of the guest to itself
     * @return false when they are none that such a domain can have
     */
    boolean restore(List<SavedChannel> saved, int vcpus, int domId, int savedDomId) {
        for (SavedChannel one : saved) {
            if (!one.isPossible(vcpus) || !hasRoomFor(one)) {
                return false;
            }
            put(one.port(), one.toChannel(domId, savedDomId));
        }
        return IntStream.range(1, EventChannels.PORTS).allMatch(port -> leadsBack(port, domId));
    }

    private boolean hasRoomFor(SavedChannel saved) {
        ChannelKind kind = ChannelKind.of(saved.kind());
        return get(saved.port()) == null
                && (kind != ChannelKind.VIRQ || virqPort(saved.virq(), saved.vcpu()) == 0);
    }

    /** Whether a channel of the domain to itself, if it is one, has its other end here. */
    private boolean leadsBack(int port, int domId) {
        Channel channel = get(port);
        if (channel == null || !channel.isConnected()) {
            return true;
        }
        Channel end = get(channel.remotePort());
        return end != null && end != channel && end.isConnectedTo(domId, port);
    }

    /** A global interrupt is the same one whichever vCPU it has been moved to. */
    private static int row(int virq, int vcpu) {
        return Virq.isPerVcpu(virq) ? vcpu : 0;
    }
}

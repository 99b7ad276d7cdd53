package org.xenolith.core.event;

/**
 * A channel as plain data; pending and mask bits stand in the shared page.
 *
 * @param kind a {@code EVTCHNSTAT_*}, not 0
 * @param vcpu the vCPU that is told of its events
 * @param virq which virtual interrupt, 0 for other kinds
 * @param remoteDomain whom it leads or is offered to, 0 for the VMM and for other kinds
 * @param remotePort port of a guest's end, 0 for none
 */
public record SavedChannel(
        int port, int kind, int vcpu, int virq, int remoteDomain, int remotePort) {
    /** What {@code domid_t} can hold. */
    private static final int DOMIDS = 1 << 16;

    /** To be called under the lock of the channel's domain. */
    static SavedChannel of(int port, Channel channel) {
        return new SavedChannel(
                port,
                channel.kind().status(),
                channel.vcpu(),
                channel.virq,
                channel.remoteDomain,
                channel.remotePort());
    }

    /** Whether a domain with so many vCPUs can have it: it may come from anywhere. */
    boolean isPossible(int vcpus) {
        ChannelKind known = ChannelKind.of(kind);
        if (known == null || !PortTable.isPort(port) || vcpu < 0 || vcpu >= vcpus) {
            return false;
        }
        return switch (known) {
            case UNBOUND -> virq == 0 && isDomain(remoteDomain) && remotePort == 0;
            case INTERDOMAIN -> virq == 0 && isDomain(remoteDomain) && isRightRemotePort();
            case VIRQ -> Virq.exists(virq) && remoteDomain == 0 && remotePort == 0;
            case IPI -> virq == 0 && remoteDomain == 0 && remotePort == 0;
        };
    }

    /** Whether an offer can be made to it; it need not exist. */
    private static boolean isDomain(int id) {
        return id >= 0 && id < DOMIDS;
    }

    /** The VMM's end has no port of its own. */
    private boolean isRightRemotePort() {
        return remoteDomain == Channel.HOST ? remotePort == 0 : PortTable.isPort(remotePort);
    }

    /**
     * The channel in its new domain. What led to another guest waits for that guest to bind anew,
     * as if it had closed its end; what led to the VMM waits for its backend.
     *
     * @param savedDomId the saved domain's id, to know a channel of the guest to itself
     */
    Channel toChannel(int domId, int savedDomId) {
        ChannelKind saved = ChannelKind.of(kind);
        if (remoteDomain == savedDomId) {
            return new Channel(saved, vcpu, virq, domId, remotePort);
        }
        if (saved == ChannelKind.INTERDOMAIN && remoteDomain != Channel.HOST) {
            return new Channel(ChannelKind.UNBOUND, vcpu, virq, remoteDomain, 0);
        }
        return new Channel(saved, vcpu, virq, remoteDomain, remotePort);
    }
}

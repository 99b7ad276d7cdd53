package org.xenolith.core.event;

/**
 * What EVTCHNOP_status reports of a port. public/event_channel.h, {@code struct evtchn_status}.
 *
 * @param kind a {@code EVTCHNSTAT_*}
 * @param vcpu the vCPU that is told of its events
 * @param first the remote domain, or the virtual interrupt, as the kind has one
 * @param second the remote port of an interdomain channel
 */
public record ChannelStatus(int kind, int vcpu, int first, int second) {
    static final ChannelStatus CLOSED = new ChannelStatus(0, 0, 0, 0);

    /** To be called under the lock of the channel's domain. */
    static ChannelStatus of(Channel channel) {
        return switch (channel.kind()) {
            case UNBOUND -> of(channel, channel.remoteDomain, 0);
            case INTERDOMAIN -> of(channel, channel.remoteDomain, channel.remotePort());
            case VIRQ -> of(channel, channel.virq, 0);
            case IPI -> of(channel, 0, 0);
        };
    }

    private static ChannelStatus of(Channel channel, int first, int second) {
        return new ChannelStatus(channel.kind().status(), channel.vcpu(), first, second);
    }
}

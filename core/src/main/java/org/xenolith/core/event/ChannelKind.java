package org.xenolith.core.event;

/**
 * What an event channel is. public/event_channel.h, {@code EVTCHNSTAT_*}, but for {@code closed}: a
 * port without a channel; and {@code pirq}, 3: there are no devices whose interrupts a guest could
 * bind.
 */
public enum ChannelKind {
    UNBOUND(1),
    INTERDOMAIN(2),
    VIRQ(4),
    IPI(5);

    private final int status;

    ChannelKind(int status) {
        this.status = status;
    }

    int status() {
        return status;
    }

    /**
     * @param status an {@code EVTCHNSTAT_*}
     * @return null for what no channel is
     */
    public static ChannelKind of(int status) {
        for (ChannelKind kind : values()) {
            if (kind.status == status) {
                return kind;
            }
        }
        return null;
    }
}

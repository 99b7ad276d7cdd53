package org.xenolith.devices.net;

import java.util.Optional;

/**
 * How a port treats what passes through it.
 *
 * @param address of the endpoint, which no other port can claim or send from; empty where a whole
 *     network may be behind the port
 * @param onlyAddress whether the endpoint may send from that address alone
 * @param impairment what the line between endpoint and switch does to frames; empty for nothing.
 *     Such a port loses what it has no room for, as a real line does, where others make senders
 *     wait
 * @param capture where a copy of each frame goes; empty for nowhere. Several ports may share a
 *     file, which stays the caller's to close
 */
public record PortSettings(
        Optional<MacAddress> address,
        boolean onlyAddress,
        Optional<Impairment> impairment,
        Optional<PcapFile> capture) {
    /** Any address, nothing lost, nothing captured. */
    public static final PortSettings PLAIN =
            new PortSettings(Optional.empty(), false, Optional.empty(), Optional.empty());

    /** For an endpoint that sends from this address alone. */
    public PortSettings withAddress(MacAddress fixed) {
        return new PortSettings(Optional.of(fixed), true, impairment, capture);
    }

    /**
     * For an endpoint that has others behind it, and sends from all addresses that are nobody's.
     */
    public PortSettings withOthersBehind() {
        return new PortSettings(address, false, impairment, capture);
    }

    public PortSettings withImpairment(Impairment line) {
        return new PortSettings(address, onlyAddress, Optional.of(line), capture);
    }

    public PortSettings withCapture(PcapFile file) {
        return new PortSettings(address, onlyAddress, impairment, Optional.of(file));
    }
}

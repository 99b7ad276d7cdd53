package org.xenolith.devices.net;

import java.util.Optional;

/**
 * How a port treats what passes through it.
 *
 * @param address the only source address that the endpoint may send from, and which no other port
 *     can claim; empty where a whole network may be behind the port
 * @param impairment what the line between endpoint and switch does to frames; empty for nothing.
 *     Such a port loses what it has no room for, as a real line does, where others make senders
 *     wait
 * @param capture where a copy of each frame goes; empty for nowhere. Several ports may share a
 *     file, which stays the caller's to close
 */
public record PortSettings(
        Optional<MacAddress> address, Optional<Impairment> impairment, Optional<PcapFile> capture) {
    /** Any address, nothing lost, nothing captured. */
    public static final PortSettings PLAIN =
            new PortSettings(Optional.empty(), Optional.empty(), Optional.empty());

    public PortSettings withAddress(MacAddress fixed) {
        return new PortSettings(Optional.of(fixed), impairment, capture);
    }

    public PortSettings withImpairment(Impairment line) {
        return new PortSettings(address, Optional.of(line), capture);
    }

    public PortSettings withCapture(PcapFile file) {
        return new PortSettings(address, impairment, Optional.of(file));
    }
}

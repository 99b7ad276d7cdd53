package org.xenolith.pv.netback;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.xenbus.FrontendKeys;

import java.nio.ByteBuffer;

/**
 * What a frontend can take off our hands.
 *
 * @param scatterGather frames in several slots
 * @param tcpV4 payloads that are to be cut, over IPv4
 * @param tcpV6 the same over IPv6
 * @param checksumV4 checksums that are not computed yet, over IPv4 and whatever is not IPv6
 * @param checksumV6 the same over IPv6
 */
record FrontendOffloads(
        boolean scatterGather,
        boolean tcpV4,
        boolean tcpV6,
        boolean checksumV4,
        boolean checksumV6) {
    private static final int ETHER_TYPE = 12;
    private static final short IPV6 = (short) 0x86dd;

    static FrontendOffloads of(FrontendKeys keys) {
        return new FrontendOffloads(
                keys.flag("feature-sg"),
                keys.flag("feature-gso-tcpv4"),
                keys.flag("feature-gso-tcpv6"),
                !keys.flag("feature-no-csum-offload"),
                keys.flag("feature-ipv6-csum-offload"));
    }

    /** Whether the frontend can take the frame as it is. */
    boolean take(EthernetFrame frame, ByteBuffer bytes) {
        boolean whole =
                switch (frame.segmentation()) {
                    case NONE -> true;
                    case TCP_V4 -> tcpV4 && scatterGather;
                    case TCP_V6 -> tcpV6 && scatterGather;
                };
        return whole
                && (scatterGather || frame.length() <= GrantedFrame.SIZE)
                && (!frame.checksumPending()
                        || (bytes.getShort(ETHER_TYPE) == IPV6 ? checksumV6 : checksumV4));
    }
}

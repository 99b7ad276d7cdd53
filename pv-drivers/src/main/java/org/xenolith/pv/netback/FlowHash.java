package org.xenolith.pv.netback;

import org.xenolith.devices.net.EthernetFrame;

import java.nio.ByteBuffer;

/**
 * Tells which queue a frame goes to: frames of one flow always to the same, since each queue keeps
 * its own order.
 */
final class FlowHash {
    private static final int ETHER_TYPE = 12, IPV4 = 0x0800, IPV6 = 0x86dd;
    private static final int IPV4_MIN = 20, IPV4_FRAGMENT = 6, IPV4_PROTOCOL = 9, IPV4_SOURCE = 12;
    private static final int IPV4_FRAGMENT_MASK = 0x3fff;
    private static final int IPV6_MIN = 40, IPV6_NEXT_HEADER = 6, IPV6_SOURCE = 8;
    private static final int TCP = 6, UDP = 17;
    private static final int MULTIPLIER = 0x9e3779b1;

    private FlowHash() {}

    /**
     * @param frame big-endian, from its first byte to its limit
     */
    static int of(ByteBuffer frame) {
        int ip = EthernetFrame.HEADER_BYTES;
        if (frame.limit() < ip) {
            return 0;
        }
        int etherType = Short.toUnsignedInt(frame.getShort(ETHER_TYPE));
        if (etherType == IPV4 && frame.limit() >= ip + IPV4_MIN) {
            return ofIpv4(frame, ip);
        }
        if (etherType == IPV6 && frame.limit() >= ip + IPV6_MIN) {
            return ofIpv6(frame, ip);
        }
        return mix(frame, 0, 2 * 6);
    }

    private static int ofIpv4(ByteBuffer frame, int ip) {
        int hash = mix(frame, ip + IPV4_SOURCE, 8);
        int headerBytes = (frame.get(ip) & 0xf) * 4;
        boolean whole = (frame.getShort(ip + IPV4_FRAGMENT) & IPV4_FRAGMENT_MASK) == 0;
        return whole
                ? withPorts(hash, frame, frame.get(ip + IPV4_PROTOCOL), ip + headerBytes)
                : hash;
    }

    private static int ofIpv6(ByteBuffer frame, int ip) {
        int hash = mix(frame, ip + IPV6_SOURCE, 32);
        return withPorts(hash, frame, frame.get(ip + IPV6_NEXT_HEADER), ip + IPV6_MIN);
    }

    private static int withPorts(int hash, ByteBuffer frame, int protocol, int at) {
        boolean ports = (protocol == TCP || protocol == UDP) && frame.limit() >= at + 4;
        return ports ? hash * MULTIPLIER + frame.getInt(at) : hash;
    }

    private static int mix(ByteBuffer frame, int at, int bytes) {
        int hash = 0;
        for (int i = 0; i < bytes; i += 4) {
            hash = hash * MULTIPLIER + frame.getInt(at + i);
        }
        return hash ^ hash >>> 15;
    }

    /** Spreads hashes over queues. */
    static int queue(int hash, int queues) {
        return Integer.remainderUnsigned(hash * MULTIPLIER ^ hash >>> 16, queues);
    }
}

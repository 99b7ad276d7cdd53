package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/** Offsets of an Ethernet header, and MAC addresses in a buffer. */
final class Ethernet {
    static final int DESTINATION = 0, SOURCE = 6, ETHERTYPE = 12;

    private Ethernet() {}

    static void writeHeader(ByteBuf frame, long destination, long source, int etherType) {
        setMac(frame, DESTINATION, destination);
        setMac(frame, SOURCE, source);
        frame.setShort(ETHERTYPE, etherType);
    }

    static long getMac(ByteBuf bytes, int offset) {
        return (long) bytes.getUnsignedShort(offset) << 32 | bytes.getUnsignedInt(offset + 2);
    }

    static void setMac(ByteBuf bytes, int offset, long mac) {
        bytes.setShort(offset, (int) (mac >> 32));
        bytes.setInt(offset + 2, (int) mac);
    }
}

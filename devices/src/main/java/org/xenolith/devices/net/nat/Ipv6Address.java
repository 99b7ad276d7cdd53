package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.util.NetUtil;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * An IPv6 address. RFC 4291.
 *
 * @param high network part of what is on a link: the first eight bytes
 * @param low interface identifier of it
 */
record Ipv6Address(long high, long low) {
    static final int BYTES = 16;
    static final Ipv6Address ANY = new Ipv6Address(0, 0);
    static final Ipv6Address LOOPBACK = new Ipv6Address(0, 1);
    static final Ipv6Address ALL_NODES = parse("ff02::1");

    private static final long LINK_LOCAL = 0xfe80_0000_0000_0000L;
    private static final long NAT64 = 0x0064_ff9b_0000_0000L; // RFC 6052, 2.1
    private static final long GLOBAL = 0x2000_0000_0000_0000L, GLOBAL_MASK = 0xe000_0000_0000_0000L;
    private static final long LOCAL = 0xfc00_0000_0000_0000L, LOCAL_MASK = 0xfe00_0000_0000_0000L;

    /** In the middle of an identifier that was made of a MAC address. */
    private static final long EUI64 = 0x0000_00ff_fe00_0000L, EUI64_MASK = 0x0000_00ff_ff00_0000L;

    private static final long UNIVERSAL_BIT = 0x0200_0000_0000_0000L;

    /**
     * @throws IllegalArgumentException when the text is no IPv6 address
     */
    static Ipv6Address parse(String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        if (bytes == null || bytes.length != BYTES) {
            throw new IllegalArgumentException("'" + text + "' is not an IPv6 address");
        }
        ByteBuffer address = ByteBuffer.wrap(bytes);
        return new Ipv6Address(address.getLong(), address.getLong());
    }

    static Ipv6Address readFrom(ByteBuf bytes, int offset) {
        return new Ipv6Address(bytes.getLong(offset), bytes.getLong(offset + Long.BYTES));
    }

    void writeTo(ByteBuf bytes, int offset) {
        bytes.setLong(offset, high);
        bytes.setLong(offset + Long.BYTES, low);
    }

    InetAddress toInetAddress() {
        byte[] bytes = ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }

    boolean isLinkLocal() {
        return high == LINK_LOCAL;
    }

    /** Whether a host elsewhere may have it: RFC 4291, 2.4; RFC 4193; RFC 6052. */
    boolean isUnicastOutside() {
        return (high & GLOBAL_MASK) == GLOBAL || (high & LOCAL_MASK) == LOCAL || high == NAT64;
    }

    /** Whether the interface with this MAC address may have it; all but one made of another's. */
    boolean mayBelongTo(long mac) {
        return (low & EUI64_MASK) != EUI64 || low == interfaceOf(mac);
    }

    /** The identifier that is made of a MAC address. RFC 4291, appendix A. */
    static long interfaceOf(long mac) {
        return (mac >>> 24 << 40 | EUI64 | mac & 0xff_ffffL) ^ UNIVERSAL_BIT;
    }

    /** The group in which an address is asked for. RFC 4291, 2.7.1. */
    Ipv6Address solicitedNode() {
        return new Ipv6Address(0xff02_0000_0000_0000L, 0x1_ff00_0000L | low & 0xff_ffffL);
    }

    /** The MAC address of a group. RFC 2464, 7. */
    long groupMac() {
        return 0x3333_0000_0000L | low & 0xffff_ffffL;
    }

    @Override
    public String toString() {
        return NetUtil.toAddressString(toInetAddress());
    }
}

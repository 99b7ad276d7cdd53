package org.xenolith.devices.net.nat;

/** Ethernet addresses as the low 48 bits of a {@code long}. */
final class Mac {
    static final long BROADCAST = 0xffff_ffff_ffffL;
    static final int BYTES = 6;

    private static final long IPV6_GROUPS = 0x3333; // the first two bytes; RFC 2464, 7
    private static final long GROUP_BIT = 0x0100_0000_0000L;

    private Mac() {}

    static boolean isIpv6Group(long mac) {
        return mac >>> 32 == IPV6_GROUPS;
    }

    /** Whether one interface may have it as its own. */
    static boolean isUnicast(long mac) {
        return mac != 0 && (mac & GROUP_BIT) == 0;
    }
}

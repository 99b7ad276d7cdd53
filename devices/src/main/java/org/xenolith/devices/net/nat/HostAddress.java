package org.xenolith.devices.net.nat;

import io.netty.util.NetUtil;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Addresses of the host as {@code -p} and its relatives write them: IPv6 in brackets. */
final class HostAddress {
    /** Either kind before a colon, or nothing; groups 1 and 2. */
    static final String OPTIONAL = "(?:(?:(\\d+\\.\\d+\\.\\d+\\.\\d+)|\\[([0-9a-fA-F:.]+)]):)?";

    private static final String LOOPBACK = "127.0.0.1";

    private HostAddress() {}

    /**
     * What {@link #OPTIONAL} has found, in the one form of that address.
     *
     * @return 127.0.0.1 when nothing was written
     * @throws IllegalArgumentException when it is no address
     */
    static String of(String ipv4, String ipv6) {
        if (ipv6 != null) {
            return Ipv6Address.parse(ipv6).toString();
        }
        return ipv4 == null ? LOOPBACK : ipv4;
    }

    /**
     * @throws IllegalArgumentException when it is no address
     */
    static InetAddress parse(String address) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(address);
        if (bytes == null) {
            throw new IllegalArgumentException("'" + address + "' is not an address");
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }

    /** Before a colon and a port. */
    static String written(String address) {
        return address.indexOf(':') < 0 ? address : "[" + address + "]";
    }
}

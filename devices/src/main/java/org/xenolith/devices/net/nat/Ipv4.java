package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.util.NetUtil;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** IPv4 addresses as {@code int}, and the fixed part of the header. RFC 791, 3.1. */
final class Ipv4 {
    static final int ETHERTYPE = 0x0800;
    static final int HEADER_BYTES = 20;
    static final int ICMP = 1, TCP = 6, UDP = 17;
    static final int LOOPBACK = 0x7f000001;
    static final int ANY = 0;

    // Offsets of struct iphdr.
    static final int VERSION_IHL = 0, TOTAL_LENGTH = 2, ID = 4, FRAGMENT = 6, TTL = 8, PROTOCOL = 9;
    static final int CHECKSUM = 10, SOURCE = 12, DESTINATION = 16;

    static final int DONT_FRAGMENT = 0x4000;
    static final int MORE_FRAGMENTS = 0x2000;
    static final int FRAGMENT_OFFSET_MASK = 0x1fff;
    static final int DEFAULT_TTL = 64;
    static final int MAX_PACKET_BYTES = 0xffff;

    static final int VERSION_4_WITHOUT_OPTIONS = 0x45;

    private Ipv4() {}

    /**
     * @throws IllegalArgumentException when the text is not four decimal numbers with dots
     */
    static int parse(String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        if (bytes == null || bytes.length != 4) {
            throw new IllegalArgumentException("'" + text + "' is not an IPv4 address");
        }
        return fromBytes(bytes);
    }

    static int fromBytes(byte[] bytes) {
        return (bytes[0] & 0xff) << 24
                | (bytes[1] & 0xff) << 16
                | (bytes[2] & 0xff) << 8
                | bytes[3] & 0xff;
    }

    static String format(int address) {
        return NetUtil.intToIpAddress(address);
    }

    static InetAddress toInetAddress(int address) {
        byte[] bytes = {
            (byte) (address >> 24), (byte) (address >> 16), (byte) (address >> 8), (byte) address
        };
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }

    /**
     * Whether a host elsewhere may have this address: not loopback, multicast, reserved, "this".
     */
    static boolean isUnicastOutside(int address) {
        int first = address >>> 24;
        return first != 0 && first != 127 && first < 224;
    }

    /** Writes the header, checksum included, at {@code at}. */
    static void writeHeader(
            ByteBuf packet,
            int at,
            int totalBytes,
            int id,
            int fragment,
            int protocol,
            int source,
            int destination) {
        packet.setByte(at + VERSION_IHL, VERSION_4_WITHOUT_OPTIONS);
        packet.setByte(at + 1, 0);
        packet.setShort(at + TOTAL_LENGTH, totalBytes);
        packet.setShort(at + ID, id);
        packet.setShort(at + FRAGMENT, fragment);
        packet.setByte(at + TTL, DEFAULT_TTL);
        packet.setByte(at + PROTOCOL, protocol);
        packet.setShort(at + CHECKSUM, 0);
        packet.setInt(at + SOURCE, source);
        packet.setInt(at + DESTINATION, destination);
        packet.setShort(at + CHECKSUM, InternetChecksum.of(packet, at, HEADER_BYTES, 0));
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.nio.charset.StandardCharsets;

/**
 * A DHCP message of a guest, checked and copied out of its packet. RFC 2131, 2; options: RFC 2132.
 *
 * @param type DHCPDISCOVER and so on
 * @param transaction xid
 * @param flags of which only the broadcast bit means anything
 * @param clientAddress ciaddr: address that the guest uses already, or 0
 * @param mac chaddr
 * @param requested address of option 50, or 0
 * @param server address of option 54, or 0
 * @param hostName option 12, or null
 */
record DhcpMessage(
        int type,
        int transaction,
        int flags,
        int clientAddress,
        long mac,
        int requested,
        int server,
        String hostName) {
    static final int SERVER_PORT = 67, CLIENT_PORT = 68;
    static final int DISCOVER = 1, OFFER = 2, REQUEST = 3, DECLINE = 4, ACK = 5, NAK = 6;
    static final int RELEASE = 7, INFORM = 8;

    // Offsets of the fixed part.
    static final int OP = 0, HTYPE = 1, HLEN = 2, XID = 4, FLAGS = 10, CIADDR = 12, YIADDR = 16;
    static final int SIADDR = 20, CHADDR = 28, COOKIE = 236, OPTIONS = 240;
    static final int BOOTREQUEST = 1, BOOTREPLY = 2;
    static final int MAGIC_COOKIE = 0x63825363;
    static final int BROADCAST_FLAG = 0x8000;

    static final int PAD = 0, SUBNET_MASK = 1, ROUTER = 3, DNS_SERVER = 6, HOST_NAME = 12;
    static final int DOMAIN_NAME = 15, INTERFACE_MTU = 26, BROADCAST_ADDRESS = 28;
    static final int REQUESTED_ADDRESS = 50, LEASE_TIME = 51, MESSAGE_TYPE = 53, SERVER_ID = 54;
    static final int RENEWAL_TIME = 58, REBINDING_TIME = 59, END = 255;

    private static final int ETHERNET = 1;

    /**
     * @return null when it is no request of an Ethernet client
     */
    static DhcpMessage read(ByteBuf bytes) {
        int at = bytes.readerIndex();
        if (bytes.readableBytes() < OPTIONS
                || bytes.getByte(at + OP) != BOOTREQUEST
                || bytes.getByte(at + HTYPE) != ETHERNET
                || bytes.getByte(at + HLEN) != Mac.BYTES
                || bytes.getInt(at + COOKIE) != MAGIC_COOKIE) {
            return null;
        }
        Options options = new Options();
        options.read(bytes, at + OPTIONS, bytes.writerIndex());
        return new DhcpMessage(
                options.type,
                bytes.getInt(at + XID),
                bytes.getUnsignedShort(at + FLAGS),
                bytes.getInt(at + CIADDR),
                Ethernet.getMac(bytes, at + CHADDR),
                options.requested,
                options.server,
                options.hostName);
    }

    /** The few options that matter; a length that runs over the end ends the reading. */
    private static final class Options {
        private int type;
        private int requested;
        private int server;
        private String hostName;

        private void read(ByteBuf bytes, int from, int end) {
            int at = from;
            while (at < end) {
                int code = bytes.getUnsignedByte(at);
                if (code == PAD) {
                    at++;
                    continue;
                }
                if (code == END || at + 2 > end) {
                    return;
                }
                int length = bytes.getUnsignedByte(at + 1);
                if (at + 2 + length > end) {
                    return;
                }
                take(code, bytes, at + 2, length);
                at += 2 + length;
            }
        }

        private void take(int code, ByteBuf bytes, int at, int length) {
            if (code == MESSAGE_TYPE && length == 1) {
                type = bytes.getByte(at);
            } else if (code == REQUESTED_ADDRESS && length == Integer.BYTES) {
                requested = bytes.getInt(at);
            } else if (code == SERVER_ID && length == Integer.BYTES) {
                server = bytes.getInt(at);
            } else if (code == HOST_NAME) {
                hostName = bytes.toString(at, length, StandardCharsets.US_ASCII);
            }
        }
    }
}

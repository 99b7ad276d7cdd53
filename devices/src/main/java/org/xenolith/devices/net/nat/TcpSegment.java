package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * A TCP segment of a guest, read once out of its packet: RFC 9293, 3.1. One object serves all
 * segments, one after the other; the payload stays where it is.
 */
final class TcpSegment {
    static final int HEADER_BYTES = 20;
    static final int MAX_HEADER_BYTES = 60;

    static final int FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10;

    // Offsets of struct tcphdr.
    static final int SOURCE_PORT = 0, DESTINATION_PORT = 2, SEQUENCE = 4, ACKNOWLEDGEMENT = 8;
    static final int DATA_OFFSET = 12, FLAGS = 13, WINDOW = 14, CHECKSUM = 16, URGENT = 18;
    static final int OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_WINDOW_SCALE = 3;
    static final int MSS_OPTION_BYTES = 4, WINDOW_SCALE_OPTION_BYTES = 3;
    static final int MAX_WINDOW_SCALE = 14;

    /** What a peer that names no MSS takes. RFC 9293, 3.7.1. */
    static final int DEFAULT_MSS = 536;

    int sourcePort;
    int destinationPort;
    int sequence;
    int acknowledgement;
    int flags;
    int window; // as it stands in the header, not scaled
    int mss; // of a SYN
    int windowScale; // of a SYN, -1 without the option
    ByteBuf packet;
    int payloadOffset;
    int payloadBytes;

    /**
     * Reads the segment in {@code [offset, offset + length)} of the packet.
     *
     * @return false when it is cut short or its lengths contradict each other
     */
    boolean read(ByteBuf packet, int offset, int length) {
        if (length < HEADER_BYTES) {
            return false;
        }
        int headerBytes = (packet.getByte(offset + DATA_OFFSET) >> 4 & 0xf) * 4;
        if (headerBytes < HEADER_BYTES || headerBytes > length) {
            return false;
        }
        this.packet = packet;
        sourcePort = packet.getUnsignedShort(offset + SOURCE_PORT);
        destinationPort = packet.getUnsignedShort(offset + DESTINATION_PORT);
        sequence = packet.getInt(offset + SEQUENCE);
        acknowledgement = packet.getInt(offset + ACKNOWLEDGEMENT);
        flags = packet.getByte(offset + FLAGS);
        window = packet.getUnsignedShort(offset + WINDOW);
        payloadOffset = offset + headerBytes;
        payloadBytes = length - headerBytes;
        mss = DEFAULT_MSS;
        windowScale = -1;
        if (has(SYN)) {
            readOptions(offset + HEADER_BYTES, payloadOffset);
        }
        return true;
    }

    private void readOptions(int from, int end) {
        int at = from;
        while (at < end) {
            int kind = packet.getByte(at);
            if (kind == OPTION_END) {
                return;
            }
            if (kind == OPTION_NOP) {
                at++;
                continue;
            }
            int length = at + 1 < end ? packet.getUnsignedByte(at + 1) : 0;
            if (length < 2 || at + length > end) {
                return;
            }
            if (kind == OPTION_MSS && length == MSS_OPTION_BYTES) {
                mss = packet.getUnsignedShort(at + 2);
            } else if (kind == OPTION_WINDOW_SCALE && length == WINDOW_SCALE_OPTION_BYTES) {
                windowScale = Math.min(packet.getUnsignedByte(at + 2), MAX_WINDOW_SCALE);
            }
            at += length;
        }
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Sequence numbers that the segment occupies: its payload, SYN and FIN. */
    int sequenceBytes() {
        return payloadBytes + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }

    /** Whether sequence number {@code a} comes before {@code b}; they wrap. RFC 9293, 3.4. */
    static boolean before(int a, int b) {
        return a - b < 0;
    }
}

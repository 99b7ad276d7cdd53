package org.xenolith.devices.net.tunnel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.Packet;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What stands before a frame at a TAP device: the work that is left to do on it. {@code struct
 * virtio_net_hdr} in the byte order of x86-64.
 *
 * @param segmentBytes TCP payload of each segment, 0 without segmentation
 * @param checksumStart index of the TCP or UDP header in the frame
 * @param checksumOffset index of the checksum in that header
 * @see <a href="https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html">Virtio 1.2,
 *     5.1.6</a>
 */
record VirtioNetHeader(
        boolean checksumPending,
        Segmentation segmentation,
        int headerBytes,
        int segmentBytes,
        int checksumStart,
        int checksumOffset) {
    static final int SIZE = 10;

    private static final int FLAGS = 0, GSO_TYPE = 1, HDR_LEN = 2, GSO_SIZE = 4;
    private static final int CSUM_START = 6, CSUM_OFFSET = 8;

    private static final int NEEDS_CSUM = 1;
    private static final int GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4;

    /** Beside the type: some segment says that there was congestion. */
    private static final int GSO_ECN = 0x80;

    private static final VirtioNetHeader NOTHING_LEFT =
            new VirtioNetHeader(false, Segmentation.NONE, 0, 0, 0, 0);

    private static final ValueLayout.OfShort LE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Null for a frame that says it has to be cut and cannot be. */
    static VirtioNetHeader of(EthernetFrame frame) {
        if (!frame.checksumPending() && frame.segmentation() == Segmentation.NONE) {
            return NOTHING_LEFT;
        }
        Packet packet = Packet.in(frame.content());
        if (frame.segmentation() == Segmentation.NONE) {
            return packet == null ? NOTHING_LEFT : of(packet, Segmentation.NONE, 0);
        }
        if (packet == null || packet.protocol() != Packet.TCP) {
            return null;
        }
        Segmentation kind = packet.v6() ? Segmentation.TCP_V6 : Segmentation.TCP_V4;
        return of(packet, kind, frame.segmentBytes());
    }

    private static VirtioNetHeader of(Packet packet, Segmentation kind, int segmentBytes) {
        return new VirtioNetHeader(
                true,
                kind,
                kind == Segmentation.NONE ? 0 : packet.payload(),
                segmentBytes,
                packet.transport(),
                packet.checksum() - packet.transport());
    }

    static VirtioNetHeader readFrom(MemorySegment bytes) {
        int flags = bytes.get(JAVA_BYTE, FLAGS);
        int type = bytes.get(JAVA_BYTE, GSO_TYPE) & ~GSO_ECN;
        return new VirtioNetHeader(
                (flags & NEEDS_CSUM) != 0,
                type == GSO_TCPV4
                        ? Segmentation.TCP_V4
                        : type == GSO_TCPV6 ? Segmentation.TCP_V6 : Segmentation.NONE,
                unsigned(bytes, HDR_LEN),
                type == GSO_NONE ? 0 : unsigned(bytes, GSO_SIZE),
                unsigned(bytes, CSUM_START),
                unsigned(bytes, CSUM_OFFSET));
    }

    private static int unsigned(MemorySegment bytes, long offset) {
        return Short.toUnsignedInt(bytes.get(LE_SHORT, offset));
    }

    void writeTo(MemorySegment bytes) {
        bytes.set(JAVA_BYTE, FLAGS, (byte) (checksumPending ? NEEDS_CSUM : 0));
        bytes.set(
                JAVA_BYTE,
                GSO_TYPE,
                (byte)
                        switch (segmentation) {
                            case NONE -> GSO_NONE;
                            case TCP_V4 -> GSO_TCPV4;
                            case TCP_V6 -> GSO_TCPV6;
                        });
        bytes.set(LE_SHORT, HDR_LEN, (short) headerBytes);
        bytes.set(LE_SHORT, GSO_SIZE, (short) segmentBytes);
        bytes.set(LE_SHORT, CSUM_START, (short) checksumStart);
        bytes.set(LE_SHORT, CSUM_OFFSET, (short) checksumOffset);
    }

    /** A frame with a copy of the bytes that followed this header. */
    EthernetFrame frame(MemorySegment bytes) {
        return new EthernetFrame(
                Unpooled.wrappedBuffer(bytes.toArray(JAVA_BYTE)),
                checksumPending,
                segmentation,
                segmentBytes);
    }
}

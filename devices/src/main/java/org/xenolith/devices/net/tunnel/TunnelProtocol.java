package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.lang.foreign.MemorySegment;

/**
 * What the ends of a tunnel say to each other, when both are ours, so that a TCP payload which is
 * not cut into segments yet passes as it is. Three kinds of frames in the tunnel's own framing:
 *
 * <pre>
 * ASK     I take unfinished frames: do you?
 * ACCEPT  So do I.
 * PASS    a virtio-net header, and the frame that it speaks of
 * </pre>
 *
 * <p>They go to a group address that no bridge forwards, so that no guest behind one of our
 * switches can send them, with an EtherType for local use. QEMU at the other end hands the one ASK
 * to its guest, which does not know it, and goes on with finished frames.
 *
 * @see <a href="https://ieeexplore.ieee.org/document/1309630">IEEE 802.1D-2004, 7.12.6, reserved
 *     addresses</a>
 */
final class TunnelProtocol {
    static final byte ASK = 1, ACCEPT = 2, PASS = 3;

    /** Bytes before a frame that passes as it is. */
    static final int PASS_BYTES = 20 + VirtioNetHeader.SIZE;

    /** To the nearest bridge, from nobody in particular. */
    private static final long DESTINATION = 0x0180_c200_000eL, SOURCE = 0x0200_0000_0000L;

    /** IEEE 802: local experimental EtherType 1, and what tells us from other experiments. */
    private static final int ETHER_TYPE = 0x88b5, MAGIC = 0x58454e4f;

    private static final int ADDRESS_BITS = 48;
    private static final int TYPE_AT = 12, MAGIC_AT = 14, KIND_AT = 18, HEADER_BYTES = 20;
    private static final int SHORTEST_FRAME = 60;

    private TunnelProtocol() {}

    /**
     * Kind of the frame; 0 if it is a guest's.
     *
     * @param frame from its reader index on
     */
    static byte kindOf(ByteBuf frame) {
        int start = frame.readerIndex();
        boolean own =
                frame.readableBytes() >= HEADER_BYTES
                        && frame.getLong(start) >>> Long.SIZE - ADDRESS_BITS == DESTINATION
                        && frame.getUnsignedShort(start + TYPE_AT) == ETHER_TYPE
                        && frame.getInt(start + MAGIC_AT) == MAGIC;
        return own ? frame.getByte(start + KIND_AT) : 0;
    }

    /** An ASK or ACCEPT. */
    static ByteBuf word(ByteBufAllocator allocator, byte kind) {
        ByteBuf frame = allocator.buffer(SHORTEST_FRAME);
        writeHeader(frame, kind);
        return frame.writeZero(SHORTEST_FRAME - HEADER_BYTES);
    }

    private static void writeHeader(ByteBuf frame, byte kind) {
        frame.writeShort((int) (DESTINATION >>> Integer.SIZE)).writeInt((int) DESTINATION);
        frame.writeShort((int) (SOURCE >>> Integer.SIZE)).writeInt((int) SOURCE);
        frame.writeShort(ETHER_TYPE).writeInt(MAGIC).writeByte(kind).writeByte(0);
    }

    /**
     * A frame as it is, in a PASS.
     *
     * @param frame keeps its reference
     * @return null for a frame that says it has to be cut and cannot be
     */
    static ByteBuf pass(ByteBufAllocator allocator, EthernetFrame frame) {
        VirtioNetHeader work = VirtioNetHeader.of(frame);
        if (work == null) {
            return null;
        }
        byte[] header = new byte[VirtioNetHeader.SIZE];
        work.writeTo(MemorySegment.ofArray(header));
        ByteBuf front = allocator.buffer(PASS_BYTES);
        writeHeader(front, PASS);
        front.writeBytes(header);
        return Unpooled.wrappedBuffer(front, frame.content().retainedDuplicate());
    }

    /**
     * What a PASS holds.
     *
     * @param pass its reference stays the caller's
     * @return null if that cannot be
     */
    static EthernetFrame passed(ByteBuf pass) {
        int bytes = pass.readableBytes() - PASS_BYTES;
        if (bytes < EthernetFrame.HEADER_BYTES) {
            return null;
        }
        byte[] header = new byte[VirtioNetHeader.SIZE];
        pass.getBytes(pass.readerIndex() + HEADER_BYTES, header);
        VirtioNetHeader work = VirtioNetHeader.readFrom(MemorySegment.ofArray(header));
        boolean cut = work.segmentation() != Segmentation.NONE;
        if (cut && (work.segmentBytes() == 0 || !work.checksumPending())) {
            return null;
        }
        return new EthernetFrame(
                pass.retainedSlice(pass.readerIndex() + PASS_BYTES, bytes),
                work.checksumPending(),
                work.segmentation(),
                work.segmentBytes());
    }
}

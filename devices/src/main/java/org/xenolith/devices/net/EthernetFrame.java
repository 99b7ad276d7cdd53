package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.DefaultByteBufHolder;
import io.netty.buffer.PooledByteBufAllocator;

import java.nio.ByteBuffer;

/**
 * An Ethernet frame on its way through the switch, without preamble and check sequence:
 * destination, source, EtherType, payload. It carries the work that its sender left to whoever
 * comes next, as network cards do: a TCP or UDP checksum that is not computed yet, and a TCP
 * payload that is not cut into segments yet. Two guests on one host never pay for either.
 *
 * <p>Reference counted like the buffer it holds; whoever is handed a frame owns one reference.
 */
public final class EthernetFrame extends DefaultByteBufHolder {
    /** What a payload larger than a segment has to be cut into. */
    public enum Segmentation {
        NONE,
        TCP_V4,
        TCP_V6
    }

    /** Destination, source and EtherType. */
    public static final int HEADER_BYTES = 14;

    /** With the largest IPv4 header, or that of IPv6, and the ports behind it: 14 + 60 + 4. */
    private static final int HEAD_BYTES = 128;

    private final boolean checksumPending;
    private final Segmentation segmentation;
    private final int segmentBytes;

    /** A frame that is complete as it stands. */
    public EthernetFrame(ByteBuf bytes) {
        this(bytes, false, Segmentation.NONE, 0);
    }

    /**
     * @param bytes the frame; its reference passes to this object
     * @param checksumPending whether the TCP or UDP checksum field holds the sum of the pseudo
     *     header only, and the rest is due before the frame leaves the host
     * @param segmentation how the payload has to be cut
     * @param segmentBytes TCP payload of each segment (the MSS); 0 without segmentation
     */
    public EthernetFrame(
            ByteBuf bytes, boolean checksumPending, Segmentation segmentation, int segmentBytes) {
        super(bytes);
        this.checksumPending = checksumPending;
        this.segmentation = segmentation;
        this.segmentBytes = segmentBytes;
    }

    /**
     * A frame to be filled in through {@link #bytes}; it holds anything until then.
     *
     * @param length in bytes, at least {@link #HEADER_BYTES}
     */
    public static EthernetFrame ofLength(
            int length, boolean checksumPending, Segmentation segmentation, int segmentBytes) {
        ByteBuf bytes = PooledByteBufAllocator.DEFAULT.buffer(length, length).writerIndex(length);
        return new EthernetFrame(bytes, checksumPending, segmentation, segmentBytes);
    }

    /** Size of the frame in bytes. */
    public int length() {
        return content().readableBytes();
    }

    /**
     * The frame's bytes in network order, from 0 to {@link #length}, for those who know nothing of
     * Netty: of a frame in parts a copy. Only who made the frame may write, and only before anybody
     * else has it.
     */
    public ByteBuffer bytes() {
        return content().nioBuffer();
    }

    /** The first bytes of the frame, with all headers up to the ports; fewer if it is shorter. */
    public ByteBuffer head() {
        return content().nioBuffer(content().readerIndex(), Math.min(length(), HEAD_BYTES));
    }

    /**
     * Copies bytes of the frame, wherever its parts are. Any thread that has a reference may.
     *
     * @param at first byte, from 0
     * @param to takes as many as remain in it
     */
    public void copyTo(int at, ByteBuffer to) {
        content().getBytes(content().readerIndex() + at, to);
    }

    public boolean checksumPending() {
        return checksumPending;
    }

    public Segmentation segmentation() {
        return segmentation;
    }

    /** TCP payload of each segment in bytes; 0 without segmentation. */
    public int segmentBytes() {
        return segmentBytes;
    }

    @Override
    public EthernetFrame replace(ByteBuf content) {
        return new EthernetFrame(content, checksumPending, segmentation, segmentBytes);
    }
}

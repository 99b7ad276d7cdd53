package org.xenolith.cpu;

/** The scattered fields of a segment descriptor's 8 bytes. SDM vol. 3A, 3.4.5. */
public final class SegmentDescriptor {
    private static final long GRANULARITY = 1L << 55;

    private SegmentDescriptor() {}

    /** Linear address of offset 0, 32 bits. */
    public static long base(long descriptor) {
        return descriptor >>> 16 & 0xff_ffff | (descriptor >>> 56 & 0xff) << 24;
    }

    /** The last offset in bytes, granularity applied: 0 to 2^32 - 1. */
    public static long limit(long descriptor) {
        long limit = descriptor & 0xffff | (descriptor >>> 48 & 0xf) << 16;
        return (descriptor & GRANULARITY) != 0 ? limit << 12 | 0xfff : limit;
    }
}

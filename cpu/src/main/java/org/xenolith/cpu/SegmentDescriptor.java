package org.xenolith.cpu;

/** The scattered fields of a segment descriptor's 8 bytes. SDM vol. 3A, 3.4.5. */
public final class SegmentDescriptor {
    private static final long READABLE_OR_WRITABLE = 1L << 41;
    private static final long CONFORMING_OR_EXPAND_DOWN = 1L << 42;
    private static final long CODE = 1L << 43;
    private static final long CODE_OR_DATA = 1L << 44;
    private static final long DPL = 3L << 45;
    private static final long PRESENT = 1L << 47;
    private static final long LONG_MODE = 1L << 53;
    private static final long DEFAULT_SIZE = 1L << 54;
    private static final long GRANULARITY = 1L << 55;

    private static final long PRESENT_CODE = PRESENT | CODE_OR_DATA | CODE;
    private static final long CODE_SIZE = LONG_MODE | DEFAULT_SIZE;

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

    /**
     * Whether it is a present segment of 64-bit code. With D beside L it is none: that is reserved,
     * and a processor refuses to load it, while Xen lets it stand in a table ({@code
     * check_descriptor}).
     */
    public static boolean is64BitCode(long descriptor) {
        return (descriptor & (PRESENT_CODE | CODE_SIZE)) == (PRESENT_CODE | LONG_MODE);
    }

    /** Whether it is a present segment of 32-bit code, for compatibility mode. */
    public static boolean is32BitCode(long descriptor) {
        return (descriptor & (PRESENT_CODE | CODE_SIZE)) == (PRESENT_CODE | DEFAULT_SIZE);
    }

    public static boolean isPresent(long descriptor) {
        return (descriptor & PRESENT) != 0;
    }

    /** Clear in system descriptors, gates among them. */
    public static boolean isCodeOrData(long descriptor) {
        return (descriptor & CODE_OR_DATA) != 0;
    }

    /** Of what is code or data, present or not. */
    public static boolean isCode(long descriptor) {
        return (descriptor & CODE) != 0;
    }

    /** Data, or code that may be read; not what a null selector gives. */
    public static boolean isReadable(long descriptor) {
        return descriptor != 0 && (!isCode(descriptor) || (descriptor & READABLE_OR_WRITABLE) != 0);
    }

    /** Data that may be written. */
    public static boolean isWritable(long descriptor) {
        return !isCode(descriptor) && (descriptor & READABLE_OR_WRITABLE) != 0;
    }

    /** Of code: whoever runs with less privilege may go there and keeps its own. */
    public static boolean isConforming(long descriptor) {
        return isCode(descriptor) && (descriptor & CONFORMING_OR_EXPAND_DOWN) != 0;
    }

    /** Of data: the offsets in it are those above the limit. */
    public static boolean expandsDown(long descriptor) {
        return !isCode(descriptor) && (descriptor & CONFORMING_OR_EXPAND_DOWN) != 0;
    }

    /** Whether CPL 3 suffices for it: its DPL is 3, or it is conforming code. */
    public static boolean isForUsers(long descriptor) {
        return (descriptor & DPL) == DPL || isConforming(descriptor);
    }

    /**
     * How a transfer at CPL 3 to what is no present code of 64 or 32 bits is refused. SDM vol. 2,
     * JMP and IRET: presence is looked at last.
     *
     * @return the vector of #NP where presence is all that a code segment lacks, else of #GP
     */
    public static int refusalOfCode(long descriptor) {
        boolean isLoadable =
                isCodeOrData(descriptor)
                        && isCode(descriptor)
                        && (descriptor & CODE_SIZE) != CODE_SIZE;
        return isLoadable && isAbsentForUsers(descriptor)
                ? Vector.SEGMENT_NOT_PRESENT
                : Vector.GENERAL_PROTECTION;
    }

    /**
     * How SS refuses at CPL 3 what is no present data that may be written. SDM vol. 2, MOV.
     *
     * @return the vector of #SS where presence is all that a stack segment lacks, else of #GP
     */
    public static int refusalOfStack(long descriptor) {
        boolean isLoadable = isCodeOrData(descriptor) && isWritable(descriptor);
        return isLoadable && isAbsentForUsers(descriptor)
                ? Vector.STACK_FAULT
                : Vector.GENERAL_PROTECTION;
    }

    private static boolean isAbsentForUsers(long descriptor) {
        return !isPresent(descriptor) && isForUsers(descriptor);
    }

    /** D/B: of a stack that ESP counts, not SP; of data that expands down that it ends at 4 GiB. */
    public static boolean isBig(long descriptor) {
        return (descriptor & DEFAULT_SIZE) != 0;
    }
}

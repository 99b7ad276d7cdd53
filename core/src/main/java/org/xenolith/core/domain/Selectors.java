package org.xenolith.core.domain;

import org.xenolith.cpu.SegmentDescriptor;

/** Xen's flat segments of a 64-bit guest. public/arch-x86/xen-x86_64.h, {@code FLAT_*}. */
public final class Selectors {
    public static final int FLAT_CS64 = 0xe033;
    public static final int FLAT_CS32 = 0xe023;
    public static final int FLAT_SS = 0xe02b;
    public static final int RPL = 3;

    /** Indices into {@link org.xenolith.cpu.Cpu#selectors}. */
    public static final int ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5;

    /** First descriptor of the GDT pages that belong to Xen. {@code FIRST_RESERVED_GDT_ENTRY}. */
    static final int FIRST_RESERVED_ENTRY = 7168;

    private static final long CODE64 = 0x00af_fb00_0000_ffffL;
    private static final long CODE32 = 0x00cf_fb00_0000_ffffL;
    private static final long DATA = 0x00cf_f300_0000_ffffL;

    private Selectors() {}

    /** Whether DS, ES, FS or GS can be loaded with it: data, or code that may be read. */
    static boolean isLoadableData(long descriptor) {
        return SegmentDescriptor.isPresent(descriptor)
                && SegmentDescriptor.isCodeOrData(descriptor)
                && SegmentDescriptor.isReadable(descriptor);
    }

    /** Whether SS can be loaded with it: data that may be written. */
    static boolean isStack(long descriptor) {
        return SegmentDescriptor.isPresent(descriptor)
                && SegmentDescriptor.isCodeOrData(descriptor)
                && SegmentDescriptor.isWritable(descriptor);
    }

    /** Descriptor of a flat segment, 0 for any other entry that Xen keeps for itself. */
    static long reservedDescriptor(int selector) {
        return switch (selector | RPL) {
            case FLAT_CS64 -> CODE64;
            case FLAT_CS32 -> CODE32;
            case FLAT_SS -> DATA;
            default -> 0;
        };
    }
}

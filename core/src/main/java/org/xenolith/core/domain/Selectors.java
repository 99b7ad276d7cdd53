package org.xenolith.core.domain;

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

    private static final long PRESENT = 1L << 47;
    private static final long CODE_OR_DATA = 1L << 44;
    private static final long EXECUTABLE = 1L << 43;
    private static final long READABLE = 1L << 41;
    private static final long WRITABLE = 1L << 41;
    private static final long LONG_MODE = 1L << 53;
    private static final long DEFAULT_SIZE = 1L << 54;
    private static final long CODE_BITS = PRESENT | CODE_OR_DATA | EXECUTABLE;
    private static final long CODE64_BITS = CODE_BITS | LONG_MODE;
    private static final long CODE32_BITS = CODE_BITS | DEFAULT_SIZE;

    private Selectors() {}

    /** Whether a descriptor is that of 64-bit code. SDM vol. 3A, 3.4.5. */
    static boolean is64BitCode(long descriptor) {
        return (descriptor & CODE64_BITS) == CODE64_BITS;
    }

    /** Whether a descriptor is that of 32-bit code, for compatibility mode. */
    static boolean is32BitCode(long descriptor) {
        return (descriptor & (CODE32_BITS | LONG_MODE)) == CODE32_BITS;
    }

    /** Whether DS, ES, FS or GS can be loaded with it: data, or code that may be read. */
    static boolean isLoadableData(long descriptor) {
        long present = PRESENT | CODE_OR_DATA;
        return (descriptor & present) == present
                && ((descriptor & EXECUTABLE) == 0 || (descriptor & READABLE) != 0);
    }

    /** Whether SS can be loaded with it: data that may be written. */
    static boolean isStack(long descriptor) {
        long bits = PRESENT | CODE_OR_DATA | WRITABLE;
        return (descriptor & (bits | EXECUTABLE)) == bits;
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

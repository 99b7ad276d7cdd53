package org.xenolith.core.mm;

/**
 * What a frame is used as, which excludes every other use while it is counted. Xen's {@code PGT_*},
 * numbered so that a page table's type is its level.
 */
public final class FrameType {
    public static final int NONE = 0;
    public static final int L1_TABLE = 1;
    public static final int L2_TABLE = 2;
    public static final int L3_TABLE = 3;
    public static final int L4_TABLE = 4;
    public static final int SEGMENT_DESCRIPTORS = 5;
    public static final int WRITABLE = 6;

    private FrameType() {}

    /** Short name of a type. */
    public static String name(int type) {
        return switch (type) {
            case NONE -> "none";
            case L1_TABLE -> "L1";
            case L2_TABLE -> "L2";
            case L3_TABLE -> "L3";
            case L4_TABLE -> "L4";
            case SEGMENT_DESCRIPTORS -> "descriptors";
            case WRITABLE -> "writable";
            default -> Integer.toString(type);
        };
    }

    static boolean isPageTable(int type) {
        return type >= L1_TABLE && type <= L4_TABLE;
    }
}

package org.xenolith.core.abi;

/** A trap table entry: {@code struct trap_info}, public/arch-x86/xen.h. */
public final class TrapInfo {
    public static final int SIZE = 16;
    public static final int VECTOR = 0;
    public static final int FLAGS = 1;
    public static final int CS = 2;
    public static final int ADDRESS = 8;

    public static final int FLAG_DPL_MASK = 3;
    public static final int FLAG_MASK_EVENTS = 4;

    private TrapInfo() {}
}

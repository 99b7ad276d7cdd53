package org.xenolith.cpu;

/** Exception vectors of the processor. SDM vol. 3A, table 6-1. */
public final class Vector {
    public static final int DIVIDE_ERROR = 0;
    public static final int DEBUG = 1;
    public static final int NMI = 2;
    public static final int BREAKPOINT = 3;
    public static final int OVERFLOW = 4;
    public static final int BOUND_RANGE = 5;
    public static final int INVALID_OPCODE = 6;
    public static final int DEVICE_NOT_AVAILABLE = 7;
    public static final int DOUBLE_FAULT = 8;
    public static final int INVALID_TSS = 10;
    public static final int SEGMENT_NOT_PRESENT = 11;
    public static final int STACK_FAULT = 12;
    public static final int GENERAL_PROTECTION = 13;
    public static final int PAGE_FAULT = 14;
    public static final int X87_ERROR = 16;
    public static final int ALIGNMENT_CHECK = 17;
    public static final int MACHINE_CHECK = 18;
    public static final int SIMD_ERROR = 19;

    private static final int PUSHES_ERROR_CODE =
            1 << DOUBLE_FAULT
                    | 1 << INVALID_TSS
                    | 1 << SEGMENT_NOT_PRESENT
                    | 1 << STACK_FAULT
                    | 1 << GENERAL_PROTECTION
                    | 1 << PAGE_FAULT
                    | 1 << ALIGNMENT_CHECK
                    | 1 << 21
                    | 1 << 29
                    | 1 << 30;

    private Vector() {}

    /** Whether delivery of {@code vector} pushes an error code. SDM vol. 3A, 6.13. */
    public static boolean pushesErrorCode(int vector) {
        return vector < 32 && (PUSHES_ERROR_CODE >>> vector & 1) != 0;
    }
}

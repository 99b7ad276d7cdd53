package org.xenolith.cpu.x87;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/**
 * Layout of the 512-byte area of FXSAVE and FXRSTOR, and its SSE part: MXCSR and the sixteen XMM
 * registers. SDM vol. 1, 10.5.1, and vol. 2, FXSAVE.
 */
public final class FxsaveArea {
    /** Bytes of the whole area. */
    public static final int SIZE = 512;

    /** FXSAVE writes this many bytes from the start and leaves the rest alone. */
    public static final int WRITTEN_BYTES = 416;

    /** The area must lie on such a boundary, else #GP(0). */
    public static final int ALIGNMENT = 16;

    /** MXCSR after reset: all exceptions masked. */
    public static final int MXCSR_INITIAL = 0x1f80;

    /** MXCSR bits that exist here, DAZ included: the MXCSR_MASK field. */
    public static final int MXCSR_MASK = 0xffff;

    public static final int XMM_COUNT = 16;

    static final int CONTROL = 0;
    static final int STATUS = 2;
    static final int TAGS = 4;
    static final int OPCODE = 6;
    static final int INSTRUCTION = 8;
    static final int DATA = 16;
    static final int MXCSR = 24;
    static final int MASK = 28;
    static final int REGISTERS = 32;
    static final int REGISTER_STRIDE = 16;
    static final int XMM = 160;

    private FxsaveArea() {}

    /** What FXSAVE writes with so many XMM registers, from the start. */
    public static int bytes(int xmmRegisters) {
        return XMM + xmmRegisters * REGISTER_STRIDE;
    }

    /**
     * Writes MXCSR, its mask and XMM0..XMM15.
     *
     * @param xmm low half of register i at 2i, high half at 2i + 1
     */
    public static void putSse(byte[] area, int mxcsr, long[] xmm) {
        X87Images.putInt(area, MXCSR, mxcsr);
        X87Images.putInt(area, MASK, MXCSR_MASK);
        for (int i = 0; i < 2 * XMM_COUNT; i++) {
            X87Images.putLong(area, XMM + i * Long.BYTES, xmm[i]);
        }
    }

    /** Reads XMM0..XMM15, in the order of {@link #putSse}. */
    public static void getXmm(byte[] area, long[] xmm) {
        getXmm(area, xmm, XMM_COUNT);
    }

    /**
     * Reads the first registers and keeps the others.
     *
     * @param count 8 in 32-bit code, or 16
     */
    public static void getXmm(byte[] area, long[] xmm, int count) {
        for (int i = 0; i < 2 * count; i++) {
            xmm[i] = X87Images.getLong(area, XMM + i * Long.BYTES);
        }
    }

    /**
     * Reads MXCSR. FXRSTOR calls this before it changes any state.
     *
     * @throws GuestFault #GP(0) when a reserved bit is set
     */
    public static int getMxcsr(byte[] area) {
        return checkMxcsr(X87Images.getInt(area, MXCSR));
    }

    /** Whether an image's MXCSR has no reserved bit set: {@link #getMxcsr} does not fault. */
    public static boolean hasValidMxcsr(byte[] area) {
        return isMxcsr(X87Images.getInt(area, MXCSR));
    }

    private static boolean isMxcsr(int value) {
        return (value & ~MXCSR_MASK) == 0;
    }

    /** The value itself, or #GP(0) when a reserved bit is set; LDMXCSR has the same rule. */
    public static int checkMxcsr(int mxcsr) {
        if (!isMxcsr(mxcsr)) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
        return mxcsr;
    }
}

package org.xenolith.cpu.semantics.simd;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/**
 * Control and status of SSE floating point. SDM vol. 1, figure 10-3.
 *
 * <p>An operation only notes the exceptions of its lanes; the caller commits them once all lanes of
 * the instruction were computed and before it writes the destination. Between instructions nothing
 * is noted.
 */
public final class Mxcsr {
    /** Exception flags: invalid, denormal, zero divide, overflow, underflow, precision. */
    public static final int IE = 1, DE = 1 << 1, ZE = 1 << 2, OE = 1 << 3, UE = 1 << 4, PE = 1 << 5;

    /** Denormals are zeros. */
    public static final int DAZ = 1 << 6;

    /** Exception masks, in the order of the flags. */
    public static final int IM = 1 << 7,
            DM = 1 << 8,
            ZM = 1 << 9,
            OM = 1 << 10,
            UM = 1 << 11,
            PM = 1 << 12;

    /** Rounding control and its values. */
    public static final int RC = 3 << 13,
            RC_NEAREST = 0,
            RC_DOWN = 1 << 13,
            RC_UP = 2 << 13,
            RC_TOWARD_ZERO = 3 << 13;

    /** Flush to zero. */
    public static final int FZ = 1 << 15;

    public static final int DEFAULT = 0x1f80;

    /** Bits that can be written; setting another one with LDMXCSR or FXRSTOR is #GP(0). */
    public static final int WRITABLE = 0xffff;

    private static final int ALL_FLAGS = 0x3f, MASK_SHIFT = 7, SETTLED_SHIFT = 8;
    private static final int BEFORE_COMPUTATION = IE | DE | ZE;

    private int value = DEFAULT;

    /**
     * Exceptions of the current instruction, the same bits as in {@link #value}; those of its
     * earlier steps {@link #SETTLED_SHIFT} higher.
     */
    private int noted;

    public int value() {
        return value;
    }

    /** Sets all bits, flags included, without raising anything: LDMXCSR, FXRSTOR. */
    public void load(int newValue) {
        value = newValue & WRITABLE;
        noted = 0;
    }

    /** Whether LDMXCSR of this value is #GP(0). */
    public static boolean isReserved(int newValue) {
        return (newValue & ~WRITABLE) != 0;
    }

    /**
     * Ends an instruction: makes its exceptions sticky, or raises #XM and leaves nothing noted. As
     * on the processor, an unmasked exception of an operand hides the exceptions of results.
     */
    public void commit() {
        if (noted != 0) {
            commitSlow();
        }
    }

    private void commitSlow() {
        int flags = noted & ALL_FLAGS, settled = noted >>> SETTLED_SHIFT;
        noted = 0;
        int unmasked = flags & ~(value >>> MASK_SHIFT);
        if ((unmasked & BEFORE_COMPUTATION) != 0) {
            flags &= BEFORE_COMPUTATION;
        }
        value |= flags | settled;
        if (unmasked != 0) {
            throw GuestFault.of(Vector.SIMD_ERROR);
        }
    }

    void note(int flags) {
        noted |= flags;
    }

    /**
     * Ends a step of an instruction that computes in several; each rounds and reports for itself.
     *
     * @return whether an unmasked exception ends the instruction here
     */
    boolean endStep() {
        if ((noted & ALL_FLAGS & ~(value >>> MASK_SHIFT)) != 0) {
            return true;
        }
        noted = noted & ~ALL_FLAGS | (noted & ALL_FLAGS) << SETTLED_SHIFT;
        return false;
    }

    int rounding() {
        return value & RC;
    }

    boolean denormalsAreZeros() {
        return (value & DAZ) != 0;
    }

    boolean flushesToZero() {
        return (value & FZ) != 0;
    }

    boolean isMasked(int flag) {
        return (value & flag << MASK_SHIFT) != 0;
    }

    /**
     * Round to nearest, no FTZ, no DAZ: an ordinary result is what Java computes; only PE may be
     * missing.
     */
    boolean isPlain() {
        return (value & (RC | FZ | DAZ)) == 0;
    }

    /** As {@link #isPlain}, and an inexact result changes nothing. */
    public boolean isPlainAndInexact() {
        return (value & (RC | FZ | DAZ | PM | PE)) == (PM | PE);
    }

    /**
     * As {@link #isPlainAndInexact}, but denormals may be zeros: for operations that neither meet
     * nor yield one.
     */
    public boolean isNearestAndInexact() {
        return (value & (RC | PM | PE)) == (PM | PE);
    }
}

package org.xenolith.cpu.mmu;

/**
 * Thrown by {@link TlbAccess} inside translated code, which catches it itself and leaves: the
 * interpreter executes the instruction instead. One instance, no stack trace: where the accessor is
 * inlined, C2 makes a jump of it.
 */
public final class TlbMiss extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final TlbMiss INSTANCE = new TlbMiss();

    private TlbMiss() {
        super(null, null, false, false);
    }
}

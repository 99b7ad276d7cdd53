package org.xenolith.cpu.translate;

/**
 * Thrown by the tests of {@link Doubles} inside a unit, which catches it itself and leaves, as for
 * a {@link org.xenolith.cpu.mmu.TlbMiss}.
 */
public final class RoughDouble extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final RoughDouble INSTANCE = new RoughDouble();

    private RoughDouble() {
        super(null, null, false, false);
    }
}

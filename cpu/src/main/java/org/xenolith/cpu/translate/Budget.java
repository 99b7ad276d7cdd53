package org.xenolith.cpu.translate;

import org.xenolith.cpu.Cpu;

/**
 * The comparison that ends a unit when its budget does. All units share this method, and with it
 * one profile: a branch in the unit itself is not taken for as long as HotSpot watches it, since a
 * stretch has up to 24,000 instructions, so that C2 would leave its other way out, and throw the
 * unit away when it is taken for the first time; once for each comparison in it.
 */
final class Budget {
    /** Thrown inside a unit, which catches it itself and leaves. */
    static final class Spent extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private static final Spent INSTANCE = new Spent();

        private Spent() {
            super(null, null, false, false);
        }
    }

    private Budget() {}

    /**
     * @param left instructions that may still be executed
     * @param needed {@link Cpu#needed}: so a kick ends a loop, too
     * @throws Spent if there is less left
     */
    static void require(long left, long needed) {
        if (left < needed) {
            throw Spent.INSTANCE;
        }
    }
}

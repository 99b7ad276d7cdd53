package org.xenolith.cpu.translate;

/**
 * What some blocks do with halves of vector registers.
 *
 * @param changed those that they write, a bit each
 * @param tested what they test of those that are doubles; null where they test nothing
 */
record DoubleFacts(int changed, Magnitude[] tested) {
    static final DoubleFacts NONE = new DoubleFacts(0, VectorRegisters.NOTHING_KNOWN);

    boolean changes(int half) {
        return (changed & 1 << half) != 0;
    }

    DoubleFacts and(DoubleFacts other) {
        Magnitude[] both = new Magnitude[tested.length];
        for (int half = 0; half < both.length; half++) {
            both[half] = Magnitude.stricter(tested[half], other.tested[half]);
        }
        return new DoubleFacts(changed | other.changed, both);
    }
}

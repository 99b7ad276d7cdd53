package org.xenolith.cpu.interp;

/**
 * Whether a unit is left for {@link TranslatedUnit#ROUGH} too often. Now and then is fine: at the
 * start of a process, whose precision flag is not set yet, or for a number as large as none other.
 * vCPUs count in it without synchronisation: a lost count does no harm.
 */
final class Roughness {
    /** Translated instructions between two such exits with which neither form is faster. */
    private static final long BREAK_EVEN = 1_000;

    private static final long LIMIT = 300 * BREAK_EVEN;

    private long debt;
    private long last;

    /**
     * Counts an exit.
     *
     * @param instructions that the vCPU has executed in translated code so far
     */
    boolean isTooMuch(long instructions) {
        long distance = Math.max(instructions - last, 0);
        last = instructions;
        debt = Math.max(debt - distance, 0) + BREAK_EVEN;
        return debt > LIMIT;
    }
}

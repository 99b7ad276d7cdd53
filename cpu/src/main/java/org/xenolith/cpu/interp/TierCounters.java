package org.xenolith.cpu.interp;

/** What one vCPU did in translated code. Written by its thread, read by anybody, a little late. */
public final class TierCounters {
    private final long[] exits = new long[TranslatedUnit.REASONS];
    private long instructions;

    /**
     * Units ran one after the other.
     *
     * @param units that were left to go on elsewhere
     * @param executed instructions in all of them, and in the one behind them that was left for
     *     another reason
     */
    void wentOn(int units, long executed) {
        exits[TranslatedUnit.ON] += units;
        instructions += executed;
    }

    /** A unit was left for another reason than to go on. */
    void left(int reason) {
        exits[reason]++;
    }

    /** Instructions that ran in translated code. */
    public long instructions() {
        return instructions;
    }

    /**
     * How often translated code was left.
     *
     * @param reason a constant of {@link TranslatedUnit}
     */
    public long exits(int reason) {
        return exits[reason];
    }
}

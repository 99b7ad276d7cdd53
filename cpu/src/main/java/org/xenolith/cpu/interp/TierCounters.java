package org.xenolith.cpu.interp;

/** What one vCPU did in translated code. Written by its thread, read by anybody, a little late. */
public final class TierCounters {
    private final long[] exits = new long[TranslatedUnit.REASONS];
    private long instructions;

    void left(int reason, long executed) {
        exits[reason]++;
        instructions += executed;
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

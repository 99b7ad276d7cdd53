package org.xenolith.core.time;

import java.util.random.RandomGenerator;

/**
 * Random numbers for domains in virtual time: a seed gives the same ones on every run, and the
 * state is one word that can be saved. SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom
 * number generators, 2014).
 */
public final class RepeatableRandom implements RandomGenerator {
    private static final long GOLDEN_GAMMA = 0x9e37_79b9_7f4a_7c15L;

    private long state;

    public RepeatableRandom(long state) {
        this.state = state;
    }

    /** A generator made from it gives the numbers that come next. */
    public synchronized long state() {
        return state;
    }

    @Override
    public synchronized long nextLong() {
        state += GOLDEN_GAMMA;
        long z = (state ^ state >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ z >>> 27) * 0x94d0_49bb_1331_11ebL;
        return z ^ z >>> 31;
    }
}

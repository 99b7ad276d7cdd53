package org.xenolith.devices.net;

/**
 * What a line does to frames, in each direction separately: a round trip is delayed twice.
 *
 * @param delayNanos on the way, 0 or more
 * @param jitterNanos the delay varies by up to this in both directions, evenly; frames stay in
 *     order
 * @param loss share of frames that are lost, 0 to 1
 * @param duplicate share of frames that arrive twice
 * @param reorder share of frames that are not delayed and so overtake others
 * @param bitsPerSecond what passes; 0 for no limit. Short bursts pass at once; a frame that would
 *     wait longer than {@link #MAX_WAIT_NANOS} for its turn is lost
 * @param seed of the chances: the same frames at the same times share the same fate
 */
public record Impairment(
        long delayNanos,
        long jitterNanos,
        double loss,
        double duplicate,
        double reorder,
        long bitsPerSecond,
        long seed) {
    /** A line that does nothing. */
    public static final Impairment NONE = new Impairment(0, 0, 0, 0, 0, 0, 0);

    static final long MAX_WAIT_NANOS = 200_000_000L;

    /** What a line without a delay may send at once, as time at its rate. */
    static final long BURST_NANOS = 10_000_000L;

    public Impairment {
        requireNotNegative("delay", delayNanos);
        requireNotNegative("jitter", jitterNanos);
        requireNotNegative("rate", bitsPerSecond);
        requireShare("loss", loss);
        requireShare("duplicate", duplicate);
        requireShare("reorder", reorder);
    }

    private static void requireNotNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative: " + value);
        }
    }

    private static void requireShare(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " must be between 0 and 100 %: " + value);
        }
    }

    public Impairment withDelay(long nanos, long jitter) {
        return new Impairment(nanos, jitter, loss, duplicate, reorder, bitsPerSecond, seed);
    }

    public Impairment withLoss(double share) {
        return new Impairment(
                delayNanos, jitterNanos, share, duplicate, reorder, bitsPerSecond, seed);
    }

    public Impairment withDuplicate(double share) {
        return new Impairment(delayNanos, jitterNanos, loss, share, reorder, bitsPerSecond, seed);
    }

    public Impairment withReorder(double share) {
        return new Impairment(delayNanos, jitterNanos, loss, duplicate, share, bitsPerSecond, seed);
    }

    public Impairment withRate(long bits) {
        return new Impairment(delayNanos, jitterNanos, loss, duplicate, reorder, bits, seed);
    }

    public Impairment withSeed(long number) {
        return new Impairment(
                delayNanos, jitterNanos, loss, duplicate, reorder, bitsPerSecond, number);
    }
}

package org.xenolith.pv.xenbus;

import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Lets a few lines through at once and then one in a while: what a guest can cause must not fill a
 * log. Lines that were left out are counted in the next one.
 */
final class LogLimit {
    private static final int BURST = 5;
    private static final long NANOS_PER_LINE = 10_000_000_000L;

    private final Consumer<String> log;
    private final LongSupplier nanoTime;
    private long credit = BURST * NANOS_PER_LINE;
    private long last;
    private long leftOut;

    LogLimit(Consumer<String> log, LongSupplier nanoTime) {
        this.log = log;
        this.nanoTime = nanoTime;
        this.last = nanoTime.getAsLong();
    }

    void say(String line) {
        String whole = admit(line);
        if (whole != null) {
            log.accept(whole);
        }
    }

    private synchronized String admit(String line) {
        long now = nanoTime.getAsLong();
        credit = Math.min(credit + (now - last), BURST * NANOS_PER_LINE);
        last = now;
        if (credit < NANOS_PER_LINE) {
            leftOut++;
            return null;
        }
        credit -= NANOS_PER_LINE;
        String whole = leftOut == 0 ? line : line + " (" + leftOut + " lines left out before)";
        leftOut = 0;
        return whole;
    }
}

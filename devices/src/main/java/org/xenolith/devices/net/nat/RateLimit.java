package org.xenolith.devices.net.nat;

import java.util.concurrent.TimeUnit;

/** So many a second, counted in whole seconds of the clock. */
final class RateLimit {
    private final NatClock clock;
    private final int perSecond;
    private long second = -1;
    private int taken;

    RateLimit(NatClock clock, int perSecond) {
        this.clock = clock;
        this.perSecond = perSecond;
    }

    boolean take() {
        long now = TimeUnit.NANOSECONDS.toSeconds(clock.now());
        if (now != second) {
            second = now;
            taken = 0;
        }
        return taken++ < perSecond;
    }
}

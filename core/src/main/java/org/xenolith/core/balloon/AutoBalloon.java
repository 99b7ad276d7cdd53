package org.xenolith.core.balloon;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Applies a {@link BalloonPolicy} to guests round after round, on a thread of its own. */
public final class AutoBalloon implements AutoCloseable {
    /** Between two rounds: a guest's agent reports about as often. */
    public static final Duration INTERVAL = Duration.ofSeconds(1);

    /** Smaller changes are not worth waking a guest. */
    private static final long DEAD_BAND_KIB = 1024;

    private final BalloonPolicy policy;
    private final Supplier<? extends List<? extends Ballooned>> guests;
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(
                    work -> Thread.ofPlatform().name("balloon").daemon().unstarted(work));

    /**
     * @param guests those alive and subject to the policy, asked anew each round
     */
    public AutoBalloon(BalloonPolicy policy, Supplier<? extends List<? extends Ballooned>> guests) {
        this.policy = policy;
        this.guests = guests;
    }

    public void start() {
        long nanos = INTERVAL.toNanos();
        clock.scheduleWithFixedDelay(this::round, nanos, nanos, TimeUnit.NANOSECONDS);
    }

    /** One round; what {@link #start} repeats. */
    public void round() {
        List<? extends Ballooned> present = guests.get();
        long[] targets = policy.targets(present);
        for (int i = 0; i < targets.length; i++) {
            Ballooned guest = present.get(i);
            if (Math.abs(targets[i] - guest.targetKib()) >= DEAD_BAND_KIB) {
                guest.setTargetKib(targets[i]);
            }
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}

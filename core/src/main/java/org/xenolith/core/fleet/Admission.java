package org.xenolith.core.fleet;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * Lets guests that stand still go on one after another, each when the host has a processor that
 * nobody wants. A hundred that went on at once would each get a hundredth of the host for minutes,
 * out of caches that hold what two of them need; their kernels would complain of it.
 *
 * <p>A host that is busy otherwise admits one every two seconds all the same, and fewer, the more
 * guests wait for a processor: those that are admitted shall come to an end with what they do.
 *
 * <p>For one thread.
 */
final class Admission {
    private static final Duration PER_GUEST = Duration.ofSeconds(2);

    /** There may be guests on the host that always wait for a processor. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    /** One that has just gone on must have had the time to want a processor. */
    private static final Duration LOOK = Duration.ofMillis(20);

    private final IntSupplier queue;
    private final LongSupplier nanoTime;
    private final Queue<Runnable> held = new ArrayDeque<>();
    private long lastAt;

    /**
     * @param queue how many guests wait for a processor; below 0 when one is idle
     */
    Admission(IntSupplier queue) {
        this(queue, System::nanoTime);
    }

    Admission(IntSupplier queue, LongSupplier nanoTime) {
        this.queue = queue;
        this.nanoTime = nanoTime;
        lastAt = nanoTime.getAsLong() - LONGEST.toNanos();
    }

    /**
     * @param goOn lets the guest go on; called once
     */
    void add(Runnable goOn) {
        held.add(goOn);
    }

    /** Admits the next one if its time has come. */
    void look() {
        long now = nanoTime.getAsLong();
        long since = now - lastAt;
        if (since >= LOOK.toNanos() && since >= pause(queue.getAsInt())) {
            lastAt = now;
            next();
        }
    }

    private static long pause(int waiting) {
        return Math.min(LONGEST.toNanos(), PER_GUEST.toNanos() * Math.max(0, waiting + 1));
    }

    /**
     * Admits all, in turn.
     *
     * @param hurry when true, the rest is admitted at once
     */
    void admit(BooleanSupplier hurry) throws InterruptedException {
        while (!held.isEmpty() && !hurry.getAsBoolean()) {
            look();
            TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
        }
        admitAtOnce();
    }

    /** Admits all that are left. */
    void admitAtOnce() {
        while (!held.isEmpty()) {
            next();
        }
    }

    private void next() {
        Runnable goOn = held.poll();
        if (goOn != null) {
            goOn.run();
        }
    }
}

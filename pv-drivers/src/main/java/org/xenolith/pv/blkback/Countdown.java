package org.xenolith.pv.blkback;

import java.util.concurrent.atomic.AtomicInteger;

/** Runs something when it has been run so many times itself. */
final class Countdown implements Runnable {
    private final AtomicInteger left;
    private final Runnable then;

    Countdown(int times, Runnable then) {
        this.left = new AtomicInteger(times);
        this.then = then;
    }

    @Override
    public void run() {
        if (left.decrementAndGet() == 0) {
            then.run();
        }
    }
}

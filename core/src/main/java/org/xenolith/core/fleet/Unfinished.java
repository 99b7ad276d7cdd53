package org.xenolith.core.fleet;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How many guests of a fleet are not over yet. Others may come as long as there is one; when there
 * is none the fleet is over.
 */
final class Unfinished {
    private int guests;

    Unfinished(int guests) {
        this.guests = guests;
    }

    /** One more, unless the fleet is over. */
    synchronized boolean add() {
        if (guests == 0) {
            return false;
        }
        guests++;
        return true;
    }

    /** One is over. */
    synchronized void remove() {
        guests--;
        notifyAll();
    }

    /** Waits until the fleet is over. */
    synchronized void await() throws InterruptedException {
        while (guests > 0) {
            wait();
        }
    }

    /** Returns whether the fleet is over within the time. */
    synchronized boolean await(Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        for (long left = patience.toNanos();
                guests > 0 && left > 0;
                left = end - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return guests == 0;
    }
}

package org.xenolith.devices.net.nat;

/** Time of the NAT: nanoseconds from an arbitrary start, never negative, never backwards. */
@FunctionalInterface
interface NatClock {
    long now();

    static NatClock system() {
        long start = System.nanoTime();
        return () -> System.nanoTime() - start;
    }
}

package org.xenolith.core.domain;

import org.xenolith.core.abi.Hypercall;

/**
 * What the hypercalls of one vCPU cost, by number, while somebody measures. Written by the thread
 * that runs the vCPU.
 */
public final class HypercallCosts {
    private final long[] nanos = new long[Hypercall.COUNT];
    private final long[] within = new long[Hypercall.COUNT];

    /** A hypercall has returned, or stopped to go on later. */
    public void called(int number, long took) {
        if (number >= 0 && number < nanos.length) {
            nanos[number] += took;
        }
    }

    /** An entry of a multicall has been carried out; its time is the multicall's no more. */
    public void calledWithin(int number, long took) {
        if (number >= 0 && number < nanos.length) {
            within[number]++;
            nanos[number] += took;
            nanos[Hypercall.MULTICALL] -= took;
        }
    }

    /** Host time in nanoseconds that a hypercall took in all. */
    public long nanos(int number) {
        return nanos[number];
    }

    /** How often it stood in a multicall. */
    public long within(int number) {
        return within[number];
    }
}

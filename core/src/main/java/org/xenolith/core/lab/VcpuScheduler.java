package org.xenolith.core.lab;

import java.util.List;

/** Decides which vCPU a processor runs next: lab 9. There is one processor. */
public interface VcpuScheduler {
    /**
     * A vCPU that could run now.
     *
     * @param vcpu its number, the same as long as it exists
     * @param weight its domain's share of the processor, relative to others; 256 is usual
     */
    record Candidate(int vcpu, int weight) {}

    /**
     * The processor is free: who is next?
     *
     * @param runnable at least one, in order of their numbers
     * @param nowNanos the time
     * @return the number of one of them; it runs until it sleeps, but 10 ms at most
     */
    int next(List<Candidate> runnable, long nowNanos);

    /**
     * A vCPU has run, and stopped at {@code nowNanos}.
     *
     * @param nanos how long it ran
     */
    void ran(int vcpu, int weight, long nanos, long nowNanos);

    /** A vCPU that slept, or is new, could run again from {@code nowNanos} on. */
    void woke(int vcpu, long nowNanos);
}

package org.xenolith.core.lab;

/** A hypercall of your own: lab 3. */
@FunctionalInterface
public interface HypercallHandler {
    /** Numbers that one call sums, at most. */
    int MAX_COUNT = 512;

    /**
     * The guest has made the call, and its vCPU stands until this returns.
     *
     * @param memory of the guest that called
     * @param numbers first argument, in the guest's register RDI
     * @param count second argument, RSI
     * @param result third argument, RDX
     * @return what the guest finds in RAX; from -1 to -4095 it is an error number, negated
     */
    long call(GuestMemory memory, long numbers, long count, long result);
}

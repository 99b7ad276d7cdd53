package org.xenolith.core.domain;

import org.xenolith.core.abi.Hypercall;

import java.util.ArrayList;
import java.util.List;

/**
 * What a vCPU has done, for statistics and for the report of a crash: how often it left the guest's
 * code and why, and its last hypercalls.
 *
 * <p>Written by the vCPU's own thread. Another one reads what may be a little old, but for {@link
 * #lastHypercalls}, which wants the vCPU to stand.
 */
public final class VcpuCounts {
    private static final int REMEMBERED = 32;

    /** Exceptions that the processor raised, and upcalls that the guest got. */
    public long faults;

    public long upcalls;

    /** SYSCALLs of processes, and INT n, INT3 and INT1. */
    public long systemCalls;

    public long softwareInterrupts;

    private long hypercalls;
    private final long[] byNumber = new long[Hypercall.COUNT];

    /**
     * Numbers and first arguments of the last hypercalls in turn, that of the n-th at {@code n %
     * REMEMBERED}.
     */
    private final long[] last = new long[2 * REMEMBERED];

    VcpuCounts() {}

    /**
     * A hypercall that a vCPU made.
     *
     * @param argument the first one
     */
    public record Call(int number, long argument) {}

    /**
     * Counts a hypercall, calls within multicalls not among them.
     *
     * @param argument the first one
     */
    public void hypercall(int number, long argument) {
        int slot = (int) (hypercalls++ % REMEMBERED) * 2;
        last[slot] = number;
        last[slot + 1] = argument;
        if (number >= 0 && number < byNumber.length) {
            byNumber[number]++;
        }
    }

    /** Hypercalls in all, those with numbers that mean nothing too. */
    public long hypercalls() {
        return hypercalls;
    }

    /**
     * How often a hypercall was made.
     *
     * @param number 0 to 63
     */
    public long hypercalls(int number) {
        return byNumber[number];
    }

    /**
     * The last hypercalls, newest last.
     *
     * @param most 0 to 32
     */
    public List<Call> lastHypercalls(int most) {
        List<Call> calls = new ArrayList<>();
        for (long i = Math.max(0, hypercalls - most); i < hypercalls; i++) {
            int slot = (int) (i % REMEMBERED) * 2;
            calls.add(new Call((int) last[slot], last[slot + 1]));
        }
        return calls;
    }
}

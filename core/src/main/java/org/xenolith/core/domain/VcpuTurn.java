package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;

/**
 * What a vCPU does from one poll point to the next, as far as siblings wait for it meanwhile: the
 * pieces of long hypercalls, and the PAUSEs of a spin. Also what is left of a hypercall that was
 * cut short for them.
 *
 * <p>On the vCPU's own thread.
 */
public final class VcpuTurn {
    /** Pieces of work that one turn of hypercalls may do before others get theirs. */
    static final int PIECES_PER_TURN = 256;

    /** As many when a sibling waits for the vCPU: it may be waiting for a table to be pinned. */
    static final int PIECES_WHEN_KICKED = 16;

    /** A stretch of instructions with so many PAUSEs does nothing but wait. */
    static final int PAUSES_OF_A_SPIN = 64;

    /** Pieces, or hypercalls, from one look at the clock to the next. */
    private static final int LOOK = 16;

    private final Cpu cpu;

    /** Host time at which the slice is over; {@link VirtualCpu#NEVER} in virtual time. */
    private long sliceEnd = VirtualCpu.NEVER;

    private boolean overdue;
    private int hypercalls;
    private int pieces;
    private int pauses;
    private long[] continuation;

    VcpuTurn(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * The vCPU is at a poll point.
     *
     * @param end host time at which its slice is over, or {@link VirtualCpu#NEVER}
     */
    void begin(long end) {
        sliceEnd = end;
        overdue = false;
        pieces = 0;
        pauses = 0;
    }

    // ---- long hypercalls
    // ---------------------------------------------------------------------------------

    /** Counts a piece of a hypercall; whether it was one of the last that this turn may do. */
    boolean mustPause() {
        if (++pieces % LOOK == 0) {
            lookAtTheTime();
        }
        return overdue || pieces > PIECES_PER_TURN || pieces > PIECES_WHEN_KICKED && cpu.isKicked();
    }

    /** As {@link #mustPause}, after what took as long as several pieces. */
    boolean mustPauseAfter(int count) {
        pieces += count - 1;
        lookAtTheTime();
        return mustPause();
    }

    /** Counts a hypercall: thousands may pass, each of one piece, before a poll point is due. */
    void hypercall() {
        if (++hypercalls % LOOK == 0) {
            lookAtTheTime();
        }
    }

    /** What was done may have taken long: if the slice is over by now, so is this turn. */
    void lookAtTheTime() {
        overdue |= isTimeUp();
    }

    /** Whether the slice is over; never in virtual time. */
    boolean isTimeUp() {
        return sliceEnd != VirtualCpu.NEVER && System.nanoTime() - sliceEnd > 0;
    }

    /** Whether this turn of hypercalls is over: the vCPU goes to its poll point. */
    boolean isOver() {
        return overdue || pieces > PIECES_PER_TURN;
    }

    /** The hypercall is to be made again with these arguments. */
    void continueWith(long a1, long a2, long a3, long a4) {
        continuation = new long[] {a1, a2, a3, a4};
    }

    /** Whether the hypercall's handler asked to be called again. */
    public boolean isContinued() {
        return continuation != null;
    }

    /** The arguments for the next call; forgets them. */
    public long[] takeContinuation() {
        long[] arguments = continuation;
        continuation = null;
        return arguments;
    }

    // ---- spins
    // -------------------------------------------------------------------------------------------

    /**
     * Counts a PAUSE.
     *
     * @return true for the one by which the turn becomes a spin
     */
    boolean pause() {
        return ++pauses == PAUSES_OF_A_SPIN;
    }

    /** Whether this turn was spent waiting for somebody. */
    boolean isSpin() {
        return pauses >= PAUSES_OF_A_SPIN;
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;

import java.util.concurrent.TimeUnit;

/** How much a vCPU may do before it lets siblings have their turn. */
class VcpuTurnTest {
    private final Cpu cpu = new PvGuest(1, new PvGuest.FakeClock()).vcpu(0).cpu();
    private final VcpuTurn turn = new VcpuTurn(cpu);

    /** Pieces of a hypercall until it must pause, that one included. */
    private int piecesUntilThePause() {
        int pieces = 1;
        while (!turn.mustPause()) {
            pieces++;
        }
        return pieces;
    }

    @Test
    void hypercallPausesBehindAsManyPiecesAsATurnHas() {
        assertThat(piecesUntilThePause()).isEqualTo(VcpuTurn.PIECES_PER_TURN + 1);
        assertThat(turn.isOver()).isTrue();
        turn.begin(VirtualCpu.NEVER);
        assertThat(turn.isOver()).isFalse();
        assertThat(piecesUntilThePause()).isEqualTo(VcpuTurn.PIECES_PER_TURN + 1);
    }

    @Test
    void hypercallPausesSoonerWhenASiblingWaits() {
        cpu.kick();
        assertThat(piecesUntilThePause()).isEqualTo(VcpuTurn.PIECES_WHEN_KICKED + 1);
        assertThat(turn.isOver()).as("other hypercalls may still be made").isFalse();
    }

    @Test
    void pieceThatTookAsLongAsManyCountsForThem() {
        cpu.kick();
        assertThat(turn.mustPauseAfter(VcpuTurn.PIECES_WHEN_KICKED)).isFalse();
        assertThat(turn.mustPauseAfter(VcpuTurn.PIECES_WHEN_KICKED)).isTrue();
        turn.begin(System.nanoTime() - 1);
        assertThat(turn.mustPauseAfter(1)).as("the slice is over").isTrue();
    }

    @Test
    void turnIsOverWithItsSliceHoweverFewTheHypercalls() {
        turn.begin(System.nanoTime() + TimeUnit.HOURS.toNanos(1));
        turn.lookAtTheTime();
        assertThat(turn.isOver()).as("before").isFalse();

        turn.begin(System.nanoTime() - 1);
        assertThat(turn.isOver()).as("nothing was done yet").isFalse();
        turn.lookAtTheTime();
        assertThat(turn.isOver()).as("behind a piece that took long").isTrue();
        assertThat(turn.mustPause()).isTrue();

        turn.begin(System.nanoTime() - 1);
        assertThat(piecesUntilThePause()).isLessThan(VcpuTurn.PIECES_WHEN_KICKED + 1);
        turn.begin(System.nanoTime() - 1);
        int hypercalls = 0;
        for (; !turn.isOver(); hypercalls++) {
            turn.hypercall();
        }
        assertThat(hypercalls).isLessThan(VcpuTurn.PIECES_WHEN_KICKED + 1);
    }

    @Test
    void continuationIsTakenOnce() {
        assertThat(turn.isContinued()).isFalse();
        turn.continueWith(1, 2, 3, 4);
        assertThat(turn.isContinued()).isTrue();
        turn.begin(VirtualCpu.NEVER);
        assertThat(turn.takeContinuation()).as("of any turn").containsExactly(1, 2, 3, 4);
        assertThat(turn.isContinued()).isFalse();
    }

    @Test
    void spinIsATurnOfManyPauses() {
        for (int i = 1; i < VcpuTurn.PAUSES_OF_A_SPIN; i++) {
            assertThat(turn.pause()).isFalse();
        }
        assertThat(turn.isSpin()).isFalse();
        assertThat(turn.pause()).as("the one that tells").isTrue();
        assertThat(turn.pause()).as("told once").isFalse();
        assertThat(turn.isSpin()).isTrue();
        turn.begin(VirtualCpu.NEVER);
        assertThat(turn.isSpin()).isFalse();
    }
}

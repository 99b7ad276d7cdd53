package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;

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
        turn.begin();
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
    void continuationIsTakenOnce() {
        assertThat(turn.isContinued()).isFalse();
        turn.continueWith(1, 2, 3, 4);
        assertThat(turn.isContinued()).isTrue();
        turn.begin();
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
        turn.begin();
        assertThat(turn.isSpin()).isFalse();
    }
}

package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

class MxcsrTest {
    private static final long ONE = Double.doubleToRawLongBits(1),
            THREE = Double.doubleToRawLongBits(3),
            MAX = Double.doubleToRawLongBits(Double.MAX_VALUE);
    private static final long SIGNALING_NAN = 0x7ff0000000000001L;

    private static Mxcsr with(int value) {
        Mxcsr m = new Mxcsr();
        m.load(value);
        return m;
    }

    @Test
    void aMaskedExceptionBecomesStickyAtCommitOnly() {
        Mxcsr m = with(Mxcsr.DEFAULT);
        SseDouble.divsd(ONE, THREE, m);
        assertThat(m.value()).isEqualTo(Mxcsr.DEFAULT);
        m.commit();
        assertThat(m.value()).isEqualTo(Mxcsr.DEFAULT | Mxcsr.PE);
    }

    @Test
    void anUnmaskedExceptionRaisesVector19AndSetsItsFlag() {
        Mxcsr m = with(Mxcsr.DEFAULT & ~Mxcsr.ZM);
        SseDouble.divsd(ONE, 0, m);
        assertThatThrownBy(m::commit)
                .isInstanceOfSatisfying(
                        GuestFault.class,
                        fault -> assertThat(fault.vector()).isEqualTo(Vector.SIMD_ERROR));
        assertThat(m.value()).isEqualTo(Mxcsr.DEFAULT & ~Mxcsr.ZM | Mxcsr.ZE);
    }

    @Test
    void theNextInstructionKnowsNothingOfAnExceptionThatWasRaised() {
        Mxcsr m = with(Mxcsr.DEFAULT & ~Mxcsr.IM);
        SseDouble.addsd(SIGNALING_NAN, ONE, m);
        assertThatThrownBy(m::commit).isInstanceOf(GuestFault.class);
        SseDouble.addsd(ONE, ONE, m);
        m.commit();
    }

    @Test
    void anUnmaskedOperandExceptionInOneLaneHidesResultExceptionsOfTheOthers() {
        Mxcsr m = with(Mxcsr.DEFAULT & ~Mxcsr.IM);
        SseDouble.addsd(MAX, MAX, m);
        SseDouble.addsd(SIGNALING_NAN, ONE, m);
        assertThatThrownBy(m::commit).isInstanceOf(GuestFault.class);
        assertThat(m.value()).isEqualTo(Mxcsr.DEFAULT & ~Mxcsr.IM | Mxcsr.IE);
    }

    @Test
    void aFlagThatIsAlreadySetRaisesNothing() {
        Mxcsr m = with(Mxcsr.DEFAULT & ~Mxcsr.IM | Mxcsr.IE);
        SseDouble.addsd(ONE, ONE, m);
        m.commit();
        assertThat(m.value()).isEqualTo(Mxcsr.DEFAULT & ~Mxcsr.IM | Mxcsr.IE);
    }

    @Test
    void bitsAboveTheLowSixteenAreReserved() {
        assertThat(Mxcsr.isReserved(0xffff)).isFalse();
        assertThat(Mxcsr.isReserved(0x10000)).isTrue();
    }
}

package org.xenolith.core.time;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo.Time;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.cpu.mmu.Ram;

import java.math.BigInteger;

class PvclockTest {
    private final long at = TestMemory.freshPool(1 << 20).allocate();

    /** What public/xen.h tells a guest to compute. */
    private long nanos(long tsc) {
        long delta = tsc - Ram.getLong(at + Time.TSC_TIMESTAMP);
        int shift = (byte) Ram.getByte(at + Time.TSC_SHIFT);
        delta = shift < 0 ? delta >>> -shift : delta << shift;
        BigInteger mul = BigInteger.valueOf(Ram.getInt(at + Time.TSC_TO_SYSTEM_MUL) & 0xffff_ffffL);
        return Ram.getLong(at + Time.SYSTEM_TIME)
                + BigInteger.valueOf(delta).multiply(mul).shiftRight(32).longValueExact();
    }

    @Test
    void guestComputesTheCounterItselfAsSystemTime() {
        Pvclock.publish(at);
        for (long tsc : new long[] {0, 1, 999_999_999, 1L << 40, 3_600_000_000_000L * 24 * 365}) {
            assertThat(nanos(tsc)).isEqualTo(tsc);
        }
        assertThat(Ram.getByte(at + Time.FLAGS)).isEqualTo(Time.FLAG_TSC_STABLE);
    }

    @Test
    void versionIsEvenAfterwardsAndTwoHigherEachTime() {
        Pvclock.publish(at);
        int first = Ram.getInt(at + Time.VERSION);
        Pvclock.publish(at);
        assertThat(first % 2).isZero();
        assertThat(Ram.getInt(at + Time.VERSION)).isEqualTo(first + 2);
    }

    @Test
    void versionThatAGuestMadeOddOrLargeIsEvenAgain() {
        Ram.putInt(at + Time.VERSION, 7);
        Pvclock.publish(at);
        assertThat(Ram.getInt(at + Time.VERSION)).isEqualTo(8);
        Ram.putInt(at + Time.VERSION, -1);
        Pvclock.publish(at);
        assertThat(Ram.getInt(at + Time.VERSION)).isZero();
    }

    @Test
    void wallClockIsUtcAtSystemTimeZero() {
        Pvclock.publishWallClock(at, new PvGuest.FakeClock());
        assertThat(Ram.getInt(at + SharedInfo.WC_SEC)).isEqualTo(5);
        assertThat(Ram.getInt(at + SharedInfo.WC_NSEC)).isEqualTo(7);
        assertThat(Ram.getInt(at + SharedInfo.WC_SEC_HI)).isZero();
        assertThat(Ram.getInt(at + SharedInfo.WC_VERSION) % 2).isZero();
    }

    @Test
    void virtualTimeIsOneNanosecondAnInstructionAndJumpsForwardOnly() {
        GuestClock clock = GuestClock.virtual();
        assertThat(clock.systemTimeNanos(1234)).isEqualTo(1234);
        clock.skipTo(10_000, 1234);
        assertThat(clock.systemTimeNanos(1234)).isEqualTo(10_000);
        clock.skipTo(5_000, 1234);
        assertThat(clock.systemTimeNanos(1235)).isEqualTo(10_001);
    }

    @Test
    void liveTimeNeverRunsBackwards() {
        GuestClock clock = GuestClock.live();
        long before = clock.systemTimeNanos(5);
        assertThat(clock.systemTimeNanos(0)).isGreaterThanOrEqualTo(before);
    }
}

package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.cpu.mmu.Ram;

/** Bits of ports, against the bytes of the shared page: bit {@code port % 8} of a byte. */
class PortBitsTest {
    private final long shared = TestMemory.freshPool(1 << 20).allocate();
    private final PortBits bits = new PortBits(shared);

    private long byteOf(int array, int port) {
        return shared + array + port / 8;
    }

    /** Number of bits that are set in the whole page. */
    private int bitsSet() {
        int sum = 0;
        for (int offset = 0; offset < Ram.PAGE_SIZE; offset += Long.BYTES) {
            sum += Long.bitCount(Ram.getLong(shared + offset));
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 31, 32, 63, 64, 65, 2047, 4095})
    void pendingBitStandsAtItsPortsPlaceAndNowhereElse(int port) {
        assertThat(bits.setPending(port)).as("pending before").isFalse();
        assertThat(Ram.getByte(byteOf(SharedInfo.EVTCHN_PENDING, port)) & 0xff)
                .isEqualTo(1 << port % 8);
        assertThat(bitsSet()).isEqualTo(1);
        assertThat(bits.isPending(port)).isTrue();
        assertThat(bits.isMasked(port)).isFalse();
        assertThat(bits.setPending(port)).as("pending before").isTrue();
        bits.clearPending(port);
        assertThat(bits.isPending(port)).isFalse();
        assertThat(bitsSet()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 4095})
    void maskBitThatTheGuestSetIsClearedAlone(int port) {
        for (int offset = 0; offset < SharedInfo.EVTCHN_BYTES; offset++) {
            Ram.putByte(shared + SharedInfo.EVTCHN_MASK + offset, 0xff);
        }
        assertThat(bits.isMasked(port)).isTrue();
        assertThat(bits.isPending(port)).isFalse();
        assertThat(bits.clearMask(port)).as("masked before").isTrue();
        assertThat(bits.isMasked(port)).isFalse();
        assertThat(bitsSet()).isEqualTo(EventChannels.PORTS - 1);
        assertThat(bits.clearMask(port)).as("masked before").isFalse();
    }

    @Test
    void selectorBitIsThatOfThePortsWordOf64() {
        assertThat(PortBits.selector(1)).isEqualTo(1);
        assertThat(PortBits.selector(63)).isEqualTo(1);
        assertThat(PortBits.selector(64)).isEqualTo(2);
        assertThat(PortBits.selector(4095)).isEqualTo(Long.MIN_VALUE);
    }
}

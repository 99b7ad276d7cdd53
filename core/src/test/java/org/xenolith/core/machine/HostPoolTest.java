package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Ram;

final class HostPoolTest {
    private static final long MIB = 1L << 20;

    @Test
    void roomForCopiesIsWhatMakesNoAddressWider() {
        assertThat(HostPool.withRoom(288 * MIB, 288 * MIB)).isEqualTo(2048 * MIB);
        assertThat(HostPool.withRoom(5000 * MIB, 100 * MIB)).isEqualTo(8192 * MIB);
        assertThat(Ram.Reservation.bytesFor(8192 * MIB))
                .isEqualTo(Ram.Reservation.bytesFor(5000 * MIB));
    }

    @Test
    void thereIsRoomForOneCopyAtLeast() {
        assertThat(HostPool.withRoom(4000 * MIB, 4000 * MIB)).isEqualTo(8000 * MIB);
        assertThat(HostPool.withRoom(4096 * MIB, 100 * MIB)).isEqualTo(4196 * MIB);
    }
}

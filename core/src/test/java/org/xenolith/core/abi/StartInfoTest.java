package org.xenolith.core.abi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

class StartInfoTest {
    @Test
    void recordSurvivesTheGuestsMemory() {
        StartInfo info =
                new StartInfo(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "console=hvc0 é", 13, 14);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8192);
            info.writeTo(memory, 4096);
            assertThat(StartInfo.readFrom(memory, 4096)).isEqualTo(info);
            assertThat(memory.get(ValueLayout.JAVA_BYTE, 4095)).isZero();
            assertThat(memory.get(ValueLayout.JAVA_BYTE, 4096 + StartInfo.SIZE)).isZero();
        }
    }

    @Test
    void commandLineKeepsRoomForItsTerminator() {
        assertThat(StartInfo.fits("x".repeat(1023))).isTrue();
        assertThat(StartInfo.fits("x".repeat(1024))).isFalse();
        assertThat(StartInfo.fits("é".repeat(512))).as("bytes count").isFalse();
    }
}

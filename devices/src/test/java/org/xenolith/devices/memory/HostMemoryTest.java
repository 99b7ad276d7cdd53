package org.xenolith.devices.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class HostMemoryTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int ENOMEM = 12;

    @Test
    void reservedMemoryReadsAsZeroesAndCostsNothing() {
        HostMemory memory = HostMemory.reserve(4096L * MEBIBYTE);

        assertThat(memory.sizeBytes()).isEqualTo(4096L * MEBIBYTE);
        assertThat(memory.residentBytes()).isZero();
        assertThat(memory.segment().get(JAVA_LONG, memory.sizeBytes() - 8)).isZero();
    }

    @Test
    void writtenPagesAreResidentAndKeepTheirContent() {
        HostMemory memory = HostMemory.reserve(256L * MEBIBYTE);
        long lastPage = memory.sizeBytes() - LibC.PAGE_SIZE;

        memory.segment().set(JAVA_LONG, lastPage, 0x1122334455667788L);

        assertThat(memory.segment().get(JAVA_LONG, lastPage)).isEqualTo(0x1122334455667788L);
        assertThat(memory.residentBytes()).isGreaterThanOrEqualTo(LibC.PAGE_SIZE);
    }

    @Test
    void releasedPagesReadAsZeroesAndTheirNeighboursStay() {
        HostMemory memory = HostMemory.reserve(MEBIBYTE);
        memory.segment().fill((byte) 0x5a);

        memory.release(LibC.PAGE_SIZE, 2L * LibC.PAGE_SIZE);

        assertThat(memory.segment().get(JAVA_BYTE, LibC.PAGE_SIZE - 1)).isEqualTo((byte) 0x5a);
        assertThat(memory.segment().get(JAVA_BYTE, LibC.PAGE_SIZE)).isZero();
        assertThat(memory.segment().get(JAVA_BYTE, 3L * LibC.PAGE_SIZE - 1)).isZero();
        assertThat(memory.segment().get(JAVA_BYTE, 3L * LibC.PAGE_SIZE)).isEqualTo((byte) 0x5a);
    }

    @Test
    void processShrinksWhenPagesAreReleased() throws IOException {
        HostMemory memory = HostMemory.reserve(192L * MEBIBYTE);
        memory.segment().fill((byte) 1);
        long before = residentBytesOfProcess();
        assertThat(memory.residentBytes()).isEqualTo(192L * MEBIBYTE);

        memory.release(0, 192L * MEBIBYTE);

        assertThat(memory.residentBytes()).isZero();
        // The JVM's own heap may grow meanwhile: ask for two thirds only.
        assertThat(before - residentBytesOfProcess()).isGreaterThan(128L * MEBIBYTE);
    }

    @Test
    void hostThatRefusesIsQuotedWithItsErrorNumber() {
        assertThatThrownBy(() -> HostMemory.reserve(1L << 60))
                .isInstanceOfSatisfying(
                        HostCallFailed.class, e -> assertThat(e.errno()).isEqualTo(ENOMEM))
                .hasMessageStartingWith("Cannot reserve ")
                .hasMessageEndingWith(" of host memory: Cannot allocate memory (errno 12)");
    }

    @Test
    void rangeOutsideTheReservationIsRefused() {
        HostMemory memory = HostMemory.reserve(MEBIBYTE);

        assertThatThrownBy(() -> memory.release(0, 2L * MEBIBYTE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.release(1, LibC.PAGE_SIZE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("offset must be whole pages of 4096 bytes, not 1");
        assertThatThrownBy(() -> HostMemory.reserve(0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static long residentBytesOfProcess() throws IOException {
        String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
        return Long.parseLong(pages[1]) * LibC.PAGE_SIZE;
    }
}

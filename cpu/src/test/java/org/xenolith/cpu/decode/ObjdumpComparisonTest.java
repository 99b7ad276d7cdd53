package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Every instruction of programs on this machine, read by us and by binutils' objdump. */
class ObjdumpComparisonTest {
    private static final long SEED = Long.getLong("xenolith.seed", 20250119);

    private final ObjdumpComparison comparison = new ObjdumpComparison(CodeSize.CODE_64);

    static List<Path> systemPrograms() {
        return ObjdumpComparison.installed(
                "/bin/bash", "/bin/sh", "/bin/busybox", "/lib/x86_64-linux-gnu/libc.so.6");
    }

    @ParameterizedTest
    @MethodSource("systemPrograms")
    void readsSystemProgramsAsObjdumpDoes(Path program) throws Exception {
        comparison.compareProgram(program);
    }

    static List<Path> largePrograms() {
        return ObjdumpComparison.installed(
                "/lib/x86_64-linux-gnu/libcrypto.so.3",
                "/lib/x86_64-linux-gnu/libstdc++.so.6",
                "/lib/x86_64-linux-gnu/libm.so.6",
                "/usr/bin/python3",
                "/usr/bin/perl",
                "/usr/lib/gcc/x86_64-linux-gnu/12/cc1");
    }

    @Tag("proof")
    @ParameterizedTest
    @MethodSource("largePrograms")
    void readsLargeProgramsAsObjdumpDoes(Path program) throws Exception {
        comparison.compareProgram(program);
    }

    /** Set the system property {@code xenolith.vmlinux} to an unpacked kernel. */
    @Tag("proof")
    @ParameterizedTest
    @ValueSource(strings = "xenolith.vmlinux")
    void readsTheKernelAsObjdumpDoes(String property) throws Exception {
        String kernel = System.getProperty(property);
        assumeTrue(kernel != null, "SKIPPED: -D" + property + " names no kernel");
        comparison.compareProgram(Path.of(kernel));
    }

    /** Programs seldom use some of them: random uses of every vector row, CRC32 and MOVBE. */
    @Test
    void readsEveryVectorRowAsObjdumpDoes(@TempDir Path directory) throws Exception {
        System.out.println("vector rows for objdump: -Dxenolith.seed=" + SEED);
        byte[] code =
                comparison.randomUses(
                        row -> row.has(OpcodeRow.SIMD) || row.mnemonic().matches("crc32|movbe"),
                        new Random(SEED));
        comparison.compareImage(Files.write(directory.resolve("rows.bin"), code));
        assertThat(comparison.unknown()).as("rows that are undefined to us").isZero();
    }
}

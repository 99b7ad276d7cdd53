package org.xenolith.cpu.decode;

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

/** 32-bit code, read by us and by binutils' objdump. */
class CompatibilityObjdumpTest {
    private static final long SEED = Long.getLong("xenolith.seed", 20250119);
    private static final int RANDOM_BYTES = 1 << 20;

    private final ObjdumpComparison comparison = new ObjdumpComparison(CodeSize.CODE_32);

    static List<Path> libraries() {
        return ObjdumpComparison.installed(
                "/lib32/libc.so.6",
                "/usr/lib32/libstdc++.so.6",
                "/lib/i386-linux-gnu/libc.so.6",
                "/lib/i386-linux-gnu/libstdc++.so.6");
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void readsLibrariesAsObjdumpDoes(Path library) throws Exception {
        comparison.compareProgram(library);
    }

    /** Set the system property {@code xenolith.i386} to a program or library of 32 bits. */
    @Tag("proof")
    @ParameterizedTest
    @ValueSource(strings = "xenolith.i386")
    void readsThatProgramAsObjdumpDoes(String property) throws Exception {
        String program = System.getProperty(property);
        assumeTrue(program != null, "SKIPPED: -D" + property + " names no program");
        comparison.compareProgram(Path.of(program));
    }

    @Test
    void readsEveryRowAsObjdumpDoes(@TempDir Path directory) throws Exception {
        System.out.println("rows for objdump: -Dxenolith.seed=" + SEED);
        byte[] code = comparison.randomUses(row -> true, new Random(SEED));
        comparison.compareImage(Files.write(directory.resolve("rows.bin"), code));
    }

    @Test
    void readsRandomBytesAsObjdumpDoes(@TempDir Path directory) throws Exception {
        System.out.println("random bytes for objdump: -Dxenolith.seed=" + SEED);
        byte[] code = new byte[RANDOM_BYTES];
        new Random(SEED).nextBytes(code);
        comparison.compareImage(Files.write(directory.resolve("random.bin"), code));
    }
}

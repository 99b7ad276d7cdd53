package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Whatever a student's Java throws, and wherever, is an answer to the student. */
class StudentErrorsBootTest {
    private static final String ERROR = "throw new AssertionError(\"oh\");";

    @TempDir Path folder;

    private String answer(int number, String text) throws IOException {
        Lab lab = Labs.number(number).orElseThrow();
        Files.writeString(folder.resolve(lab.file()), "import org.xenolith.core.lab.*;\n" + text);
        try (LabBench bench = new LabBench(Set.of())) {
            LabResult result = lab.check(folder, bench);
            assertThat(result.passed()).isEmpty();
            return result.failure().orElseThrow().explanation();
        }
    }

    private static void requireCompiler() {
        List<String> missing = GuestCompiler.missingTools();
        HostNeeds.require(missing.isEmpty(), missing + " to build the labs");
    }

    private static String backend(String members, String body) {
        return "public final class DiskBackend implements BlockBackend {\n"
                + members
                + "public void notified(RingPage ring, BackendHost host) { "
                + body
                + " }\n}\n";
    }

    private static String hypercall(String members, String body) {
        return "public final class SumHypercall implements HypercallHandler {\n"
                + members
                + "public long call(GuestMemory m, long a, long b, long c) { "
                + body
                + " }\n}\n";
    }

    @Test
    void errorOfABackendIsItsStudents() throws IOException {
        assertThat(answer(7, backend("", ERROR))).contains("Your code threw", "oh", "in line 3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "public DiskBackend() { throw new AssertionError(\"oh\"); }\n",
                "static int n = Integer.parseInt(\"oh\");\n"
            })
    void errorWhenABackendIsMadeIsItsStudents(String members) throws IOException {
        assertThat(answer(7, backend(members, ""))).contains("Your code threw");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "public SumHypercall() { throw new IllegalStateException(\"oh\"); }\n",
                "static int n = Integer.parseInt(\"oh\");\n"
            })
    void errorWhenAHypercallIsMadeIsItsStudents(String members) throws IOException {
        requireCompiler();
        assertThat(answer(3, hypercall(members, "return 0;"))).contains("Your code threw");
    }

    @Test
    void errorOfAHypercallIsItsStudents() throws IOException {
        requireCompiler();
        assertThat(answer(3, hypercall("", ERROR))).contains("Your code threw", "oh", "in line 3");
    }
}

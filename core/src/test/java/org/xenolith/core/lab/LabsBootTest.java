package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every lab is done as students do it: not at all, rightly, and wrongly in ways that look right.
 * The first two lines of a wrong file say what is wrong with it and words of what its author is to
 * be told.
 */
class LabsBootTest {
    private static final Path LABS = Path.of("../guests/src/main/labs");
    private static final int WRONG_PER_LAB = 3;
    private static final String TOLD = "Told: ";

    private static final LabBench BENCH = new LabBench(Set.of());

    @TempDir Path folder;

    @BeforeAll
    static void requireTools() {
        List<String> missing = GuestCompiler.missingTools();
        HostNeeds.require(missing.isEmpty(), missing + " to build the labs");
    }

    @AfterAll
    static void removeImages() {
        BENCH.close();
    }

    static Stream<Integer> labs() {
        return Labs.all().stream().map(Lab::number);
    }

    private static Lab lab(int number) {
        return Labs.number(number).orElseThrow();
    }

    static Stream<Arguments> wrongWork() throws IOException {
        List<Arguments> all = new ArrayList<>();
        for (Lab lab : Labs.all()) {
            try (Stream<Path> wrong = Files.list(LABS.resolve(lab.folder()).resolve("wrong"))) {
                List<Path> sorted = wrong.sorted().toList();
                assertThat(sorted)
                        .as("wrong solutions of lab %d", lab.number())
                        .hasSizeGreaterThanOrEqualTo(WRONG_PER_LAB);
                sorted.forEach(
                        path -> all.add(Arguments.of(lab.number(), path.getFileName().toString())));
            }
        }
        return all.stream();
    }

    private static String textOf(LabResult result) {
        return result.failure().map(f -> f.name() + ": " + f.explanation()).orElse("passed");
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("labs")
    void skeletonFailsInTheFirstCaseWithAHint(int number) throws IOException {
        Lab lab = lab(number);
        Labs.start(lab, folder);
        LabResult result = lab.check(folder, BENCH);
        assertThat(result.passed()).isEmpty();
        String explanation = result.failure().orElseThrow().explanation();
        assertThat(result.failure().orElseThrow().name()).isNotEqualTo("it compiles");
        assertThat(explanation.split(" ")).as(explanation).hasSizeGreaterThan(10);
        assertThat(explanation).endsWith(".").doesNotContain("Exception").doesNotContain("trap ");
    }

    @Test
    void compilersMessageNamesTheStudentsFileWithoutOurFolders() throws IOException {
        Files.writeString(folder.resolve("whoami.c"), "#include \"lab.h\"\nint x = y;\n");
        LabResult result = lab(1).check(folder, BENCH);
        String said = result.failure().orElseThrow().explanation();
        assertThat(said).startsWith("whoami.c:2:9: error: ").doesNotContain("/xenolith-lab");
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("labs")
    void solutionPasses(int number) throws IOException {
        Lab lab = lab(number);
        Path solution = LABS.resolve(lab.folder()).resolve("solution");
        LabResult result = lab.check(solution, BENCH);
        assertThat(textOf(result)).isEqualTo("passed");
        assertThat(result.passed()).hasSizeGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("wrongWork")
    void wrongWorkIsToldWhy(int number, String name) throws IOException {
        Lab lab = lab(number);
        Path wrong = LABS.resolve(lab.folder()).resolve("wrong").resolve(name);
        String told =
                Files.readAllLines(wrong.resolve(lab.file())).get(1).replaceAll("^.*" + TOLD, "");
        told = told.replaceAll(" \\*/$", "");
        assertThat(told).isNotBlank();
        LabResult result = lab.check(wrong, BENCH);
        assertThat(textOf(result)).contains(told);
    }
}

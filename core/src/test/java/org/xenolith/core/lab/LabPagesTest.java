package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.core.trace.TraceTopic;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The pages of the labs keep to what a student expects of them. */
class LabPagesTest {
    private static final Path PAGES = Path.of("../docs/labs");
    private static final Path MICRO = Path.of("../guests/src/main/guest/micro");
    private static final int MOST_WORDS = 1200;

    static Stream<Integer> labs() {
        return Labs.all().stream().map(Lab::number);
    }

    private static Path page(Lab lab) throws IOException {
        try (Stream<Path> pages = Files.list(PAGES)) {
            List<Path> found =
                    pages.filter(path -> path.getFileName().toString().startsWith(lab.folder()))
                            .toList();
            assertThat(found).as("pages of lab %d", lab.number()).hasSize(1);
            return found.getFirst();
        }
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("labs")
    void everyLabHasAPageToReadRunWatchAndWrite(int number) throws IOException {
        Lab lab = Labs.number(number).orElseThrow();
        String text = Files.readString(page(lab));
        assertThat(text).startsWith("# Lab " + number + ": " + lab.title() + "\n");
        assertThat(text.lines())
                .containsSubsequence("## Run", "## Watch", "## Write", "## Questions");
        assertThat(text)
                .contains("./vmm lab start " + number)
                .contains("./vmm lab check " + number)
                .contains(lab.file())
                .contains("--trace=");
        assertThat(text.split("\\s+")).hasSizeLessThanOrEqualTo(MOST_WORDS);
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("labs")
    void indexLeadsToEveryPage(int number) throws IOException {
        Lab lab = Labs.number(number).orElseThrow();
        assertThat(Files.readString(PAGES.resolve("README.md")))
                .contains(
                        "| %d | [%s](%s)".formatted(number, lab.title(), page(lab).getFileName()));
    }

    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map(m -> m.group(1)).toList();
    }

    /** Paths in a fleet's file are those of whoever starts it: pages do so in the top folder. */
    private static void kernelsAreWhereMakeBuildsThem(Path fleet) throws IOException {
        for (String kernel : found("kernel = \"(.+)\"", Files.readString(fleet))) {
            assertThat(kernel).as("%s", fleet).matches("guests/target/micro/[a-z-]+\\.elf");
        }
    }

    @ParameterizedTest(name = "lab {arguments}")
    @MethodSource("labs")
    void whatAPageNamesExists(int number) throws IOException {
        Path page = page(Labs.number(number).orElseThrow());
        String text = Files.readString(page);
        for (String link : found("\\]\\(([^)#]+)\\)", text)) {
            assertThat(page.resolveSibling(link).normalize()).exists();
        }
        for (String guest : found("(?:guests/target/micro/|run-)([a-z-]+)", text)) {
            assertThat(MICRO.resolve(guest + ".c")).exists();
        }
        for (String fleet : found("vmm up (\\S+)", text)) {
            assertThat(Path.of("..").resolve(fleet)).exists();
            kernelsAreWhereMakeBuildsThem(Path.of("..").resolve(fleet));
        }
        for (String topics : found("--trace=([a-z,]+)", text)) {
            assertThat(Stream.of(TraceTopic.values()).map(TraceTopic::label))
                    .contains(topics.split(","));
        }
    }
}

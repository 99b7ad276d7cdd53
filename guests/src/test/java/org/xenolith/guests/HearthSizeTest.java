package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Hearth is written to be read: it may have what a reader can read in a few evenings. */
class HearthSizeTest {
    private static final Path HEARTH = Path.of("src/main/guest/hearth");
    private static final List<String> COUNTED = List.of(".c", ".h", ".S");
    private static final long LINES_MAX = 5_000;

    @Test
    void aKernelForReadersHasAtMostFiveThousandLines() throws IOException {
        Map<Path, Long> lines = new TreeMap<>();
        try (Stream<Path> files = Files.walk(HEARTH)) {
            for (Path file : files.filter(HearthSizeTest::isCounted).toList()) {
                try (Stream<String> text = Files.lines(file)) {
                    lines.put(HEARTH.relativize(file), text.count());
                }
            }
        }
        assertThat(lines).as("files of hearth").isNotEmpty();
        assertThat(lines.values().stream().mapToLong(Long::longValue).sum())
                .as("lines of C and assembly: %s", lines)
                .isLessThanOrEqualTo(LINES_MAX);
    }

    private static boolean isCounted(Path file) {
        String name = file.getFileName().toString();
        boolean isBuilt = HEARTH.relativize(file).startsWith("build");
        return !isBuilt && COUNTED.stream().anyMatch(name::endsWith);
    }
}

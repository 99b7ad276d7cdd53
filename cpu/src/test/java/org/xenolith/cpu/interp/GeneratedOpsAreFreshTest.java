package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The checked-in operation classes are what the generator writes, up to the formatter's taste. */
class GeneratedOpsAreFreshTest {
    private static final Path FOLDER = Path.of("src/main/java/org/xenolith/cpu/interp");

    static Stream<String> files() {
        return OpGenerator.files().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("files")
    void checkedInFileIsWhatTheGeneratorWrites(String name) throws IOException {
        assertThat(essence(Files.readString(FOLDER.resolve(name))))
                .as("%s: run OpGenerator, then the formatter", name)
                .isEqualTo(essence(OpGenerator.files().get(name)));
    }

    /** The text without what the formatter decides: white space, and the order of imports. */
    private static String essence(String source) {
        return source.lines()
                .filter(line -> !line.startsWith("import "))
                .collect(Collectors.joining("\n"))
                .replaceAll("\\s+", "");
    }
}

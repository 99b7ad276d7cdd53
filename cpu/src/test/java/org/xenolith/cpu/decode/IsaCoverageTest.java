package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

class IsaCoverageTest {
    private static final Path PAGE = Path.of("..", "docs", "isa-coverage.md");
    private static final Path FRESH_PAGE = Path.of("target", "isa-coverage.md");

    static Set<String> hiddenInstructions() {
        return Set.copyOf(IsaCoverage.HIDDEN.values());
    }

    @Test
    void everyFormThatSoftwareUsesHasARow() {
        assertThat(new IsaCoverage().missing()).isEmpty();
    }

    @Test
    void thePageInTheDocumentationIsWhatTheTablesSay() throws IOException {
        String fresh = new IsaCoverage().page();
        String written = Files.exists(PAGE) ? Files.readString(PAGE) : "";
        if (!written.equals(fresh)) {
            Files.createDirectories(FRESH_PAGE.getParent());
            Files.writeString(FRESH_PAGE, fresh);
        }
        assertThat(written)
                .as("docs/isa-coverage.md is stale: cp cpu/target/isa-coverage.md docs/")
                .isEqualTo(fresh);
    }

    @ParameterizedTest
    @MethodSource("hiddenInstructions")
    void instructionsOfHiddenFeaturesAreUndefined(String example) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (String word : example.split(" ")) {
            if (word.matches("[0-9A-F]{2}")) {
                code.write(Integer.parseInt(word, 16));
            }
        }
        code.writeBytes(new byte[Decoder.MAX_LENGTH]);
        Instruction instruction = new Instruction();
        for (CodeSize size : CodeSize.values()) {
            int length = Decoder.decode(size, code.toByteArray(), 0, code.size(), instruction);
            assertThat(length).isPositive();
            assertThat(instruction.row).as("%s", size).isNull();
        }
    }
}

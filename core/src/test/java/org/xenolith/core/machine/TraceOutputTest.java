package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.trace.TraceTopic;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;

final class TraceOutputTest {
    @ParameterizedTest
    @ValueSource(strings = {"/nonexistent/t", "/nonexistent/t.json"})
    void folderThatIsNotThereIsNamed(String file) {
        BootOptions options =
                BootOptions.of("web", Path.of("vmlinuz"), 1 << 20)
                        .trace(EnumSet.of(TraceTopic.HYPERCALL), Optional.of(Path.of(file)))
                        .build();
        assertThatThrownBy(() -> TraceOutput.open(options, Symbols.NONE))
                .isInstanceOf(IOException.class)
                .hasMessage(file + ": there is no folder /nonexistent");
    }
}

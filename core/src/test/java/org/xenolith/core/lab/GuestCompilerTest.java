package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Tools that build guests, with others in their place. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GuestCompilerTest {
    private static final Duration LONG = Duration.ofMinutes(10);

    @TempDir Path folder;

    @Test
    void compilerThatDoesNotEndIsNotWaitedForWithoutEnd() {
        List<String> command = List.of("sh", "-c", "sleep 600; exit 1");
        assertThatThrownBy(() -> GuestCompiler.run(command, folder, Duration.ofMillis(1)))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("gcc does not end");
        assertThat(folder).isEmptyDirectory();
    }

    /** A file in C may include /dev/stdin. */
    @Test
    void sourceThatReadsTheCompilersInputDoesNotHoldUpTheCheck() throws IOException {
        GuestCompiler.run(List.of("cat"), folder, LONG);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatAToolThatFailsSaysIsTold() {
        List<String> command = List.of("sh", "-c", "echo first; echo second >&2; exit 1");
        assertThatThrownBy(() -> GuestCompiler.run(command, folder, LONG))
                .isInstanceOf(GuestCompiler.Refused.class)
                .hasMessage("first\nsecond");
        assertThat(folder).isEmptyDirectory();
    }
}

package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What the jar carries for those who build guests. */
class GuestSourcesTest {
    private static final Path GUEST = Path.of("src/main/guest");
    private static final Path LABS = Path.of("src/main/labs");

    @TempDir Path folder;

    private static List<String> names(Path of) throws IOException {
        try (Stream<Path> files = Files.list(of)) {
            return new ArrayList<>(
                    files.filter(Files::isRegularFile)
                            .map(file -> file.getFileName().toString())
                            .toList());
        }
    }

    @Test
    void runtimeIsCopiedWholeAndUnchanged() throws IOException {
        GuestSources.copyRuntime(folder);
        List<String> expected = names(GUEST.resolve("common"));
        expected.addAll(names(GUEST.resolve("micro/runtime")));
        assertThat(names(folder)).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(folder.resolve("xen.h")).hasSameBinaryContentAs(GUEST.resolve("common/xen.h"));
    }

    @Test
    void labsComeWithoutTheirSolutions() throws IOException {
        assertThat(LABS.resolve("01/solution/whoami.c")).exists();
        assertThat(GuestSources.lab("01/skeleton/whoami.c"))
                .isEqualTo(Files.readAllBytes(LABS.resolve("01/skeleton/whoami.c")));
        for (String hidden : List.of("solution/whoami.c", "wrong/no-end/whoami.c")) {
            assertThat(GuestSources.class.getResource("labs/01/" + hidden)).as(hidden).isNull();
        }
    }
}

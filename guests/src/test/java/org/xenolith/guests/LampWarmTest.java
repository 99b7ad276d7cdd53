package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code lamp-warm} says on a guest's console, with a BusyBox that answers as it is told. */
@Timeout(20)
class LampWarmTest {
    private static final Path PROGRAM = Path.of("src/main/guest/lamp/root/usr/sbin/lamp-warm");

    @TempDir Path folder;

    /** What stands on the console when the program has ended. */
    private String run(String path, String wget, int status) throws Exception {
        Path console = folder.resolve("console");
        String script =
                "busybox() { echo \"%s\" >&2; return %d; }; sleep() { :; }; . %s"
                        .formatted(wget, status, PROGRAM.toAbsolutePath());
        ProcessBuilder shell = new ProcessBuilder("sh", "-c", script, "lamp-warm", path);
        shell.environment().put("CONSOLE", console.toString());
        shell.redirectErrorStream(true).redirectOutput(folder.resolve("out").toFile());
        int end = shell.start().waitFor();
        assertThat(folder.resolve("out")).hasContent("");
        assertThat(end).isEqualTo(status);
        return Files.readString(console);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "/x|wget: server returned error: HTTP/1.1 404 Not Found|/x answers 404 Not Found",
                "/|wget: server returned error: HTTP/1.0 500 Internal Server Error|/ answers 500"
                        + " Internal Server Error",
                "/x|wget: can't connect: refused|/x: can't connect: refused",
                "/x|Terminated|/x does not answer",
                "x|never asked|warm=x is no path, which begins with a /"
            })
    void guestWhosePageDoesNotComeSaysWhyAndNotThatItIsWarm(String path, String wget, String said)
            throws Exception {
        assertThat(run(path, wget, 1)).isEqualTo("lamp: no warm page: " + said + "\n");
    }

    @Test
    void guestWhosePageHasComeIsWarm() throws Exception {
        assertThat(run("/", "", 0)).matches("lamp: WARM after [0-9.]+ s\n");
    }
}

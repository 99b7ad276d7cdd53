package org.xenolith.devices.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

@Timeout(20)
class ConsoleLogTest {
    private static final Duration LONG = Duration.ofMinutes(5);

    @Test
    void onlyTheTailIsKept() {
        ConsoleLog log = new ConsoleLog(4);
        print(log, "abcdef");
        assertThat(log.text()).isEqualTo("cdef");
        assertThat(log.position()).isEqualTo(6);
        assertThat(log.textFrom(5)).isEqualTo("f");
    }

    @Test
    void textThatIsThereAlreadyIsFoundWithoutWaiting() throws InterruptedException {
        ConsoleLog log = new ConsoleLog();
        print(log, "login: ");
        assertThat(log.awaitText("login:", Duration.ZERO)).isTrue();
        assertThat(log.awaitText("password:", Duration.ZERO)).isFalse();
    }

    @Test
    void textBeforeThePositionDoesNotCount() throws InterruptedException {
        ConsoleLog log = new ConsoleLog();
        print(log, "# ");
        long position = log.position();
        assertThat(log.awaitText("#", position, Duration.ZERO)).isFalse();
        print(log, "ls\n# ");
        assertThat(log.awaitText("#", position, Duration.ZERO)).isTrue();
    }

    @Test
    void waiterIsWokenByTextThatCameInTwoPieces() throws Exception {
        ConsoleLog log = new ConsoleLog();
        CompletableFuture<Boolean> found = waitFor(log, "needle");
        print(log, "hay nee");
        print(log, "dle hay");
        assertThat(found.get()).isTrue();
    }

    @Test
    void closingReleasesAWaiter() throws Exception {
        ConsoleLog log = new ConsoleLog();
        CompletableFuture<Boolean> found = waitFor(log, "never");
        log.close();
        assertThat(found.get()).isFalse();
    }

    private static CompletableFuture<Boolean> waitFor(ConsoleLog log, String text) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return log.awaitText(text, LONG);
                    } catch (InterruptedException interrupted) {
                        throw new IllegalStateException(interrupted);
                    }
                });
    }

    private static void print(ConsoleSink sink, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        sink.write(bytes, 0, bytes.length);
    }
}

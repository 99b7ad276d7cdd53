package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;

@Timeout(10)
class ConsoleWatchTest {
    private final ConsoleWatch watch = new ConsoleWatch("läuft: READY");

    private void says(String text) {
        byte[] bytes = ("??" + text).getBytes(StandardCharsets.UTF_8);
        watch.hear(bytes, 2, bytes.length - 2);
    }

    private boolean isHeard() throws InterruptedException {
        watch.giveUp();
        return watch.await();
    }

    @Test
    void textIsHeardAcrossWrites() throws InterruptedException {
        for (String piece : "web läläuft: READY, http://".split("")) {
            says(piece);
        }
        assertThat(isHeard()).isTrue();
    }

    @Test
    void textOfTwoLinesIsNotHeard() throws InterruptedException {
        says("läuft:\n READY");
        assertThat(isHeard()).isFalse();
    }

    @Test
    void textAfterAVeryLongLineIsHeard() throws InterruptedException {
        for (int i = 0; i < 3_000; i++) {
            says("läuft: REA");
        }
        says("läuft: READY");
        assertThat(isHeard()).isTrue();
    }

    @Test
    void whatIsSaidAfterGivingUpIsNotHeard() throws InterruptedException {
        watch.giveUp();
        says("läuft: READY");
        assertThat(watch.await()).isFalse();
    }
}

package org.xenolith.devices.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

class ConsoleInputTest {
    private final AtomicInteger calls = new AtomicInteger();
    private final ConsoleInput input = new ConsoleInput(8, calls::incrementAndGet);

    @Test
    void bytesComeOutInTheOrderInWhichTheyWereTyped() {
        offer("abc");
        assertThat(read(2)).isEqualTo("ab");
        offer("defgh");
        assertThat(read(99)).isEqualTo("cdefgh");
    }

    @Test
    void whatDoesNotFitIsRefusedAndNotLost() {
        assertThat(offer("0123456789")).isEqualTo(8);
        assertThat(offer("x")).isZero();
        assertThat(input.available()).isEqualTo(8);
        assertThat(read(3)).isEqualTo("012");
        assertThat(offer("89a")).isEqualTo(3);
        assertThat(read(99)).isEqualTo("3456789a");
    }

    @Test
    void theListenerHearsOfInputButNotOfARefusal() {
        offer("01234567");
        assertThat(calls).hasValue(1);
        offer("8");
        assertThat(calls).hasValue(1);
    }

    @Test
    void anEmptyQueueGivesNothingAtOnce() {
        assertThat(read(10)).isEmpty();
    }

    private int offer(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return input.offer(bytes, 0, bytes.length);
    }

    private String read(int length) {
        byte[] bytes = new byte[length];
        return new String(bytes, 0, input.read(bytes, 0, length), StandardCharsets.ISO_8859_1);
    }
}

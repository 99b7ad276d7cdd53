package org.xenolith.core.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

class StudentCallTest {
    private static final Duration ENOUGH = Duration.ofSeconds(60);

    @Test
    void resultComesBack() throws Exception {
        assertThat(StudentCall.within(ENOUGH, () -> "done")).isEqualTo("done");
    }

    @Test
    void whatIsThrownIsThrown() {
        assertThatThrownBy(
                        () ->
                                StudentCall.within(
                                        ENOUGH,
                                        () -> {
                                            throw new IllegalStateException("oh");
                                        }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("oh");
        assertThatThrownBy(
                        () ->
                                StudentCall.within(
                                        ENOUGH,
                                        () -> {
                                            throw new StackOverflowError();
                                        }))
                .isInstanceOf(StudentCall.Endless.class);
        assertThatThrownBy(
                        () ->
                                StudentCall.within(
                                        ENOUGH,
                                        () -> {
                                            throw new IOException("file");
                                        }))
                .isInstanceOf(IOException.class);
    }

    @Test
    void codeThatDoesNotReturnIsGivenUpAndInterrupted() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        assertThatThrownBy(
                        () ->
                                StudentCall.within(
                                        Duration.ofMillis(20),
                                        () -> {
                                            try {
                                                new CountDownLatch(1).await();
                                            } finally {
                                                interrupted.countDown();
                                            }
                                            return null;
                                        }))
                .isInstanceOf(StudentCall.Endless.class)
                .hasMessageContaining("did not return");
        interrupted.await();
    }
}

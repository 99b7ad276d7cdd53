package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

/** There is one translator for all guests, and nobody starts it again. */
class JitTest {
    private final Jit jit = new Jit(Jit.Policy.EVERYTHING);

    @Test
    void whatTheTranslatorHasNoMemoryForCountsAsAFailureAndDoesNotEndIt() {
        OutOfMemoryError noMemory = new OutOfMemoryError();
        assertThatCode(
                        () ->
                                jit.guard(
                                        () -> {
                                            throw noMemory;
                                        }))
                .doesNotThrowAnyException();
        assertThat(jit.failures()).isEqualTo(1);
        assertThat(jit.lastFailure()).isSameAs(noMemory);
    }
}

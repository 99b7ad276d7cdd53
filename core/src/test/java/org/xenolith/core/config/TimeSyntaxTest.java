package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;

class TimeSyntaxTest {
    @ParameterizedTest
    @CsvSource({"500ms, PT0.5S", "60, PT1M", "' 7s ', PT7S", "2m, PT2M", "3h, PT3H", "0, PT0S"})
    void timeIsANumberWithAUnit(String text, Duration time) {
        assertThat(TimeSyntax.parse(text)).contains(time);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "-1s", "1.5s", "1 s", "1d", "1234567890", "0x10"})
    void whatIsNoTimeIsNone(String text) {
        assertThat(TimeSyntax.parse(text)).isEmpty();
    }

    /** Whoever waits counts nanoseconds, and failed with an overflow. */
    @Test
    void timeThatNanosecondsCannotCountIsTheLongestThatTheyCan() {
        assertThat(TimeSyntax.parse("999999999h").orElseThrow().toNanos())
                .isEqualTo(Long.MAX_VALUE);
    }
}

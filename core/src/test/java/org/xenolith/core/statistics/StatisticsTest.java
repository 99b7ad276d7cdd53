package org.xenolith.core.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class StatisticsTest {
    @Test
    void whatBrokeTheTranslatorIsToldWithItsPlaceAndItsCause() {
        Throwable cause = new IllegalArgumentException("code too large");
        StringBuilder text = new StringBuilder();
        Statistics.appendFailure(new IllegalStateException("cannot be defined", cause), text);
        assertThat(text.toString().lines())
                .singleElement()
                .asString()
                .startsWith("the last failure: java.lang.IllegalStateException: cannot be defined")
                .containsSubsequence(
                        "at org.xenolith.core.statistics.StatisticsTest",
                        ", because of java.lang.IllegalArgumentException: code too large",
                        "at org.xenolith.core.statistics.StatisticsTest");
    }

    @Test
    void aTranslatorThatNothingBrokeHasNoLineForThat() {
        StringBuilder text = new StringBuilder();
        Statistics.appendFailure(null, text);
        assertThat(text).isEmpty();
    }
}

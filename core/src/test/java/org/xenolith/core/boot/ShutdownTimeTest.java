package org.xenolith.core.boot;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShutdownTimeTest {
    @ParameterizedTest
    @CsvSource({"1, 2, 20", "20, 2, 67", "100, 2, 267", "20, 64, 21"})
    void manyGuestsOnFewProcessorsHaveLongerToPowerOff(int guests, int processors, int seconds) {
        assertThat(ShutdownTime.of(guests, processors).toSeconds()).isEqualTo(seconds);
    }
}

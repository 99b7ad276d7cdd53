package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MemorySizeTest {
    @ParameterizedTest
    @CsvSource({
        "256M,268435456",
        "256,268435456",
        "256m,268435456",
        "256MB,268435456",
        "256MiB,268435456",
        "1G,1073741824",
        "1.5G,1610612736",
        "262144K,268435456",
        "size=64M,67108864",
        "4096B,4096",
        "5000B,4096",
        "1T,1099511627776"
    })
    void sizesAreReadAsQemuReadsThem(String text, long bytes) throws ConfigException {
        assertThat(MemorySize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "-1", "1P", "1 M", "0x100", "4095B", "65T", "1e9", "Ä"})
    void nonsenseIsRefused(String text) {
        assertThatThrownBy(() -> MemorySize.parse(text))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("'" + text + "' is no amount of memory");
    }
}

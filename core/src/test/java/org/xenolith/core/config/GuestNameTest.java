package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class GuestNameTest {
    @ParameterizedTest
    @ValueSource(strings = {"web", "web1", "1st", "disk.img", "a_b-c", "0x5"})
    void nameOfLettersAndDigitsIsOne(String name) throws ConfigException {
        assertThat(GuestName.check(name)).isEqualTo(name);
        assertThat(GuestName.from(name)).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "0042", "a b", "-x", ".x", "1/web", "web\n", "\u00e4"})
    void whatReadsLikeAnIdOrSteersATerminalIsNoName(String name) throws ConfigException {
        assertThatThrownBy(() -> GuestName.check(name))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("is no name: use up to 63 letters");
        String fit = GuestName.from(name);
        assertThat(GuestName.check(fit)).isEqualTo(fit);
    }

    @Test
    void wrongNameIsToldWithoutItsControlCharacters() {
        assertThatThrownBy(() -> GuestName.check("a\u001b[31m\n"))
                .hasMessageStartingWith("'a\\x1b[31m\\x0a' is no name");
    }

    @ParameterizedTest
    @CsvSource({"my disk.img, my-disk.img", "5, guest-5", "'', guest", ".hidden, hidden"})
    void guestIsNamedAfterAFileOfAnyName(String file, String name) {
        assertThat(GuestName.from(file)).isEqualTo(name);
    }

    @Test
    void nameHas63CharactersAtMost() throws ConfigException {
        assertThat(GuestName.check("a".repeat(63))).hasSize(63);
        assertThatThrownBy(() -> GuestName.check("a".repeat(64)))
                .isInstanceOf(ConfigException.class);
        assertThat(GuestName.from("1".repeat(64))).hasSize(63).startsWith("guest-1");
    }
}

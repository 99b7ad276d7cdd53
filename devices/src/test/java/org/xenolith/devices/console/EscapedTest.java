package org.xenolith.devices.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EscapedTest {
    @Test
    void textOfAGuestIsPrintableAscii() {
        assertThat(Escaped.of("a\u001b[2J\\\u00e4\u2028")).isEqualTo("a\\x1b[2J\\\\\\xe4\\u2028");
    }

    @Test
    void sentenceKeepsItsLettersAndItsLines() {
        String sentence = "\u00e4.img is no disk;\n\t\u65e5\u672c\ud83d\ude00 C:\\x";
        assertThat(Escaped.sentence(sentence)).isEqualTo(sentence);
    }

    /** Also what C1, and marks of direction, do to what stands around them. */
    @Test
    void sentenceSteersNoTerminal() {
        assertThat(Escaped.sentence("\u001b[2J\r\u009b1m\u202ecba\u007f"))
                .isEqualTo("\\x1b[2J\\x0d\\x9b1m\\u202ecba\\x7f");
    }
}

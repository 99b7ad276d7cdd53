package org.xenolith.devices.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Random;

final class TextOnlySinkTest {
    private final ConsoleLog shown = new ConsoleLog();

    private String filtered(boolean colours, String text) {
        return filtered(colours, text.getBytes(StandardCharsets.UTF_8), Integer.MAX_VALUE);
    }

    private String filtered(boolean colours, byte[] bytes, int step) {
        long from = shown.position();
        TextOnlySink sink = new TextOnlySink(colours, shown);
        for (int i = 0; i < bytes.length; i += Math.min(step, bytes.length)) {
            sink.write(bytes, i, Math.min(step, bytes.length - i));
        }
        byte[] passed = shown.textFrom(from).getBytes(StandardCharsets.ISO_8859_1);
        return new String(passed, StandardCharsets.UTF_8);
    }

    @Test
    void textAndColoursPass() {
        String line = "\tgr\u00fc\u00dfe \u00bb\u65e5\u672c\u00ab \u001b[1;31mred\u001b[0m\n";
        assertThat(filtered(true, line)).isEqualTo(line);
        assertThat(filtered(false, line))
                .isEqualTo("\tgr\u00fc\u00dfe \u00bb\u65e5\u672c\u00ab red\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u001b[2J", // clear
                "\u001b[6n", // where is the cursor?
                "\u001b[?25l",
                "\u001b[1;1H",
                "\u001b[>4;2m", // no colour, though it ends like one
                "\u001b]0;title\u0007",
                "\u001b]0;title\u001b\\",
                "\u001bP$q\"p\u001b\\",
                "\u001b(B",
                "\u001bc",
                "\u009b2J",
                "\r",
                "\u0007",
                "\b",
                "\u007f",
                "\u001b[1\u001b[2J"
            })
    void whatATerminalWouldObeyDoesNot(String control) {
        assertThat(filtered(true, "be" + control + "fore\n")).isEqualTo("before\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u001b", "\u001b[12", "\u001b]0;no end", "\u001bP"})
    void functionThatIsCutOffEndsWithItsLine(String control) {
        assertThat(filtered(true, "a" + control + "\nb\n")).isEqualTo("a\nb\n");
    }

    @Test
    void splitsBetweenCallsChangeNothing() {
        byte[] bytes = new byte[1 << 16];
        Random random = new Random(7);
        for (int i = 0; i < bytes.length; i++) {
            // Mostly bytes that mean something here.
            bytes[i] =
                    (byte)
                            "\u001b[]P\\;1m?\n\rab\u0007\u00c2\u009b\u00a0"
                                    .charAt(random.nextInt(17));
        }
        String whole = filtered(true, bytes, Integer.MAX_VALUE);
        assertThat(filtered(true, bytes, 1)).isEqualTo(whole);
        assertThat(filtered(true, bytes, 7)).isEqualTo(whole);
        assertThat(whole.replaceAll("\u001b\\[[0-9:;]*m", "")).doesNotContain("\u001b", "\r");
    }
}
